// The Live page's camera: buttons, the light, the frames that were read, and the monitor beside.

class LiveView {
  constructor(root) {
    // Its width, and not the window's, says how much goes side by side.
    const place = document.createElement("div");
    place.className = "place";
    this.named = [];
    this.root = this.part("div", "live", place);
    const main = this.part("div", "main");
    this.buttons = this.part("div", "buttons", main);
    this.startButton = this.button("start", () => this.start("camera"), "primary");
    this.screenButton = this.button("screen", () => this.start("screen"));
    this.fileButton = this.button("file", () => this.input.click());
    this.stopButton = this.button("stop", () => this.stop(), "primary");
    this.cameras = this.part("select", "", this.buttons);
    this.cameras.onchange = () => this.isOn && this.start("camera");
    this.input = this.part("input", "", this.buttons);
    Object.assign(this.input, { type: "file", accept: "video/*", hidden: true });
    this.input.onchange = () => this.chose();
    this.screenButton.hidden = !navigator.mediaDevices?.getDisplayMedia;
    this.light = this.part("p", "light", main);
    this.light.setAttribute("role", "status");
    this.problem = this.part("p", "problem", main);
    this.problem.setAttribute("role", "alert");
    this.pictures = this.part("div", "pictures", main);
    this.empty = this.part("div", "empty", this.pictures);
    this.named.push([this.empty, "empty"]);
    this.share = this.part("p", "share", main);
    this.monitor = new LiveMonitor(this.root);
    this.shown = [];
    this.notes = {}; // the sentences under the pictures
    this.leave = () => this.stop();
    window.addEventListener("pagehide", this.leave);
    root.append(place);
  }

  part(name, kind, parent = this.root) {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    parent.append(element);
    return element;
  }

  button(name, act, kind = "") {
    const button = this.part("button", kind, this.buttons);
    Object.assign(button, { type: "button", onclick: act });
    this.named.push([button, name]);
    return button;
  }

  // What the page says now: its settings are the server's own affair, from the next frame on.
  show(data) {
    const isFirst = !this.data;
    this.data = data;
    this.words = data.words;
    for (const [element, name] of this.named) element.textContent = this.words[name];
    this.cameras.setAttribute("aria-label", this.words.cameras);
    this.monitor.name(this.words);
    if (this.sending) this.sending.frames = data.frames;
    if (isFirst) this.listCameras();
    this.look();
  }

  address() {
    const address = new URL(`${this.data.path}?key=${this.data.key}`, window.location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    return address;
  }

  chose() {
    const [file] = this.input.files;
    this.input.value = "";
    if (file) this.start("file", file);
  }

  async start(kind, file) {
    this.stop();
    this.say("");
    const source = new Source(
      this.root,
      () => this.sending?.pump(),
      () => this.stop(this.words.ended)
    );
    this.source = source;
    this.kind = kind;
    this.look();
    try {
      await source.open(kind, kind === "camera" ? this.cameras.value : file);
    } catch (error) {
      if (this.source !== source) return;
      console.warn(error);
      return this.stop(this.words[refusal(kind, error)]);
    }
    if (this.source !== source) return;
    this.sending = new Sending(source, () => this.address(), {
      faces: (answer, canvas, lag) => this.faces(answer, canvas, lag),
      told: (message) => this.hear(message),
      lost: (number, tries) => this.lose(filled(this.words.lost, { number, tries })),
      ended: (sentence) => this.stop(sentence ?? this.words.gone),
    });
    this.sending.frames = this.data.frames;
    this.isOn = true;
    this.look();
    this.sending.connect();
    if (kind === "camera") this.listCameras();
  }

  stop(sentence) {
    this.sending?.close();
    this.source?.close();
    this.sending = this.source = null;
    this.isOn = this.isLost = false;
    if (sentence) this.say(sentence);
    this.note({ share: "", left: "", waiting: "" });
    this.look();
  }

  lose(sentence) {
    this.say(sentence);
    this.isLost = true;
    this.look();
  }

  // The server answers: whatever was wrong before is over.
  back() {
    this.say("");
    if (!this.isLost) return;
    this.isLost = false;
    this.look();
  }

  // What is written under the pictures; sentences that are not named stay.
  note(sentences) {
    Object.assign(this.notes, sentences);
    const text = Object.values(this.notes).filter(Boolean).join(" ");
    if (this.share.textContent !== text) this.share.textContent = text;
  }

  say(sentence) {
    if (this.problem.textContent !== sentence) this.problem.textContent = sentence;
  }

  look() {
    const isBusy = Boolean(this.source);
    for (const one of [this.startButton, this.screenButton, this.fileButton]) one.disabled = isBusy;
    this.stopButton.disabled = !isBusy;
    this.cameras.hidden = this.cameras.options.length < 2;
    this.root.classList.toggle("on", Boolean(this.isOn));
    this.root.classList.toggle("lost", Boolean(this.isLost));
    const words = this.isLost ? this.words.unsent : this.words[`${this.kind}_on`];
    this.light.textContent = this.isOn ? words : this.words.off;
    this.empty.hidden = this.shown.length > 0;
  }

  async listCameras() {
    const media = navigator.mediaDevices;
    const all = (await media?.enumerateDevices?.().catch(() => [])) ?? [];
    const found = all.filter((one) => one.kind === "videoinput" && one.deviceId);
    const chosen = this.source?.device() || this.cameras.value;
    this.cameras.replaceChildren(
      ...found.map((one) => new Option(one.label || this.words.camera, one.deviceId))
    );
    if (found.some((one) => one.deviceId === chosen)) this.cameras.value = chosen;
    this.look();
  }

  faces(answer, canvas, lag) {
    this.back();
    const sides = answer.other ? [answer, answer.other] : [answer];
    while (this.shown.length > sides.length) this.shown.pop().close();
    while (this.shown.length < sides.length) this.shown.push(new Picture(this.pictures));
    this.pictures.classList.toggle("split", sides.length > 1);
    sides.forEach(({ faces }, side) => {
      const told = faces.map(({ track, label }) => `#${track} ${label}`).join("; ");
      this.shown[side].title.textContent = this.data.titles[side] ?? "";
      this.shown[side].show(canvas, faces, told || this.words.no_face);
    });
    // What is on the screen, for whoever checks it.
    this.root.drawn = { answer, lag };
    this.empty.hidden = true;
    const { share_fps: share, visitors } = answer;
    const isShared = share !== null && share !== undefined;
    const left = Math.max(...sides.map((side) => side.left));
    this.note({
      share: isShared ? filled(this.words.share, { frames: share.toFixed(1), visitors }) : "",
      left: left ? filled(this.words.left, { faces: left }) : "",
      waiting: "",
    });
  }

  hear(message) {
    this.back();
    if (message.type === "monitor") this.monitor.add(message.seconds);
    else if (message.sentence) this.note({ waiting: message.sentence });
  }

  close() {
    this.stop();
    window.removeEventListener("pagehide", this.leave);
    for (const picture of this.shown) picture.close();
  }
}

const views = new WeakMap();

export default function (component) {
  const root = component.parentElement;
  const view = views.get(root) ?? new LiveView(root);
  views.set(root, view);
  view.show(component.data);
  return () => view.close();
}
