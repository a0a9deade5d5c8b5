"""The style sheet of the HTML report: readable, light and dark, and tidy on paper."""

CSS = """
:root { color-scheme: light dark; --ink: #1d2328; --soft: #5b6670; --line: #dfe4e8; --page: #f6f7f8;
  --card: #ffffff; --accent: #0b5c8f; --good: #0a6b4b; --good-bg: #e3f4ec; --bad: #9b2c1b;
  --bad-bg: #fbe9e5; --warn: #7a5200; --warn-bg: #fff5db; --warn-line: #e9c46a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8eb; --soft: #9ca8b2; --line: #313a42;
  --page: #12161a; --card: #1a2026; --accent: #74bde8; --good: #7fd6b1; --good-bg: #12352a; --bad: #f0a092;
  --bad-bg: #43201a; --warn: #f1cf83; --warn-bg: #35290e; --warn-line: #7d6120; }
  figure img { filter: invert(0.895) hue-rotate(180deg); mix-blend-mode: lighten; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 28px 22px 48px; }
header { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: flex-start;
  justify-content: space-between; }
h1 { font-size: 1.55rem; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 1.08rem; margin: 34px 0 10px; }
p { margin: 6px 0; max-width: 78ch; }
.soft { color: var(--soft); } .small { font-size: 0.86rem; }
.verdict { border-radius: 999px; padding: 4px 14px; font-weight: 600; white-space: nowrap; }
.passed { color: var(--good); background: var(--good-bg); }
.failed { color: var(--bad); background: var(--bad-bg); }
.warnings { background: var(--warn-bg); border-left: 4px solid var(--warn-line); border-radius: 6px;
  padding: 10px 16px; margin: 18px 0; }
.warnings h2 { margin: 0 0 4px; color: var(--warn); font-size: 1rem; }
.warnings ul { margin: 0; padding-left: 18px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 10px;
  margin: 18px 0 4px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 0.82rem; }
.tile i { display: block; font-style: normal; color: var(--soft); font-size: 0.78rem; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.sheet { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 12px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
th:first-child, td:first-child { text-align: left; }
thead th { font-weight: 600; color: var(--soft); font-size: 0.82rem; vertical-align: bottom; }
tbody th { font-weight: 500; }
td .range { color: var(--soft); font-size: 0.86em; margin-left: 6px; }
.stacked td .range { display: block; margin: 0; line-height: 1.2; font-size: 0.8em; }
td.sure { font-weight: 600; color: var(--accent); }
tr.chosen > * { background: color-mix(in srgb, var(--accent) 8%, var(--card)); }
.stacked th, .stacked td { padding: 5px 7px; } .stacked thead th { min-width: 0; }
.contest td:first-child { width: 1%; color: var(--soft); } .contest tbody th { text-align: left; }
.contest thead th:nth-child(2) { text-align: left; }
.pill { border-radius: 999px; padding: 1px 8px; margin-left: 6px; font-size: 0.76rem; font-weight: 600;
  color: var(--good); background: var(--good-bg); }
.wide th:first-child { position: sticky; left: 0; background: var(--card); z-index: 1; }
thead th { white-space: normal; min-width: 5.5em; } details .sheet { margin-top: 8px; }
td.miss { color: var(--bad); font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(310px, 1fr)); gap: 12px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 8px; break-inside: avoid; }
figure img { display: block; width: 100%; height: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 8px 0; font-size: 0.9rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
details { margin-top: 8px; } summary { cursor: pointer; color: var(--accent); }
footer { margin-top: 36px; padding-top: 12px; border-top: 1px solid var(--line); }
@media print, (max-width: 760px) { td .range { display: block; margin: 0; line-height: 1.2; }
  th, td { padding: 4px 7px; } table { font-size: 0.82rem; } }
@media print { .sheet { overflow: visible; } .wide th:first-child { position: static; }
  :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --soft: #444;
  --line: #ccc; --accent: #0b5c8f; --good: #0a6b4b; --bad: #9b2c1b; --warn: #7a5200; }
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; } h2 { break-after: avoid; }
  tr, .tile, .warnings { break-inside: avoid; } .plots { grid-template-columns: 1fr 1fr; }
  .verdict, .warnings { border: 1px solid var(--line); background: none; }
  figure img { filter: none; mix-blend-mode: normal; }
  details::details-content { content-visibility: visible; block-size: auto; } }
"""
