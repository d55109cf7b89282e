// What the server did in the last minutes, drawn anew each second.

const SVG = "http://www.w3.org/2000/svg";
const SPANS_S = [30, 60, 180]; // from left to right; the shortest that has all that is known
const HEIGHT = 36; // of a curve's own space, a second by the pixel, which is stretched to its tile
const STAGES = ["queue", "decode", "detect", "classify"];
const READING = STAGES.slice(1); // the total is of these, and of the rest

// Each with the names of its lines and how they are read from a second.
const TILES = [
  { name: "frames", lines: { read: (s) => s.read, offered: (s) => s.offered } },
  { name: "latency", lines: { p50: (s) => s.p50_ms, p95: (s) => s.p95_ms } },
  {
    name: "stages",
    stacked: true,
    lines: Object.fromEntries([
      ...STAGES.map((stage) => [stage, (s) => s.ms?.[stage]]),
      ["rest", (s) => s.ms?.total - READING.reduce((sum, one) => sum + (s.ms?.[one] ?? 0), 0)],
    ]),
  },
  { name: "cpu", lines: { cpu: (s) => s.cpu_percent } },
  { name: "memory", lines: { memory: (s) => s.memory_mb } },
  { name: "faces", lines: { faces: (s) => s.faces, tracks: (s) => s.tracks } },
];

class LiveMonitor {
  constructor(parent) {
    this.seconds = [];
    this.root = document.createElement("section");
    this.root.className = "monitor";
    this.tiles = TILES.map((tile) => this.tile(tile));
    parent.append(this.root);
  }

  name(words) {
    this.words = words;
    this.root.setAttribute("aria-label", words.monitor);
    for (const { head, name } of this.tiles) head.textContent = words[name];
    this.draw();
  }

  tile(tile) {
    const place = document.createElement("div");
    const names = Object.keys(tile.lines);
    place.className = "tile";
    const head = document.createElement("div");
    head.className = "name";
    const figures = document.createElement("div");
    figures.className = "figures";
    const numbers = names.map((name, index) => {
      const one = document.createElement("span");
      one.className = names.length > 1 ? `of line${index}` : "of";
      figures.append(one);
      return one;
    });
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const paths = names.map((_, index) => {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("class", `line${index}${tile.stacked ? " area" : ""}`);
      svg.prepend(path); // the first lies on top
      return path;
    });
    const scale = document.createElement("div");
    scale.className = "scale";
    place.append(head, figures, svg, scale);
    this.root.append(place);
    return { ...tile, head, names, numbers, svg, paths, scale };
  }

  add(seconds) {
    // After another Start, or a lost connection, the server begins with those that were.
    const here = new Set(this.seconds.map(({ at }) => at));
    const more = seconds.filter(({ at }) => !here.has(at));
    this.seconds = [...this.seconds, ...more].slice(-SPANS_S.at(-1));
    this.draw();
  }

  draw() {
    const span = SPANS_S.find((one) => one >= this.seconds.length);
    for (const { lines, stacked, names, numbers, svg, paths, scale, name } of this.tiles) {
      const read = Object.values(lines);
      let rows = this.seconds.map((second) => read.map((line) => known(line(second))));
      // A second without a frame says nothing of them: what is known last stays.
      const now = read.map((_, at) => rows.findLast((row) => row[at] !== null)?.[at]);
      if (stacked) {
        const sum = (row, to) => row.slice(0, to).reduce((a, b) => a + b, 0);
        rows = rows.map((row) => row.map((value, at) => value === null ? null : sum(row, at + 1)));
      }
      const top = niceTop(usualTop(rows));
      svg.setAttribute("viewBox", `0 0 ${span} ${HEIGHT}`);
      names.forEach((line, index) => {
        const values = rows.map((row) => row[index]);
        numbers[index].textContent = filled(this.words.figures[line], { value: shown(now[index]) });
        paths[index].setAttribute("d", curve(values, span, top, stacked));
      });
      const words = this.seconds.length ? this.words.scales[name] : "";
      scale.textContent = filled(words, { top: shown(top), span });
    }
  }
}

function known(value) {
  return Number.isFinite(value) ? Math.max(0, value) : null;
}

// Put values into a sentence by the names of their places.
function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function shown(value) {
  if (value === null || value === undefined) return "…";
  return value >= 10 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}

// The highest of all seconds but a twentieth: one that stands out would flatten all others, and is
// drawn at the top.
function usualTop(rows) {
  const known = rows.filter((row) => row.some((value) => value !== null));
  const tops = known.map((row) => Math.max(...row)).sort((a, b) => a - b);
  return tops.at(Math.floor((tops.length - 1) * 0.95)) ?? 0;
}

// The next of 1, 2, 5, 10, … so that a curve does not fill its height by chance.
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= value);
}

// The newest second is at the right end; where nothing is known the line is broken.
function curve(values, span, top, isArea) {
  const from = span - values.length;
  const points = values.map((value, index) => [from + index + 0.5, value]);
  const y = (value) => (HEIGHT - 1 - Math.min(1, value / top) * (HEIGHT - 2)).toFixed(1);
  if (isArea) {
    const known = points.filter(([, value]) => value !== null);
    if (!known.length) return "";
    const line = known.map(([x, value]) => `L${x} ${y(value)}`).join("");
    return `M${known[0][0]} ${HEIGHT}${line}L${known.at(-1)[0]} ${HEIGHT}Z`;
  }
  let isOn = false;
  return points
    .map(([x, value]) => {
      const step = value === null ? "" : `${isOn ? "L" : "M"}${x} ${y(value)}`;
      isOn = value !== null;
      return step;
    })
    .join("");
}
