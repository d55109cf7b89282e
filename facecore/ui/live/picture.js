// A frame that was read, with the boxes, labels and track numbers that it was answered with.

const LETTERS_PX = 13;
const PAD_PX = 4;
const FONT = (canvas) => `600 ${LETTERS_PX}px ${getComputedStyle(canvas).fontFamily}`;

class Picture {
  constructor(parent) {
    this.figure = document.createElement("figure");
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.title = document.createElement("figcaption");
    this.figure.append(this.title, this.canvas);
    parent.append(this.figure);
    this.places = new Map(); // where the label of each track was
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.canvas);
  }

  show(frame, faces, alt) {
    Object.assign(this, { frame, faces });
    this.canvas.style.aspectRatio = `${frame.width} / ${frame.height}`;
    this.canvas.setAttribute("aria-label", alt);
    this.draw();
  }

  draw() {
    const { canvas, frame } = this;
    if (!frame || !canvas.clientWidth) return;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const context = canvas.getContext("2d", { alpha: false });
    // The whole frame, whatever shape its place has.
    const scale = Math.min(width / frame.width, height / frame.height);
    const left = (width - frame.width * scale) / 2;
    const top = (height - frame.height * scale) / 2;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    context.drawImage(frame, left, top, frame.width * scale, frame.height * scale);
    const boxes = this.faces.map(({ box: [x0, y0, x1, y1] }) => [
      left + x0 * scale,
      top + y0 * scale,
      left + x1 * scale,
      top + y1 * scale,
    ]);
    this.faces.forEach(({ color }, index) => outline(context, boxes[index], color));
    this.label(context, boxes, width, height);
  }

  label(context, boxes, width, height) {
    context.font = FONT(this.canvas);
    context.textBaseline = "middle";
    const taken = [];
    const places = new Map();
    // The oldest first: theirs stay where they are.
    const order = this.faces.map((_, index) => index);
    order.sort((a, b) => this.faces[a].track - this.faces[b].track);
    for (const index of order) {
      const { track, label, color } = this.faces[index];
      for (const text of [`#${track} ${label}`, `#${track}`]) {
        const size = [context.measureText(text).width + 2 * PAD_PX, LETTERS_PX + 2 * PAD_PX];
        const found = placed(boxes[index], size, [width, height], taken, this.places.get(track));
        if (!found) continue;
        const [[x, y], place] = found;
        taken.push([x, y, x + size[0], y + size[1]]);
        places.set(track, place);
        context.fillStyle = color;
        context.fillRect(x, y, ...size);
        context.fillStyle = isLight(color) ? "#141414" : "#fff";
        context.fillText(text, x + PAD_PX, y + size[1] / 2 + 0.5);
        break;
      }
    }
    this.places = places;
  }

  close() {
    this.observer.disconnect();
    this.figure.remove();
  }
}

function outline(context, [x0, y0, x1, y1], color) {
  for (const [style, line] of [["rgba(0, 0, 0, 0.55)", 4], [color, 2]]) {
    context.strokeStyle = style;
    context.lineWidth = line;
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
}

// Return where a label goes, and which of the places that is: one that is within the picture and
// meets no other label, where it was before if it can; null where there is none.
function placed([x0, y0, x1, y1], [w, h], [width, height], taken, before) {
  const places = [
    [x0, y0 - h], [x0, y1], [x0, y0], [x0, y1 - h], [x1 - w, y0 - h], [x1 - w, y1],
    [x1, y0], [x0 - w, y0], [x1, y1 - h], [x0 - w, y1 - h],
  ];
  const order = [...places.keys()];
  if (before !== undefined) order.unshift(before);
  for (const place of order) {
    const x = Math.min(Math.max(0, places[place][0]), width - w);
    const y = Math.min(Math.max(0, places[place][1]), height - h);
    const meets = ([a0, b0, a1, b1]) => x < a1 && a0 < x + w && y < b1 && b0 < y + h;
    if (x >= 0 && y >= 0 && !taken.some(meets)) return [[x, y], place];
  }
  return null;
}

function isLight(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return 0.3 * red + 0.59 * green + 0.11 * blue > 110;
}
