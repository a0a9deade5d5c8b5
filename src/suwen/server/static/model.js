// The model in service: where it comes from, what to beware of, how it was measured.

import { el } from "./dom.js";

const number = (value) => (value === null || value === undefined ? "–" : Number(value).toFixed(3));

function cell(t, estimate) {
  if (!estimate || estimate.value === null) return el("td", {}, "–");
  const range = estimate.lo === null || estimate.lo === undefined ? null : t.to(number(estimate.lo), number(estimate.hi));
  return el("td", {}, el("b", {}, number(estimate.value)), range && el("small", {}, range));
}

function table(t, task, report) {
  const names = task.metrics.filter((name) => name in report.metrics);
  const rivals = Object.entries(report.baselines || {});
  return el(
    "table",
    {},
    el("caption", {}, t.measured(t.splits[report.split] || report.split, report.n)),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, t.metric),
        el("th", { scope: "col" }, t.thisModel),
        ...rivals.map(([name]) => el("th", { scope: "col" }, t.baselines[name] || name)),
      ),
    ),
    el(
      "tbody",
      {},
      ...names.map((name) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, t.metrics[name] || name),
          cell(t, report.metrics[name]),
          ...rivals.map(([, metrics]) => cell(t, metrics[name])),
        ),
      ),
    ),
  );
}

export function modelCard(t, task, language) {
  const model = task.deployed;
  const title = el("h2", { id: "model-title" }, t.model);
  if (!model) return [title, el("p", {}, t.noModel), el("p", { class: "hint" }, t.noModelFix(task.name))];
  const date = new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(model.created_at));
  const origin = model.source === "shipped" ? t.shipped : t.deployed;
  const warnings = model.warnings || [];
  return [
    title,
    el("p", {}, el("code", {}, model.model), el("br"), el("span", { class: "hint" }, `${origin}, ${t.trained(date)}`)),
    warnings.length > 0 &&
      el(
        "details",
        { class: "warnings", open: warnings.length < 4 },
        el("summary", {}, `${t.warnings} (${warnings.length})`),
        el("ul", { lang: "en" }, ...warnings.map((warning) => el("li", {}, warning))),
      ),
    el("div", { class: "wide" }, table(t, task, model.report)),
    el("p", {}, el("a", { href: `/api/tasks/${encodeURIComponent(task.name)}/card`, target: "_blank" }, t.card)),
  ].filter(Boolean);
}
