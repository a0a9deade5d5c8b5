"""The page's program, fifth part: what the 3-D view shows, how it is turned, and the words written into it."""

VIEW = r"""
const PATH_MM = () => Math.max((data.radius || 0.6) * 1.6, 1);

function view3d(buffer) {
  let canvas = $("solid");
  const over = $("over"), pen = over.getContext("2d"), fast = renderer(canvas), quick = Boolean(fast);
  if (!quick) { // a canvas that was asked for one kind of context gives no other
    const fresh = canvas.cloneNode();
    canvas.replaceWith(fresh);
    canvas = fresh;
  }
  const draw = fast || plainRenderer(canvas);
  $("no-webgl").hidden = quick;
  const home = centreOf();
  const camera = { ...home, yaw: 0.62, pitch: 0.24 };
  let turning = quick && !calm, seenNow = true, last = 0, arm = false;
  const sphere = ball(), bodies = buffer ? data.structures.map((one) => [one, unfolded(buffer, one)]) : [];
  const line = path && refined(path);
  const pathBody = line && tube(line, PATH_MM(), clearanceColour);
  const links = [rod(0.8), rod(1)];
  const possible = [0.55, 0.8, 0.95], ruledOut = [0.5, 0.5, 0.55];
  const candidates = data.candidates.map((one) => tube(one.line, 0.45, one.feasible ? possible : ruledOut, 6));
  const riskTone = data.risk.length ? riskColour() : null, spots = [];
  for (let at = 0; at < data.risk.length; at += 6000) {
    spots.push(grains(data.risk.slice(at, at + 6000), 1.5, (spot) => riskTone(spot[3])));
  }

  function centreOf() {
    const body = data.plate, spread = body ? Math.max(...body.shape) * body.spacing : Math.max(length, 60) * 2;
    return { centre: middle(), distance: spread * 2.25 };
  }
  function refined(points) {
    const out = [];
    for (let at = 1; at < points.length; at++) {
      const steps = Math.max(1, Math.ceil(long(sub(points[at], points[at - 1])) / 0.8));
      for (let step = at > 1 ? 1 : 0; step <= steps; step++) out.push(mix(points[at - 1], points[at], step / steps));
    }
    return out;
  }

  function items() {
    const found = [], on = (key) => !state.hidden.has(key);
    bodies.forEach(([one, body]) => {
      if (on(one.key) && body.triangles.length) found.push({ body, colour: rgb(one.colour),
        opacity: one.opacity * (one.share ?? 1), glass: one.opacity < 1, glow: one.role === "blocks" ? 0.3 : 0,
        through: one.role === "blocks" });
    });
    // Seen through: the inner shell before the outer one, so that the outer one covers it.
    found.sort((one, two) => (one.glass ? 1 : 0) - (two.glass ? 1 : 0));
    if (pathBody && on("path")) found.unshift({ body: pathBody, glow: 0.35, through: true });
    if (on("candidates")) candidates.forEach((body) => found.unshift({ body, glow: 0.5 }));
    if (on("risk")) spots.forEach((body) => found.unshift({ body, glow: 0.6 }));
    const size = Math.max(2.2 * PATH_MM(), 2.6);
    if (data.entry) found.unshift({ body: sphere, model: scaled(data.entry, size), colour: [0.5, 0.83, 1], glow: 0.3,
      through: true });
    if (data.target) found.unshift({ body: sphere, model: scaled(data.target, size), colour: [0.55, 1, 0.54],
      glow: 0.3, through: true });
    if (path && state.frame < 0) found.unshift({ body: sphere, model: scaled(state.point, 1.5 * PATH_MM()),
      colour: [1, 1, 1], glow: 0.6, through: true });
    if (arm && state.frame >= 0) robot(found);
    return found;
  }
  function robot(found) {
    const at = data.film.at[state.frame], tip = at[at.length - 1], flange = at[at.length - 2];
    const wide = [66, 60, 54, 46, 40], shell = [0.86, 0.89, 0.93], joint = [0.98, 0.6, 0.25];
    for (let n = 0; n < at.length - 2; n++) {
      if (long(sub(at[n + 1], at[n])) < 1e-6) continue;
      found.unshift({ body: links[0], model: laid(at[n], at[n + 1], wide[Math.min(n, 4)]), colour: shell });
      const ball = n ? joint : [0.4, 0.44, 0.5];
      found.unshift({ body: sphere, model: scaled(at[n], wide[Math.min(n, 4)] * 1.04), colour: ball });
    }
    const foot = mix(at[0], at[1], 30 / Math.max(long(sub(at[1], at[0])), 30));
    found.unshift({ body: links[1], model: laid(at[0], foot, 105), colour: [0.4, 0.44, 0.5] });
    found.unshift({ body: links[1], model: laid(foot, mix(at[0], foot, 0.999), 105), colour: [0.5, 0.54, 0.6] });
    found.unshift({ body: sphere, model: scaled(flange, wide[4] * 0.9), colour: joint });
    const whole = long(sub(tip, flange)), held = Math.min(data.film.holder || 0.25 * whole, 0.6 * whole);
    const grip = mix(flange, tip, held / (whole || 1));
    found.unshift({ body: links[0], model: laid(flange, grip, 26), colour: [0.42, 0.47, 0.55] });
    found.unshift({ body: links[1], model: laid(grip, tip, Math.max(data.radius || 1, 1.1)), colour: [1, 1, 1],
      glow: 0.45, through: true });
    found.unshift({ body: sphere, model: scaled(tip, 1.7), colour: [1, 1, 1], glow: 0.7, through: true });
  }

  function size() {
    const fine = quick ? ratio() : 1, wide = canvas.clientWidth, high = canvas.clientHeight;
    [canvas, over].forEach((one) => {
      const scale = one === over ? ratio() : fine, x = Math.round(wide * scale), y = Math.round(high * scale);
      if (one.width !== x) one.width = x;
      if (one.height !== y) one.height = y;
    });
    return [wide, high];
  }
  function paint() {
    const [wide, high] = size();
    if (!wide) return;
    const look = cameraOf(camera, wide, high);
    draw(look, items());
    words(look, wide, high);
  }
  function words(look, wide, high) {
    const fine = ratio();
    pen.setTransform(fine, 0, 0, fine, 0, 0); pen.clearRect(0, 0, wide, high);
    pen.font = "600 13px system-ui, sans-serif"; pen.textBaseline = "middle"; pen.lineJoin = "round";
    const write = (text, x, y, colour, align = "left") => {
      pen.textAlign = align; pen.lineWidth = 4; pen.strokeStyle = "rgba(4,7,11,.85)"; pen.strokeText(text, x, y);
      pen.fillStyle = colour; pen.fillText(text, x, y);
    };
    const label = (point, text, colour, dy) => {
      const [x, y] = look.project(point, wide, high), right = x < wide * 0.62;
      pen.strokeStyle = colour; pen.lineWidth = 1; pen.beginPath();
      pen.moveTo(x, y); pen.lineTo(x + (right ? 22 : -22), y + dy); pen.stroke();
      write(text, x + (right ? 26 : -26), y + dy, colour, right ? "left" : "right");
    };
    if (data.entry) label(data.entry, "entry", "#8fdaff", -22);
    if (data.target) label(data.target, "target", "#8dff8a", 26);
    data.structures.filter((one) => one.role === "blocks" && !state.hidden.has(one.key))
      .forEach((one, at) => label(one.centre, `blocks: ${one.name}`, "#ff9a8d", -34 - 18 * at));
    // Where the patient's sides are, on a small cross that turns with the view.
    const x = 44, y = high - 44;
    [["L", [1, 0, 0]], ["R", [-1, 0, 0]], ["P", [0, 1, 0]], ["A", [0, -1, 0]], ["S", [0, 0, 1]], ["I", [0, 0, -1]]]
      .map(([letter, way]) => [dot(way, look.away), letter, way]).sort((one, two) => one[0] - two[0])
      .forEach(([near, letter, way]) => {
        const dx = 25 * dot(way, look.right), dy = -25 * dot(way, look.up);
        pen.globalAlpha = 0.5 + 0.5 * (near + 1) / 2;
        pen.strokeStyle = "#9fb3c8"; pen.lineWidth = 1.2; pen.beginPath(); pen.moveTo(x, y);
          pen.lineTo(x + dx * 0.7, y + dy * 0.7); pen.stroke();
        write(letter, x + dx, y + dy, "#f4f7fa", "center");
      });
    pen.globalAlpha = 1;
    if (arm && data.film.position) {
      pen.font = "12px system-ui, sans-serif";
      write(data.film.position, wide - 14, high - 16, "#c3ced8", "right");
    }
  }

  function loop(now) {
    const step = Math.min(now - last, 60);
    last = now;
    if (turning && seenNow && !document.hidden) { camera.yaw += step * 0.00022; paint(); }
    if (turning) requestAnimationFrame(loop);
  }
  function turn(on) {
    turning = on;
    const button = $("turn");
    button.setAttribute("aria-pressed", String(on)); button.textContent = on ? "❚❚ Stop turning" : "↻ Turn";
    if (on) { last = performance.now(); requestAnimationFrame(loop); }
  }
  const look = (yaw, pitch) => { turn(false); camera.yaw = yaw; camera.pitch = pitch; paint(); };
  const orbit = (dx, dy) => { camera.yaw -= dx; camera.pitch = clamp(camera.pitch + dy, -1.5, 1.5); paint(); };
  // The nearer, the more the view turns about the point of interest instead of about the whole.
  const nearer = (by) => {
    camera.distance = clamp(camera.distance * by, home.distance / 12, home.distance * 6);
    if (!arm) camera.centre = mix(home.centre, state.point, clamp(1.4 * (1 - camera.distance / home.distance), 0, 1));
    paint();
  };

  const held = new Map();
  over.addEventListener("pointerdown", (event) => { over.setPointerCapture(event.pointerId);
    held.set(event.pointerId, [event.clientX, event.clientY]); turn(false); });
  over.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const other = [...held].find(([id]) => id !== event.pointerId);
    const now = [event.clientX, event.clientY];
    if (other) nearer(Math.hypot(before[0] - other[1][0], before[1] - other[1][1]) / (Math.hypot(now[0] - other[1][0],
      now[1] - other[1][1]) || 1));
    else orbit((now[0] - before[0]) * 0.008, (now[1] - before[1]) * 0.008);
    held.set(event.pointerId, now);
  });
  ["pointerup", "pointercancel"].forEach((kind) => over.addEventListener(kind, (event) =>
    held.delete(event.pointerId)));
  over.addEventListener("wheel", (event) => { if (event.ctrlKey || document.activeElement === over) {
    event.preventDefault(); nearer(Math.exp(event.deltaY * 0.0012)); } }, { passive: false });
  over.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: () => orbit(-0.09, 0), ArrowRight: () => orbit(0.09, 0), ArrowUp: () => orbit(0, 0.09),
      ArrowDown: () => orbit(0, -0.09),
      "+": () => nearer(0.88), "=": () => nearer(0.88), "-": () => nearer(1.14), " ": () => turn(!turning),
        Home: reset }[event.key];
    if (!moves) return;
    event.preventDefault();
    if (event.key !== " ") turn(false);
    moves();
  });
  function reset() { Object.assign(camera, home, { yaw: 0.62, pitch: 0.24 }); paint(); }
  $("turn").addEventListener("click", () => turn(!turning));
  $("nearer").addEventListener("click", () => nearer(0.8));
  $("farther").addEventListener("click", () => nearer(1.25));
  $("look").addEventListener("change", (event) => {
    const ways = { front: [0, 0.05], back: [Math.PI, 0.05], left: [Math.PI / 2, 0.05], right: [-Math.PI / 2, 0.05],
      above: [0, 1.5], below: [0, -1.5] };
    const name = event.target.value;
    if (ways[name]) look(...ways[name]);
    else if (name === "entry" && path) {
      const way = unit(sub(path[0], path[path.length - 1]));
      look(Math.atan2(way[0], -way[1]), clamp(Math.asin(way[2]), -1.5, 1.5));
    } else reset();
  });
  $("skin").addEventListener("input", (event) => {
    data.structures.forEach((one) => { if (one.opacity < 1) one.share = event.target.value / 50; });
    paint();
  });
  new ResizeObserver(changed).observe(canvas);
  if ("IntersectionObserver" in window) new IntersectionObserver((seen) => { seenNow = seen[0].isIntersecting;
    }).observe(canvas);
  views.push(paint);
  turn(turning);
  const glide = (distance, centre) => {
    const from = { ...camera }, began = performance.now(), span = calm ? 1 : 700;
    const step = (now) => {
      const share = clamp((now - began) / span, 0, 1), soft = share * share * (3 - 2 * share);
      camera.distance = from.distance + (distance - from.distance) * soft; camera.centre = mix(from.centre, centre,
        soft);
      paint();
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  };
  return { showArm(on) {
    if (on === arm) return;
    arm = on;
    if (!on) { glide(home.distance, home.centre); return; }
    const all = [...data.film.at[0], middle()], low = [0, 1, 2].map((axis) => Math.min(...all.map((point) =>
      point[axis])));
    const high = [0, 1, 2].map((axis) => Math.max(...all.map((point) => point[axis])));
    glide(Math.max(long(sub(high, low)) * 1.9, home.distance), mix(mix(low, high, 0.5), middle(), 0.2));
  } };
}
"""
