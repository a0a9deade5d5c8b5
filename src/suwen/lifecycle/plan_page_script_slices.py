"""The page's program, second part: three orthogonal slices on canvas, in radiological convention."""

SLICES = r"""
// u and v are the axes to the right and down; sign -1 where down is towards the feet's opposite, the head's, end.
const PLANES = {
  axial: { u: 0, v: 1, w: 2, sign: 1, sides: ["R", "L", "A", "P"], colour: "#ff7a6b" },
  coronal: { u: 0, v: 2, w: 1, sign: -1, sides: ["R", "L", "S", "I"], colour: "#6fdc8c" },
  sagittal: { u: 1, v: 2, w: 0, sign: -1, sides: ["A", "P", "S", "I"], colour: "#ffd75e" },
};

function slices(buffer) {
  const { origin, spacing, shape, names, greys } = data.plate;
  const labels = array(buffer, data.plate.labels), spare = array(buffer, data.plate.spare);
  const image = array(buffer, data.plate.image);
  if (image) for (let at = 1; at < image.length; at++) image[at] = (image[at] + image[at - 1]) & 255;
  const strides = [1, shape[0], shape[0] * shape[1]];
  const coloured = new Map();
  data.structures.forEach((one) => one.values.forEach((value) => coloured.set(value, one)));
  const index = (point) => point.map((at, axis) => clamp(Math.round((at - origin[axis]) / spacing), 0,
    shape[axis] - 1));
  const tints = [];

  function base(plane, level) {
    const { u, v, w, sign } = plane, wide = shape[u], high = shape[v];
    const made = new ImageData(wide, high), out = made.data, start = level * strides[w];
    const seen = new Set();
    for (let row = 0, to = 0; row < high; row++) {
      let from = start + (sign > 0 ? row : high - 1 - row) * strides[v];
      for (let column = 0; column < wide; column++, from += strides[u], to += 4) {
        const value = labels[from], own = tints[value];
        let light = image ? image[from] : greys[value];
        if (!image && value > 1) {
          const edge = labels[from + strides[u]] !== value || labels[from + strides[v]] !== value;
          if (edge) light *= 0.72;
        }
        if (own) {
          seen.add(value);
          const share = image ? 0.42 : 0.62;
          for (let part = 0; part < 3; part++) out[to + part] = light + (own[part] - light) * share;
        } else { out[to] = light * 0.97; out[to + 1] = light; out[to + 2] = Math.min(light * 1.04, 255); }
        out[to + 3] = value || (image && light) ? 255 : 0;
      }
    }
    return { made, seen };
  }

  // Marching squares: segments of the line where a field crosses zero, in voxels of the picture.
  function contour(plane, level, field) {
    const { u, v, w, sign } = plane, wide = shape[u], high = shape[v], start = level * strides[w], lines = [];
    const at = (column, row) => field(start + column * strides[u] + (sign > 0 ? row : high - 1 - row) * strides[v]);
    let above = new Float32Array(wide), below = new Float32Array(wide);
    for (let column = 0; column < wide; column++) above[column] = at(column, 0);
    for (let row = 0; row < high - 1; row++) {
      for (let column = 0; column < wide; column++) below[column] = at(column, row + 1);
      for (let column = 0; column < wide - 1; column++) {
        const a = above[column], b = above[column + 1], c = below[column + 1], d = below[column];
        const kind = (a < 0) | ((b < 0) << 1) | ((c < 0) << 2) | ((d < 0) << 3);
        if (kind === 0 || kind === 15) continue;
        const top = () => [column + a / (a - b), row], right = () => [column + 1, row + b / (b - c)];
        const bottom = () => [column + d / (d - c), row + 1], left = () => [column, row + a / (a - d)];
        const cut = [0, [left, top], [top, right], [left, right], [right, bottom], [left, top, right, bottom],
          [top, bottom], [left, bottom], [bottom, left], [bottom, top], [top, right, bottom, left], [right, bottom],
          [right, left], [right, top], [top, left]][kind];
        for (let end = 0; end < cut.length; end += 2) lines.push(cut[end](), cut[end + 1]());
      }
      [above, below] = [below, above];
    }
    return lines;
  }

  function stroke(pen, lines, place) {
    pen.beginPath();
    for (let end = 0; end < lines.length; end += 2) {
      pen.moveTo(...place(lines[end][0], lines[end][1]));
      pen.lineTo(...place(lines[end + 1][0], lines[end + 1][1]));
    }
    pen.stroke();
  }

  const panes = Object.keys(PLANES).map((name) => pane(name, PLANES[name]));

  function pane(name, plane) {
    const figure = $(name), canvas = figure.querySelector("canvas"), said = figure.querySelector("output");
    const pen = canvas.getContext("2d"), sheet = document.createElement("canvas");
    sheet.width = shape[plane.u]; sheet.height = shape[plane.v];
    let kept = "", seen = new Set(), outlines = [], forbidden = [];
    let frame = { scale: 1, x: 0, y: 0 };
    const column = (point) => (point[plane.u] - origin[plane.u]) / spacing;
    const row = (point) => {
      const at = (point[plane.v] - origin[plane.v]) / spacing;
      return plane.sign > 0 ? at : shape[plane.v] - 1 - at;
    };
    const place = (x, y) => [frame.x + (x + 0.5) * frame.scale, frame.y + (y + 0.5) * frame.scale];
    const at = (point) => place(column(point), row(point));

    function lay() {
      const wide = canvas.clientWidth, high = canvas.clientHeight, fine = ratio();
      if (canvas.width !== Math.round(wide * fine)) canvas.width = Math.round(wide * fine);
      if (canvas.height !== Math.round(high * fine)) canvas.height = Math.round(high * fine);
      const scale = Math.min(...Object.values(PLANES).map((one) =>
        Math.min((wide - 8) / shape[one.u], (high - 8) / shape[one.v]))) * state.zoom;
      const inside = (size, full, middle) => (full * scale <= size ? (size - full * scale) / 2
        : clamp(size / 2 - middle * scale, size - full * scale, 0));
      frame = { scale, x: inside(wide, shape[plane.u], column(state.point) + 0.5),
        y: inside(high, shape[plane.v], row(state.point) + 0.5) };
      pen.setTransform(fine, 0, 0, fine, 0, 0);
      return [wide, high];
    }

    function draw() {
      const [wide, high] = lay(), level = index(state.point)[plane.w];
      if (!wide) return;
      const now = `${level}|${[...state.hidden].join()}`;
      if (now !== kept) {
        kept = now;
        const found = base(plane, level);
        sheet.getContext("2d").putImageData(found.made, 0, 0);
        seen = found.seen;
        outlines = [...seen].map((value) => [coloured.get(value).colour,
          contour(plane, level, (from) => (labels[from] === value ? -1 : 1))]);
        forbidden = spare ? contour(plane, level, (from) => spare[from] + 0.001) : [];
      }
      pen.fillStyle = "#05070a"; pen.fillRect(0, 0, wide, high);
      pen.imageSmoothingEnabled = true; pen.imageSmoothingQuality = "high";
      pen.drawImage(sheet, frame.x, frame.y, shape[plane.u] * frame.scale, shape[plane.v] * frame.scale);
      pen.lineWidth = 1.4; pen.lineJoin = pen.lineCap = "round";
      outlines.forEach(([colour, lines]) => { pen.strokeStyle = colour; stroke(pen, lines, place); });
      if (!state.hidden.has("margin") && forbidden.length) {
        pen.strokeStyle = "#ff5b4d"; pen.lineWidth = 1.3; pen.setLineDash([]);
        stroke(pen, forbidden, place);
      }
      hairs(wide, high);
      marks();
      edges(wide, high);
      const depth = state.point[plane.w];
      said.textContent = `${letters[plane.w][depth >= 0 ? 1 : 0]} ${Math.abs(depth).toFixed(1)} mm`;
    }

    function hairs(wide, high) {
      const [x, y] = at(state.point), other = (axis) => Object.values(PLANES).find((one) => one.w === axis).colour;
      pen.lineWidth = 1; pen.globalAlpha = 0.75;
      [[plane.u, [x, 0, x, y - 14], [x, y + 14, x, high]], [plane.v, [0, y, x - 14, y], [x + 14, y, wide, y]]]
        .forEach(([axis, ...parts]) => {
          pen.strokeStyle = other(axis);
          pen.beginPath();
          parts.forEach(([a, b, c, d]) => { pen.moveTo(a, b); pen.lineTo(c, d); });
          pen.stroke();
        });
      pen.globalAlpha = 1;
    }

    function marks() {
      const depth = state.point[plane.w], thick = Math.max(1.5, spacing), fine = ratio();
      if (path) {
        pen.globalAlpha = 0.55; pen.strokeStyle = "#ffffff"; pen.lineWidth = 1.2; pen.setLineDash([2, 4]);
        pen.beginPath(); path.forEach((point, n) => (n ? pen.lineTo(...at(point)) : pen.moveTo(...at(point))));
          pen.stroke();
        pen.setLineDash([]); pen.globalAlpha = 1;
        // What lies in this slice is drawn as wide as the instrument is.
        const broad = Math.max(2.4, 2 * (data.radius || 0) * frame.scale / spacing);
        const steps = Math.max(2, Math.ceil(length / 0.5)), near = [];
        for (let step = 0; step < steps; step++) {
          const a = along(length * step / steps), b = along(length * (step + 1) / steps);
          if (Math.abs((a[plane.w] + b[plane.w]) / 2 - depth) <= thick) near.push([a, b,
            length * (step + 0.5) / steps]);
        }
        const stretch = (parts, width, colour) => parts.forEach(([a, b, arc]) => {
          pen.strokeStyle = colour(arc); pen.lineWidth = width;
          pen.beginPath(); pen.moveTo(...at(a)); pen.lineTo(...at(mix(a, b, 1.1))); pen.stroke();
        });
        pen.lineCap = "butt";
        stretch(near, broad + 2.4, () => "#0b1016");
        stretch(near, broad, (arc) => css(clearanceColour(arc), 1));
        // What is already inside, up to the tip.
        stretch(near.filter(([, , arc]) => arc <= state.arc), Math.max(1.2, broad * 0.4), () => "#ffffff");
        pen.lineCap = "round";
      }
      const faded = (point) => clamp(1 - (Math.abs(point[plane.w] - depth) - 2) / 12, 0.25, 1);
      if (data.entry) {
        const [x, y] = at(data.entry); pen.globalAlpha = faded(data.entry);
        ring(x, y, 6.5, "#7fd4ff"); pen.globalAlpha = 1;
      }
      if (data.target) {
        const [x, y] = at(data.target); pen.globalAlpha = faded(data.target);
        ring(x, y, 6.5, "#8dff8a");
        pen.strokeStyle = "#8dff8a"; pen.lineWidth = 1.6; pen.beginPath();
        [[0, 1], [1, 0], [0, -1], [-1, 0]].forEach(([dx, dy]) => { pen.moveTo(x + 6 * dx, y + 6 * dy);
          pen.lineTo(x + 11 * dx, y + 11 * dy); });
        pen.stroke(); pen.globalAlpha = 1;
      }
      if (path) {
        const tip = state.frame < 0 ? along(state.arc) : state.point;
        const [x, y] = at(tip);
        pen.globalAlpha = faded(tip); pen.fillStyle = "#ffffff"; pen.strokeStyle = "#0b1016"; pen.lineWidth = 1.6;
        pen.beginPath(); pen.arc(x, y, 3.4, 0, 7); pen.fill(); pen.stroke(); pen.globalAlpha = 1;
      }
    }

    function ring(x, y, size, colour) {
      for (const [tone, width] of [["rgba(0,0,0,.6)", 4], [colour, 2]]) {
        pen.strokeStyle = tone; pen.lineWidth = width; pen.beginPath(); pen.arc(x, y, size, 0, 7); pen.stroke();
      }
    }

    function edges(wide, high) {
      pen.font = "600 14px system-ui, sans-serif"; pen.textAlign = "center"; pen.textBaseline = "middle";
      const [left, right, top, bottom] = plane.sides;
      [[left, 14, high / 2], [right, wide - 14, high / 2], [top, wide / 2, 16], [bottom, wide / 2, high - 14]]
        .forEach(([letter, x, y]) => {
          pen.lineWidth = 4; pen.strokeStyle = "rgba(0,0,0,.85)"; pen.strokeText(letter, x, y);
          pen.fillStyle = "#f4f7fa"; pen.fillText(letter, x, y);
        });
      const bar = [5, 10, 20, 50, 100].find((mm) => mm * frame.scale / spacing >= 40) || 100,
        span = bar * frame.scale / spacing;
      pen.strokeStyle = "#f4f7fa"; pen.lineWidth = 2; pen.beginPath();
      pen.moveTo(wide - 16 - span, high - 16); pen.lineTo(wide - 16, high - 16); pen.stroke();
      pen.font = "12px system-ui, sans-serif"; pen.textAlign = "right"; pen.fillStyle = "#f4f7fa";
      pen.fillText(`${bar} mm`, wide - 16, high - 26);
    }

    function pointed(event) {
      const box = canvas.getBoundingClientRect(), point = [...state.point];
      const x = (event.clientX - box.left - frame.x) / frame.scale - 0.5,
        y = (event.clientY - box.top - frame.y) / frame.scale - 0.5;
      const down = plane.sign > 0 ? y : shape[plane.v] - 1 - y;
      point[plane.u] = origin[plane.u] + spacing * clamp(x, 0, shape[plane.u] - 1);
      point[plane.v] = origin[plane.v] + spacing * clamp(down, 0, shape[plane.v] - 1);
      toPoint(point);
    }
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); pointed(event); });
    canvas.addEventListener("pointermove", (event) => { if (event.buttons &&
      canvas.hasPointerCapture(event.pointerId)) pointed(event); });
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [plane.u, -1], ArrowRight: [plane.u, 1], ArrowUp: [plane.v, -plane.sign],
        ArrowDown: [plane.v, plane.sign], PageUp: [plane.w, 1], PageDown: [plane.w, -1] }[event.key];
      if (!moves) return;
      event.preventDefault();
      const point = [...state.point], [axis, way] = moves;
      point[axis] = clamp(point[axis] + way * spacing * (event.shiftKey ? 5 : 1), origin[axis],
        origin[axis] + spacing * (shape[axis] - 1));
      toPoint(point);
    });
    new ResizeObserver(changed).observe(canvas);
    return draw;
  }

  views.push(() => {
    data.structures.forEach((one) => one.values.forEach((value) => {
      tints[value] = state.hidden.has(one.key) ? null : rgb(one.colour).map((part) => 255 * part);
    }));
    panes.forEach((draw) => draw());
    const [i, j, k] = index(state.point), value = labels[i + strides[1] * j + strides[2] * k];
    $("here").textContent = `${placed(state.point)} mm${value ? " · in " + names[value] : ""}`;
  });
}
"""
