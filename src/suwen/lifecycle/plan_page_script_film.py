"""The page's program, last part: sliders, legend, curve and film, all on the one state; and the beginning."""

FILM = r"""
function sliders() {
  const tip = $("tip");
  if (!path) { tip.disabled = true; return; }
  const zooms = [...document.querySelectorAll("[data-zoom]")];
  tip.addEventListener("input", () => toArc(length * tip.value / 1000));
  zooms.forEach((button) => button.addEventListener("click", () => {
    state.zoom = Number(button.dataset.zoom);
    zooms.forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    changed();
  }));
  views.push(() => {
    const found = measured(state.arc), said = `${state.arc.toFixed(1)} of ${length.toFixed(1)} mm`;
    const place = Math.round(1000 * state.arc / (length || 1));
    if (Number(tip.value) !== place) tip.value = String(place);
    $("arc").textContent = said;
    $("clear").textContent = found ? `${found.clearance.toFixed(2)} mm` : "not available";
    $("clear").className = found && data.margin !== null && found.clearance < data.margin ? "bad" : "";
    $("nearest").textContent = found ? found.nearest : "";
    tip.setAttribute("aria-valuetext",
      found ? `${said}, clearance ${found.clearance.toFixed(2)} mm to ${found.nearest}` : said);
  });
}

function legend() {
  document.querySelectorAll("[data-toggle]").forEach((box) => box.addEventListener("change", () => {
    state.hidden[box.checked ? "delete" : "add"](box.dataset.toggle);
    changed();
  }));
  document.querySelectorAll("[data-toggle]").forEach((box) => {
    if (!box.checked) state.hidden.add(box.dataset.toggle); });
}

// A chart drawn on the server, and the line on it that says where we are.
function chart(id, where, value, told, choose) {
  const picture = $(id);
  if (!picture) return;
  const { left, right, top, bottom, width, height, xlow, xhigh, ylow, yhigh } = JSON.parse(picture.dataset.scale);
  const x = (at) => left + (at - xlow) / (xhigh - xlow || 1) * (width - left - right);
  const y = (at) => height - bottom - (clamp(at, ylow, yhigh) - ylow) / (yhigh - ylow || 1) * (height - top - bottom);
  const svg = picture.querySelector("svg"), line = svg.querySelector(".now"), dotted = svg.querySelector(".now-dot"),
    text = svg.querySelector(".now-text");
  views.push(() => {
    const at = where(), found = at === null ? null : value(at);
    [line, dotted, text].forEach((one) => one.setAttribute("visibility", found === null ? "hidden" : "visible"));
    if (found === null) return;
    line.setAttribute("x1", x(at)); line.setAttribute("x2", x(at));
    dotted.setAttribute("cx", x(at)); dotted.setAttribute("cy", y(found));
    const late = x(at) > (left + width - right) / 2;
    text.setAttribute("x", x(at) + (late ? -8 : 8)); text.setAttribute("text-anchor", late ? "end" : "start");
    text.setAttribute("y", clamp(y(found) - 10, top + 12, height - bottom - 6)); text.textContent = told(at, found);
  });
  const moved = (event) => {
    const box = svg.getBoundingClientRect(), at = (event.clientX - box.left) / box.width * width;
    choose(clamp(xlow + (at - left) / (width - left - right) * (xhigh - xlow), xlow, xhigh));
  };
  svg.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse" || event.buttons) moved(event); });
  svg.addEventListener("pointerdown", moved);
  picture.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key], at = where();
    if (!way) return;
    event.preventDefault();
    choose(clamp((at === null ? xlow : at) + way * (xhigh - xlow) / 100, xlow, xhigh));
  });
}

function film(solid) {
  if (!data.film) return;
  const { t, at, error, inside } = data.film, play = $("play"), scrub = $("scrub"), last = t.length - 1;
  let playing = false, began = 0;
  function frame(n) {
    state.frame = n;
    const tip = at[n][at[n].length - 1];
    if (path) state.arc = inside[n] ? arcNear(tip) : t[n] > t[last] / 2 && inside.some(Boolean) ? length : 0;
    state.point = tip;
    solid.showArm(true);
    changed();
  }
  function stop() { playing = false; play.textContent = "▶ Play"; play.setAttribute("aria-pressed", "false"); }
  leaveFilm = () => { if (state.frame < 0) return; stop(); state.frame = -1; solid.showArm(false); };
  function step(now) {
    if (!playing) return;
    const time = t[0] + (now - began) / 1000;
    let n = state.frame;
    while (n < last && t[n + 1] <= time) n++;
    if (n !== state.frame) frame(n);
    if (n >= last) { stop(); changed(); return; }
    requestAnimationFrame(step);
  }
  play.addEventListener("click", () => {
    if (playing) { stop(); return; }
    playing = true; play.textContent = "❚❚ Pause"; play.setAttribute("aria-pressed", "true");
    const from = state.frame < 0 || state.frame >= last ? 0 : state.frame;
    began = performance.now() - 1000 * (t[from] - t[0]);
    frame(from);
    requestAnimationFrame(step);
  });
  scrub.addEventListener("input", () => { stop(); frame(Number(scrub.value)); });
  $("leave").addEventListener("click", () => { leaveFilm(); if (path) toArc(state.arc); changed(); });
  views.push(() => {
    const n = state.frame, on = n >= 0;
    scrub.value = String(on ? n : 0);
    const off = on && (error[n] === null ? "not available" : `${error[n].toFixed(3)} mm`);
    const said = !on ? `${t[last].toFixed(1)} s, ${t.length} frames`
      : `${t[n].toFixed(2)} of ${t[last].toFixed(2)} s · tip error ${off} · `
        + (inside[n] ? "in the patient" : "outside the patient");
    $("moment").textContent = said;
    scrub.setAttribute("aria-valuetext", said);
    $("leave").hidden = !on;
  });
  const nearestFrame = (time) => { let n = 0; while (n < last && t[n + 1] <= time) n++; return n; };
  chart("error-chart", () => (state.frame < 0 ? null : t[state.frame]), () => error[state.frame],
    (_, value) => `${value.toFixed(3)} mm`, (time) => { stop(); frame(nearestFrame(time)); });
}

(async function begin() {
  if (!$("solid")) { document.documentElement.dataset.ready = "true"; return; }
  const fail = (text) => { $("trouble").hidden = false; $("trouble").textContent = text; };
  let buffer = null;
  try { buffer = await unpack(); } catch (_) {
    fail("This browser cannot unpack the volumes of this page (it has no DecompressionStream); "
      + "numbers and charts below are complete.");
  }
  if (!buffer) { data.plate = null; data.structures = []; }
  legend();
  if (buffer && data.plate) slices(buffer);
  const solid = view3d(buffer);
  sliders();
  chart("curve", () => (path ? state.arc : null), (arc) => (measured(arc) || { clearance: null }).clearance,
    (arc, value) => `${value.toFixed(2)} mm ${measured(arc).nearest}`, (arc) => toArc(arc));
  film(solid);
  changed();
  document.documentElement.dataset.ready = "true";
})();
"""
