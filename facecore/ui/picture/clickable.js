// A photo with boxes: what is under the pointer is told, a click chooses, and it can be zoomed.
// All places are pixels of the photo; what is seen of it is the view box of one SVG.

const SVG = "http://www.w3.org/2000/svg";
const PATIENCE_MS = 3000; // a busy machine draws the table late
const STEP = 1.5; // how much a click on + zooms
const LEAST_LETTERS_PX = 11.5; // on the screen
const LEAST_BOX_PX = 28; // a chosen box that is shown smaller is zoomed to
const LARGEST_PIXEL_PX = 6; // a pixel of the photo on the screen, zoomed as far as it goes
const DRAG_PX = 5; // a pointer that moves less has clicked

function add(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

class ClickablePicture {
  constructor(root) {
    this.frame = document.createElement("div");
    this.frame.className = "frame";
    this.svg = add(this.frame, "svg", { role: "group" });
    this.image = add(this.svg, "image", { x: 0, y: 0, preserveAspectRatio: "none" });
    this.boxes = add(this.svg, "g", {});
    this.labels = add(this.svg, "g", { class: "labels", "aria-hidden": "true" });
    this.buttons = document.createElement("div");
    this.buttons.className = "buttons";
    this.note = document.createElement("span");
    this.buttons.append(this.note);
    this.out = this.button("−", () => this.zoom(1 / STEP));
    this.whole = this.button("⤢", () => this.zoom(0));
    this.in = this.button("+", () => this.zoom(STEP));
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    this.frame.append(this.tip);
    this.pointers = new Map();
    this.view = { zoom: 1, x: 0, y: 0 }; // and the photo's point in the middle
    this.listen();
    root.append(this.frame, this.buttons);
    this.observer = new ResizeObserver(() => this.data && this.draw());
    this.observer.observe(this.frame);
  }

  button(sign, act) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: sign, onclick: act });
    this.buttons.append(button);
    return button;
  }

  say({ note, ...words }) {
    this.note.textContent = note;
    for (const [name, said] of Object.entries(words)) {
      this[name].title = said;
      this[name].setAttribute("aria-label", said);
    }
  }

  listen() {
    const svg = this.svg;
    svg.addEventListener("pointerdown", (event) => this.press(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      svg.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }
    svg.addEventListener("pointerleave", () => (this.tip.hidden = true));
    svg.addEventListener("dblclick", (event) => this.zoom(STEP * STEP, event));
    // Without the key the wheel scrolls the page, as everywhere on it.
    const wheel = (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), event);
    };
    svg.addEventListener("wheel", wheel, { passive: false });
  }

  show({ data, setTriggerValue }) {
    const other = !this.data || this.data.name !== data.name;
    const chosen = other || this.data.chosen !== data.chosen;
    this.data = data;
    this.tell = setTriggerValue;
    if (other) {
      this.view = { zoom: 1, x: data.width / 2, y: data.height / 2 };
      this.asked = false;
    }
    this.frame.style.aspectRatio = `${data.width} / ${data.height}`;
    this.svg.setAttribute("aria-label", data.alt);
    this.say(data.words);
    this.place(this.image, { width: data.width, height: data.height });
    if (this.image.getAttribute("href") !== data.src) this.image.setAttribute("href", data.src);
    this.fill();
    // What was clicked here is in sight; what was chosen elsewhere may not be.
    if (chosen && !other && data.chosen !== this.clicked) this.seek();
    if (chosen && data.chosen === this.clicked && data.beside) this.follow(data.beside);
    if (chosen) this.clicked = null;
    this.draw();
  }

  click(number) {
    this.clicked = number;
    this.tell("clicked", number);
  }

  // Scroll the table beside the photo to the row that was chosen here. Streamlit has no way to
  // ask for it; where its table is another one day, or the visitor has sorted it, it stays.
  follow({ key, row, row_px }) {
    const table = document.querySelector(`.st-key-${key}`);
    const scroller = table?.querySelector(".dvn-scroller");
    if (!scroller) return;
    const before = scroller.scrollTop;
    const isSeen = () => table.querySelector('[role="row"][aria-selected="true"]');
    const [row_at, until] = [Math.max(0, (row - 2) * row_px), performance.now() + PATIENCE_MS];
    let at = before;
    const scroll = () => {
      // It is there, or the visitor scrolls.
      if (isSeen() || ![before, at].includes(scroller.scrollTop)) return;
      const isOver = performance.now() > until;
      scroller.scrollTop = isOver ? before : row_at;
      at = scroller.scrollTop;
      if (!isOver) setTimeout(scroll, 400);
    };
    setTimeout(scroll, 400); // once the table knows of it
  }

  place(element, attributes) {
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  }

  fill() {
    const { marks, chosen } = this.data;
    // The same boxes stay, so that one that is pressed just now is there to be let go of.
    const told = JSON.stringify([marks, chosen]);
    if (told === this.told) return;
    this.told = told;
    this.boxes.replaceChildren();
    const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
    const first = marks.find((mark) => mark.number === chosen) ?? marks[0];
    // The smaller one lies on top, so that it can be clicked inside a larger one.
    for (const mark of [...marks].sort((a, b) => area(b) - area(a))) {
      const [x0, y0, x1, y1] = mark.box;
      const place = { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
      const live = mark.number !== null;
      const isChosen = live && mark.number === chosen;
      if (isChosen) {
        add(this.boxes, "rect", { ...place, class: "halo" });
        add(this.boxes, "rect", { ...place, class: "ring" });
      }
      const kinds = ["box", live && "live", mark.dashed && "dashed", isChosen && "chosen"];
      const box = add(this.boxes, "rect", {
        ...place,
        stroke: mark.colour,
        class: kinds.filter(Boolean).join(" "),
        "aria-label": mark.hover,
        ...(live && { role: "button", tabindex: mark === first ? 0 : -1, "data-number": mark.number }),
        ...(live && { "aria-pressed": isChosen }),
        ...(!live && { role: "img" }),
      });
      box.addEventListener("pointermove", (event) => this.point(mark, event));
      box.addEventListener("pointerout", () => (this.tip.hidden = true));
      if (!live) continue;
      box.addEventListener("click", () => this.dragged || this.click(mark.number));
      box.addEventListener("keydown", (event) => this.key(mark, event));
    }
  }

  key(mark, event) {
    const live = this.data.marks.filter((one) => one.number !== null);
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") this.click(mark.number);
    else if (by) {
      const next = live[(live.indexOf(mark) + by + live.length) % live.length];
      this.boxes.querySelector(`[data-number="${next.number}"]`).focus();
    } else return;
    event.preventDefault();
  }

  point(mark, event) {
    if (!mark.hover || this.pointers.size) return;
    const frame = this.frame.getBoundingClientRect();
    this.tip.textContent = mark.hover;
    this.tip.hidden = false;
    const left = event.clientX - frame.left + 14;
    const top = event.clientY - frame.top + 14;
    const { offsetWidth, offsetHeight } = this.tip;
    this.tip.style.left = `${Math.max(0, Math.min(left, frame.width - offsetWidth - 4))}px`;
    this.tip.style.top = `${top + offsetHeight > frame.height ? top - offsetHeight - 28 : top}px`;
  }

  // The part of the photo that is seen unzoomed has the frame's shape and all of the photo.
  window() {
    const { clientWidth, clientHeight } = this.frame;
    const shape = clientWidth / Math.max(1, clientHeight);
    const whole = Math.max(this.data.width, this.data.height * shape);
    const width = whole / this.view.zoom;
    return { width, height: width / shape, perPixel: clientWidth / width, whole };
  }

  zoom(factor, event) {
    const before = this.window();
    const most = (LARGEST_PIXEL_PX * before.whole) / Math.max(1, this.frame.clientWidth);
    const zoom = Math.min(Math.max(1, most), Math.max(1, this.view.zoom * factor));
    if (event) {
      // What is under the pointer stays there.
      const frame = this.frame.getBoundingClientRect();
      const kept = 1 - this.view.zoom / zoom;
      this.view.x += ((event.clientX - frame.left) / frame.width - 0.5) * before.width * kept;
      this.view.y += ((event.clientY - frame.top) / frame.height - 0.5) * before.height * kept;
    }
    this.view.zoom = zoom;
    this.draw();
  }

  press(event) {
    this.pointers.set(event.pointerId, event);
    this.dragged = false;
    this.tip.hidden = true;
  }

  move(event) {
    // A mouse that is let go of outside does not tell.
    if (!event.buttons) this.pointers.delete(event.pointerId);
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (!this.dragged && Math.hypot(dx, dy) < DRAG_PX) return;
    this.dragged = true;
    const others = [...this.pointers.values()].filter((one) => one.pointerId !== event.pointerId);
    const { perPixel } = this.window();
    if (others.length) {
      const apart = (one) => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY);
      this.zoom(apart(event) / Math.max(1, apart(before)), others[0]);
    } else {
      this.view.x -= dx / perPixel;
      this.view.y -= dy / perPixel;
      this.draw();
    }
    this.pointers.set(event.pointerId, event);
  }

  // Bring the chosen box into sight, and as close as it can be seen.
  seek() {
    const mark = this.data.marks.find((one) => one.number === this.data.chosen);
    if (!mark) return;
    const [x0, y0, x1, y1] = mark.box;
    const side = Math.max(x1 - x0, y1 - y0);
    const { width, height, perPixel } = this.window();
    const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
    const isSmall = side * perPixel < LEAST_BOX_PX;
    const isOut = Math.abs(x - this.view.x) > width / 2 || Math.abs(y - this.view.y) > height / 2;
    if (isSmall) this.view.zoom *= (2 * LEAST_BOX_PX) / (side * perPixel);
    if (isSmall || isOut) Object.assign(this.view, { x, y });
  }

  draw() {
    if (!this.frame.clientWidth) return;
    const { width, height, perPixel, whole } = this.window();
    const { data, view } = this;
    const within = (middle, seen, side) =>
      seen >= side ? side / 2 : Math.min(side - seen / 2, Math.max(seen / 2, middle));
    view.x = within(view.x, width, data.width);
    view.y = within(view.y, height, data.height);
    this.svg.setAttribute(
      "viewBox",
      `${view.x - width / 2} ${view.y - height / 2} ${width} ${height}`
    );
    this.svg.classList.toggle("zoomed", view.zoom > 1);
    this.out.disabled = this.whole.disabled = view.zoom <= 1;
    this.in.disabled = (LARGEST_PIXEL_PX * whole) / this.frame.clientWidth <= view.zoom;
    this.letter(perPixel);
    if (data.finer && !this.asked && view.zoom > 1) {
      const needed = data.width * perPixel * (window.devicePixelRatio || 1);
      if (needed > 1.2 * data.shown_width) {
        this.asked = true;
        this.tell("finer", true);
      }
    }
  }

  // Of the layouts, the one with the smallest letters that can be read at this zoom.
  letter(perPixel) {
    const { layouts, marks, chosen } = this.data;
    this.labels.replaceChildren();
    if (!layouts.length) return;
    const readable = layouts.filter((one) => one.letters * perPixel >= LEAST_LETTERS_PX);
    const layout = readable.at(-1) ?? layouts[0];
    for (const [index, x0, y0, x1, y1, text] of layout.labels) {
      const mark = marks[index];
      const isChosen = mark.number !== null && mark.number === chosen;
      const group = add(this.labels, "g", { class: isChosen ? "chosen" : "" });
      add(group, "rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, fill: mark.colour });
      const pad = 0.2 * layout.letters;
      const place = { x: x0 + pad, y: (y0 + y1) / 2, "font-size": layout.letters };
      const length = { textLength: x1 - x0 - 2 * pad, lengthAdjust: "spacingAndGlyphs" };
      add(group, "text", { ...place, ...length }, text);
    }
  }
}

const pictures = new WeakMap();

export default function (component) {
  const root = component.parentElement;
  const picture = pictures.get(root) ?? new ClickablePicture(root);
  pictures.set(root, picture);
  picture.show(component);
  return () => picture.observer.disconnect();
}
