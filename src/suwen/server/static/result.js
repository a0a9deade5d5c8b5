// One answer as a card: the probability and its interval, the decision or why there is none, and the reason.

import { el, svg } from "./dom.js";

const percent = (value, digits) => `${(100 * value).toFixed(digits ?? (value > 0.1 && value < 0.9 ? 0 : 1))}%`;
const figure = (value, digits = 2) =>
  value === null || value === undefined ? "–" : Number(value).toFixed(digits).replace(/^-(0\.?0*)$/, "$1");

export function classNamed(t, name) {
  return t.classes[name] || name;
}

export function verdict(t, result) {
  if (result.abstained) return t.noAnswer;
  return `${t.probabilityOf(classNamed(t, result.positive))} ${percent(result.probability)}`;
}

export function answerCard(t, entry, actions) {
  const { result } = entry;
  const kind = tone(result);
  return el(
    "article",
    { class: `card answer ${kind}`, "aria-labelledby": `${entry.id}-name` },
    heading(t, entry, actions, result.simulated),
    result.abstained ? abstention(t, result) : answered(t, result),
    pictures(t, entry),
    details(t, entry),
  );
}

// The colour of a class only where nothing else fits; a close or an odd call must not look like a clear one.
function tone(result) {
  if (result.abstained) return "abstained";
  if (result.conformal_set.length !== 1 || result.conformal_set[0] !== result.decision) return "open-call";
  return result.decision === result.positive ? "positive" : "negative";
}

export function heading(t, entry, actions, simulated) {
  return el(
    "header",
    { class: "row" },
    el("h3", { id: `${entry.id}-name`, class: "name" }, entry.name),
    simulated && el("span", { class: "badge" }, t.simulated),
    el(
      "button",
      { type: "button", class: "quiet close", "aria-label": t.removeOf(entry.name), title: t.remove, onclick: actions.remove },
      "×",
    ),
  );
}

function answered(t, result) {
  const [low, high] = result.interval;
  const name = classNamed(t, result.positive);
  const above = result.decision === result.positive;
  const close = low < result.threshold && high >= result.threshold;
  return el(
    "div",
    { class: "verdict" },
    el(
      "p",
      { class: "headline" },
      el("span", { class: "what" }, t.probabilityOf(name)),
      el("span", { class: "number", "data-testid": "probability" }, percent(result.probability)),
      el("span", { class: "range" }, t.interval(percent(low), percent(high))),
    ),
    bar(t, result, name),
    el(
      "p",
      { class: "decision", "data-testid": "decision" },
      (above ? t.decisionAbove : t.decisionBelow)(classNamed(t, result.decision)),
      close ? `${t.listEnd}${t.astride}` : null,
    ),
    conformal(t, result),
  );
}

function conformal(t, result) {
  const held = result.conformal_set.map((name) => classNamed(t, name));
  const text = held.length === 0 ? t.couldBeNone : held.length === 1 ? t.couldBeOne : t.couldBeMany;
  return el(
    "p",
    { class: held.length === 1 ? "could" : "could open" },
    held.length > 0 && el("strong", {}, t.couldBe(held.join(t.or))),
    held.length > 0 && t.listEnd,
    text,
  );
}

// The bar is drawn in percent of its width, so that its letters keep their size on a phone.
function bar(t, result, name) {
  const at = (value) => `${(2 + 96 * value).toFixed(2)}%`;
  const wide = (value) => `${(96 * value).toFixed(2)}%`;
  const [low, high] = result.interval;
  const cut = result.threshold;
  const anchor = cut < 0.25 ? "start" : cut > 0.75 ? "end" : "middle";
  const label = t.barLabel(name, percent(result.probability), percent(low), percent(high), percent(cut));
  return svg(
    "svg",
    { class: "bar", role: "img", "aria-label": label, height: "84", width: "100%" },
    svg("text", { class: "cut-label", x: at(cut), y: "14", "text-anchor": anchor }, t.operating(percent(cut))),
    svg("rect", { class: "track", x: at(0), y: "32", width: wide(1), height: "14", rx: "7" }),
    svg("rect", { class: "interval", x: at(low), y: "32", width: wide(Math.max(high - low, 0.004)), height: "14", rx: "7" }),
    svg("line", { class: "cut", x1: at(cut), x2: at(cut), y1: "20", y2: "56" }),
    svg("circle", { class: "point", cx: at(result.probability), cy: "39", r: "9" }),
    ...[0, 0.25, 0.5, 0.75, 1].map((tick) =>
      svg("text", { class: "tick", x: at(tick), y: "74", "text-anchor": tick === 0 ? "start" : tick === 1 ? "end" : "middle" }, percent(tick, 0)),
    ),
  );
}

function abstention(t, result) {
  const known = t.reasons[result.abstained]; // in English the server's own sentence says more
  return el(
    "div",
    { class: "verdict" },
    el("p", { class: "headline" }, el("span", { class: "number" }, t.noAnswer)),
    el("p", { class: "decision", "data-testid": "abstained" }, known || result.reason || t.noAnswerLead),
    known && result.reason && el("p", { class: "could", lang: "en" }, result.reason),
    el("p", { class: "code" }, el("code", {}, result.abstained)),
  );
}

function pictures(t, entry) {
  const { result } = entry;
  const source = result.image_png ? `data:image/png;base64,${result.image_png}` : entry.preview;
  if (!source) return el("p", { class: "hint" }, t.noPreview);
  const plain = el("figure", {}, stack(source, t.picture), el("figcaption", {}, t.picture));
  if (!result.heat_png) return el("div", { class: "pictures one" }, plain);
  const name = classNamed(t, result.decision);
  const map = heated(t, entry, source, name);
  if (result.explanation.passed) {
    return el("div", {}, el("div", { class: "pictures" }, plain, map), reason(t, result.explanation));
  }
  return el(
    "div",
    {},
    el("div", { class: "pictures one" }, plain),
    reason(t, result.explanation),
    el("details", {}, el("summary", {}, t.showAnyway), el("div", { class: "pictures one" }, map)),
  );
}

function stack(source, alt, over) {
  return el("div", { class: "stack" }, el("img", { src: source, alt }), over);
}

function heated(t, entry, source, name) {
  const heat = el("img", {
    class: "heat",
    "data-testid": "heat",
    src: `data:image/png;base64,${entry.result.heat_png}`,
    alt: t.heatAlt(name),
  });
  heat.style.opacity = entry.opacity;
  const slider = el("input", {
    type: "range",
    min: "0",
    max: "1",
    step: "0.05",
    value: String(entry.opacity),
    "aria-label": t.opacity,
    oninput: (event) => {
      entry.opacity = Number(event.target.value);
      heat.style.opacity = entry.opacity;
    },
  });
  return el(
    "figure",
    {},
    stack(source, "", heat),
    el("figcaption", {}, t.heat(name), el("span", { class: "slider" }, el("span", { "aria-hidden": "true" }, t.opacity), slider)),
  );
}

function reason(t, why) {
  const random = why.checks.random_order_faithfulness;
  const twin = why.checks.random_weights_correlation;
  const faithful = why.faithfulness > Math.max(0, random ?? 0);
  return el(
    "div",
    { class: why.passed ? "why" : "why failed", "data-testid": "why" },
    el("p", {}, el("strong", {}, why.passed ? t.mapHolds : t.mapFails)),
    el(
      "ul",
      {},
      check(faithful, (faithful ? t.faithfulYes : t.faithfulNo)(figure(why.faithfulness, 3), figure(random, 3))),
      twin !== undefined && check(twin <= 0.8, (twin <= 0.8 ? t.learnedYes : t.learnedNo)(figure(twin))),
    ),
    el("p", { class: "hint" }, t.unit(why.unit)),
  );
}

const check = (good, text) =>
  el("li", { class: good ? "good" : "bad" }, el("span", { "aria-hidden": "true" }, good ? "✓" : "✗"), text);

function details(t, entry) {
  const { result } = entry;
  const rows = [
    ...Object.entries(result.quality).map(([key, value]) => [t.figures[key] || key, figure(value)]),
    ...Object.entries(result.provenance).map(([key, value]) => [t.provenance[key] || key, value]),
  ];
  entry.fhir ??= URL.createObjectURL(
    new Blob([JSON.stringify(result.fhir, null, 2)], { type: "application/fhir+json" }),
  );
  return el(
    "footer",
    { class: "foot" },
    el(
      "details",
      {},
      el("summary", {}, t.details),
      el("dl", {}, ...rows.map(([key, value]) => [el("dt", {}, key), el("dd", {}, String(value))])),
    ),
    el("a", { class: "button", href: entry.fhir, download: "suwen-result.fhir.json" }, t.fhir),
  );
}

export function errorCard(t, entry, actions) {
  return el(
    "article",
    { class: "card answer failed", "aria-labelledby": `${entry.id}-name` },
    heading(t, entry, actions, false),
    el(
      "div",
      { class: "verdict", "data-testid": "error" },
      el("p", { class: "headline" }, el("span", { class: "number" }, t.wrong)),
      el("p", { class: "decision" }, entry.error.text),
      entry.error.fix && el("p", { class: "could" }, entry.error.fix),
      entry.error.code && el("p", { class: "code" }, el("code", {}, entry.error.code)),
    ),
  );
}

export function waitingCard(t, entry, actions) {
  return el(
    "article",
    { class: "card answer waiting", "aria-busy": "true", "aria-labelledby": `${entry.id}-name` },
    heading(t, entry, actions, entry.simulated),
    el("p", { class: "busy" }, el("span", { class: "spinner", "aria-hidden": "true" }), entry.begun ? t.reading : t.waiting),
  );
}
