"""The page's program, first part: unpacking, the one state that everything shows, and small mathematics."""

CORE = r"""
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("scene-data").textContent);
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const ratio = () => Math.min(window.devicePixelRatio || 1, 2);
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const sub = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const add = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
const times = (a, s) => [a[0] * s, a[1] * s, a[2] * s];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const long = (a) => Math.hypot(a[0], a[1], a[2]);
const unit = (a) => times(a, 1 / (long(a) || 1));
const mix = (a, b, s) => [a[0] + (b[0] - a[0]) * s, a[1] + (b[1] - a[1]) * s, a[2] + (b[2] - a[2]) * s];
const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
const css = (colour, alpha) => `rgba(${colour.map((part) => Math.round(255 * part)).join(",")},${alpha})`;

async function unpack() {
  const text = $("scene-blobs").textContent.trim();
  if (!text) return null;
  const packed = atob(text);
  const bytes = new Uint8Array(packed.length);
  for (let at = 0; at < packed.length; at++) bytes[at] = packed.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

const KINDS = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, u4: Uint32Array };
const array = (buffer, ref) => ref && new KINDS[ref.type](buffer, ref.at, ref.count);

// Millimetres along the path at each of its corners; a point at any of them.
const path = data.path && data.path.length > 1 ? data.path : null;
const arcs = [0];
if (path) for (let at = 1; at < path.length; at++) arcs.push(arcs[at - 1] + long(sub(path[at], path[at - 1])));
const length = arcs[arcs.length - 1];
function along(arc) {
  let at = 1;
  while (at < path.length - 1 && arcs[at] < arc) at++;
  return mix(path[at - 1], path[at], clamp((arc - arcs[at - 1]) / (arcs[at] - arcs[at - 1] || 1), 0, 1));
}
function arcNear(point) {
  let best = [Infinity, 0];
  for (let at = 1; at < path.length; at++) {
    const way = sub(path[at], path[at - 1]);
    const share = clamp(dot(sub(point, path[at - 1]), way) / (dot(way, way) || 1), 0, 1);
    const off = long(sub(point, mix(path[at - 1], path[at], share)));
    if (off < best[0]) best = [off, arcs[at - 1] + share * (arcs[at] - arcs[at - 1])];
  }
  return best[1];
}
// The certificate's curve at an arc: between samples, the straight line; the nearest structure of the nearer one.
function measured(arc) {
  const { arc: at, clearance, nearest } = data.curve;
  if (!at.length) return null;
  let high = at.findIndex((value) => value >= arc);
  if (high < 0) high = at.length - 1;
  const low = Math.max(high - 1, 0), one = clearance[low], two = clearance[high];
  const share = clamp((arc - at[low]) / (at[high] - at[low] || 1), 0, 1);
  if (one === null || two === null) return null;
  return { clearance: one + (two - one) * share, nearest: nearest[share < 0.5 ? low : high] || "" };
}

// What everything shows: a point in the patient, the tip's place on the path, the frame of the film, what is hidden.
const middle = () => (data.plate ? data.plate.origin.map((at, axis) =>
  at + data.plate.spacing * (data.plate.shape[axis] - 1) / 2) : data.target || data.entry || [0, 0, 0]);
const state = { arc: path ? length : 0, point: path ? along(length) : data.target || middle(), frame: -1,
  hidden: new Set(), zoom: 1 };
const views = [];
let asked = false;
function changed() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; views.forEach((view) => view()); });
}
function toArc(arc, fromFilm) {
  state.arc = clamp(arc, 0, length);
  state.point = along(state.arc);
  if (!fromFilm) leaveFilm();
  changed();
}
function toPoint(point) { state.point = point; leaveFilm(); changed(); }
let leaveFilm = () => {};

const letters = ["RL", "AP", "IS"];
const placed = (point) => point.map((at, axis) =>
  `${letters[axis][at >= 0 ? 1 : 0]} ${Math.abs(at).toFixed(1)}`).join(" · ");
// Blue where there is room, amber near the margin, red inside it: told apart by lightness too.
const ROOM = [0.42, 0.83, 1], NEAR = [1, 0.78, 0.25], INSIDE = [1, 0.25, 0.2];
function clearanceColour(arc) {
  const found = measured(arc), margin = data.margin || 0;
  if (!found) return ROOM;
  if (found.clearance < margin) return INSIDE;
  return mix(NEAR, ROOM, clamp((found.clearance - margin) / Math.max(3 * margin, 4), 0, 1));
}
"""
