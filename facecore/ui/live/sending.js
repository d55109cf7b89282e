// Frames to the server, one in flight: the next is sent when the answer is there, and is taken
// and encoded just before that is due, so that neither waits for the other. While the server lets
// others go first, a newer frame takes the place of the one that waits there.

const TRIES = 5;
const MARGIN_MS = 5;
const OLD_MS = 50; // a frame that has waited here so long makes room for a newer one
const READINGS = 12; // the last ones, by which it is told when an answer is due
const UNREAD_MS = 250;
const USUAL = 0.2; // the weight of the newest time among those before

class Sending {
  // `on` has faces(answer, canvas, lag), told(message) for all else, lost(number of the try) and
  // ended(sentence or null).
  constructor(source, address, on) {
    Object.assign(this, { source, address, on, tries: 0, lag: 0, lastNumber: 0 });
    // Two in flight at most, one that is shown, one that is ready, and one for the next.
    this.canvases = Array.from({ length: 5 }, () => document.createElement("canvas"));
    this.readings = [0]; // ms, from sending to the answer
    this.encodingMs = 10;
  }

  connect() {
    const socket = new WebSocket(this.address());
    this.socket = socket;
    this.flights = [];
    this.ready = null;
    socket.onopen = () => this.pump();
    socket.onmessage = (event) => this.hear(JSON.parse(event.data));
    socket.onclose = () => this.socket === socket && this.again();
  }

  again() {
    this.flights = [];
    if (this.isClosed) return;
    this.tries += 1;
    if (this.tries > TRIES) return this.end(null);
    this.on.lost(this.tries, TRIES);
    this.timer = setTimeout(() => this.connect(), 250 * 2 ** this.tries);
  }

  hear(message) {
    if (message.type === "problem") return this.end(message.sentence);
    // A frame that was not read gives its place to a later one.
    if (message.type === "unread") setTimeout(() => this.next(Infinity), UNREAD_MS);
    if (message.type === "waiting") this.renew();
    if (message.type !== "faces") return this.on.told(message);
    const flight = this.flights.find((one) => one.number === message.frame);
    if (!flight) return;
    this.tries = 0;
    this.readings = [...this.readings, performance.now() - flight.sent].slice(-READINGS);
    this.shown = flight.canvas;
    this.next(flight.number);
    this.lag = performance.now() - flight.taken;
    this.on.faces(message, flight.canvas, this.lag);
  }

  next(number) {
    this.flights = this.flights.filter((one) => one.number > number);
    this.pump();
  }

  renew() {
    this.flights = this.flights.slice(-1);
    this.ready = null; // it has grown old
    this.isNewerWanted = true;
    this.pump();
  }

  // To be called whenever something has changed: a frame, an answer, the time.
  pump() {
    if (this.isClosed || this.socket?.readyState !== WebSocket.OPEN) return;
    const isFree = () => !this.flights.length || this.isNewerWanted;
    if (this.ready && isFree()) this.send();
    if (!(this.source.number > this.lastNumber)) return;
    const now = performance.now();
    // Most answers come later than the quickest quarter of those before.
    const quick = [...this.readings].sort((a, b) => a - b)[Math.floor(this.readings.length / 4)];
    const answer = this.flights[0]?.sent + quick;
    const due = this.ready ? this.ready.begun + OLD_MS : answer - this.encodingMs - MARGIN_MS;
    clearTimeout(this.timer);
    if (isFree() || now >= due) this.encode();
    else this.timer = setTimeout(() => this.pump(), due - now);
  }

  encode() {
    const { video, number, taken } = this.source;
    const { side, quality } = this.frames;
    if (!video.videoWidth) return;
    const scale = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
    const held = [this.shown, this.ready?.canvas, ...this.flights.map((one) => one.canvas)];
    const canvas = this.canvases.find((one) => !held.includes(one));
    const begun = performance.now();
    this.lastNumber = number;
    canvas.width = Math.max(1, Math.round(video.videoWidth * scale));
    canvas.height = Math.max(1, Math.round(video.videoHeight * scale));
    const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    // Here and now: toBlob waits until the page has nothing else to do, which takes longer.
    const address = canvas.toDataURL("image/jpeg", quality);
    const letters = atob(address.slice(address.indexOf(",") + 1));
    const jpeg = new Uint8Array(letters.length);
    for (let at = 0; at < jpeg.length; at += 1) jpeg[at] = letters.charCodeAt(at);
    this.encodingMs += (performance.now() - begun - this.encodingMs) * USUAL;
    if (letters) this.ready = { number, taken, canvas, jpeg, begun };
    this.pump();
  }

  send() {
    const { ready } = this;
    const message = new Uint8Array(8 + ready.jpeg.length);
    const head = new DataView(message.buffer);
    head.setUint32(0, ready.number);
    head.setUint32(4, Math.round(this.lag));
    message.set(ready.jpeg, 8);
    this.socket.send(message);
    this.flights.push({ ...ready, sent: performance.now() });
    this.ready = null;
    this.isNewerWanted = false;
  }

  end(sentence) {
    if (this.isClosed) return;
    this.close();
    this.on.ended(sentence);
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }
}
