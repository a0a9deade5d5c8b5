"""The style sheet of a patient's page: one block, no attribute styles, so that a policy can name it by its hash."""

CSS = """
:root { color-scheme: light dark; --ink: #17202a; --soft: #566573; --faint: #8a97a3; --line: #dde3e8;
  --page: #f4f6f8; --card: #ffffff; --accent: #0b5c8f; --accent-bg: #e6f0f7; --ref: #dcefe4; --ref-line:
  #8fc3a5; --up: #b8432b; --down: #1b6fa8; --bad: #a8321c; --bad-bg: #fbe7e2; --good: #0a6b4b; --good-bg:
  #e1f3ea; --open: #7a5200; --open-bg: #fff3d6; --warn-line: #e3bd62; --grid: #e9edf0; --band: #0b5c8f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaee; --soft: #a2aeb9; --faint: #7d8a96; --line:
  #2f3941; --page: #11161b; --card: #192027; --accent: #78bfe9; --accent-bg: #17303f; --ref: #16352a;
  --ref-line: #3f7a60; --up: #f08f78; --down: #74b9ea; --bad: #f3a08f; --bad-bg: #44211a; --good: #82d8b4;
  --good-bg: #12352a; --open: #f1cf83; --open-bg: #35290e; --warn-line: #7d6120; --grid: #262f37; --band:
  #78bfe9; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system,
  "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 26px 22px 48px; }
header { display: flex; flex-wrap: wrap; gap: 10px 28px; align-items: flex-start; justify-content:
  space-between; }
header > div { flex: 1 1 420px; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 1.08rem; margin: 38px 0 4px; display: flex; align-items: baseline; gap: 10px; }
h2 small { font-size: 0.82rem; font-weight: 400; color: var(--faint); }
h3 { font-size: 0.95rem; margin: 0; font-weight: 600; }
p { margin: 5px 0; max-width: 84ch; }
.soft { color: var(--soft); }
.small { font-size: 0.86rem; }
.num { font-variant-numeric: tabular-nums; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.who { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 12px 0 0; font-size: 0.9rem; }
.who span { color: var(--soft); }
.who b { font-weight: 600; }
.chip { border-radius: 999px; padding: 5px 15px; font-weight: 600; white-space: nowrap; font-size: 0.95rem;
  }
.alarm { color: var(--bad); background: var(--bad-bg); }
.calm { color: var(--good); background: var(--good-bg); }
.open { color: var(--open); background: var(--open-bg); }
.notice { background: var(--open-bg); border-left: 4px solid var(--warn-line); border-radius: 8px; padding:
  9px 16px; margin: 16px 0 0; }
.notice ul { margin: 0; padding-left: 18px; }
.notice li { max-width: 100ch; }
.top { display: grid; grid-template-columns: minmax(300px, 5fr) minmax(300px, 6fr); gap: 14px; margin-top:
  18px; }
.top > * { padding: 16px 20px; }
.figure { display: flex; align-items: baseline; gap: 12px; flex-wrap: wrap; }
.figure b { font-size: 2.9rem; line-height: 1.05; letter-spacing: -0.02em; font-variant-numeric:
  tabular-nums; }
.figure.alarm b { color: var(--bad); }
.figure.alarm, .figure.calm, .figure.open { background: none; }
.figure span { color: var(--soft); font-weight: 400; }
ul.drivers { list-style: none; margin: 8px 0 0; padding: 0; }
ul.drivers li { padding: 5px 0 5px 26px; position: relative; border-top: 1px solid var(--grid); }
ul.drivers li:first-child { border-top: 0; }
ul.drivers li::before { position: absolute; left: 2px; top: 5px; font-weight: 700; }
.raises::before { content: "▲"; color: var(--up); }
.lowers::before { content: "▼"; color: var(--down); }
.wide { padding: 10px 12px 6px; margin-top: 10px; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font: 11px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--soft);
  font-variant-numeric: tabular-nums; }
svg .strong { fill: var(--ink); font-weight: 600; }
svg .bad-text { fill: var(--bad); font-weight: 600; }
svg .grid { stroke: var(--grid); stroke-width: 1; }
svg .axis { stroke: var(--line); stroke-width: 1; }
svg .ref { fill: var(--ref); }
svg .ref-line { stroke: var(--ref-line); stroke-width: 1; }
svg .line { fill: none; stroke: var(--accent); stroke-width: 1.6; stroke-linejoin: round; stroke-linecap:
  round; }
svg .thick { stroke-width: 2.4; }
svg .dot { fill: var(--accent); }
svg .out { fill: var(--up); }
svg .under { fill: var(--down); }
svg .ring { fill: var(--card); stroke: var(--accent); stroke-width: 2; }
svg .interval { fill: var(--band); fill-opacity: 0.14; }
svg .threshold { stroke: var(--bad); stroke-width: 1.4; stroke-dasharray: 5 4; }
svg .bell { fill: var(--bad); }
svg .hair { stroke: var(--bad); stroke-width: 1; stroke-opacity: 0.45; }
svg .level-0 { fill: var(--good); fill-opacity: 0.07; }
svg .level-1 { fill: var(--open); fill-opacity: 0.12; }
svg .level-2 { fill: var(--bad); fill-opacity: 0.12; }
svg .track { fill: var(--grid); }
svg .fill { fill: var(--accent); }
svg .fill-up { fill: var(--up); }
svg .fill-down { fill: var(--down); }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(215px, 1fr)); gap: 10px;
  margin-top: 10px; }
.multiples article { padding: 10px 12px 6px; break-inside: avoid; }
.multiples article { display: flex; flex-direction: column; }
.multiples article svg { margin-top: auto; }
.multiples .head { display: flex; justify-content: space-between; gap: 8px; align-items: baseline; }
.multiples h3 { font-size: 0.86rem; font-weight: 600; line-height: 1.25; }
.multiples .now { font-weight: 600; white-space: nowrap; font-variant-numeric: tabular-nums; font-size:
  0.95rem; }
.now.high { color: var(--up); }
.now.low { color: var(--down); }
.multiples .foot { color: var(--faint); font-size: 0.75rem; margin: 2px 0 0; display: flex; justify-content:
  space-between; }
.sheet { overflow-x: auto; margin-top: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 0.88rem; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 11px; text-align: left; border-bottom: 1px solid var(--grid); vertical-align:
  baseline; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { font-weight: 600; color: var(--soft); font-size: 0.8rem; }
tbody th { font-weight: 500; }
td.r, th.r { text-align: right; white-space: nowrap; }
table.heat td { text-align: center; padding: 5px 4px; border: 2px solid var(--card); min-width: 50px;
  border-radius: 6px; }
table.heat th { white-space: nowrap; }
table.heat thead th { text-align: center; padding: 6px 4px; font-weight: 500; }
table.heat thead th:first-child, table.heat tbody th { text-align: left; padding-left: 12px; }
table.heat td.total { text-align: right; min-width: 64px; font-weight: 600; padding-right: 12px; }
table.heat td.bar { width: 150px; min-width: 110px; padding: 5px 8px; }
table.heat tfoot td { font-weight: 600; }
table.heat tfoot th { text-align: left; padding-left: 12px; color: var(--soft); font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px 14px; margin-top: 14px; padding-top:
  10px; border-top: 1px solid var(--grid); }
.tiles span { display: block; color: var(--soft); font-size: 0.8rem; }
.tiles b { display: block; font-size: 1.2rem; font-variant-numeric: tabular-nums; line-height: 1.35; }
.tiles i { font-style: normal; color: var(--faint); font-size: 0.78rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
table.heat td, table.heat th { vertical-align: middle; line-height: 1.3; }
.moves td.bar { width: 200px; }
.moves svg { max-width: 180px; }
.foot span { white-space: nowrap; }
.tight th, .tight td { padding: 5px 8px; }
.tight th:first-child { padding-left: 0; }
.padded { padding: 12px 18px; }
.top svg { max-width: 460px; }
.wide { overflow-x: auto; }
.wide svg { min-width: 620px; }
td.red { color: var(--bad); font-weight: 700; }
.none { color: var(--faint); }
.u1 { background: color-mix(in srgb, var(--up) 10%, var(--card)); }
.u2 { background: color-mix(in srgb, var(--up) 22%, var(--card)); }
.u3 { background: color-mix(in srgb, var(--up) 38%, var(--card)); }
.u4 { background: color-mix(in srgb, var(--up) 58%, var(--card)); }
.u5 { background: var(--up); color: #fff; }
.d1 { background: color-mix(in srgb, var(--down) 10%, var(--card)); }
.d2 { background: color-mix(in srgb, var(--down) 22%, var(--card)); }
.d3 { background: color-mix(in srgb, var(--down) 38%, var(--card)); }
.d4 { background: color-mix(in srgb, var(--down) 58%, var(--card)); }
.d5 { background: var(--down); color: #fff; }
@media (prefers-color-scheme: dark) { .u5, .d5 { color: #10161b; } }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: center; color: var(--soft); font-size:
  0.8rem; margin: 8px 2px 0; }
.key i { display: inline-block; width: 26px; height: 11px; border-radius: 3px; margin-right: 6px;
  vertical-align: -1px; }
.check { border-radius: 8px; padding: 8px 14px; margin-top: 10px; font-size: 0.88rem; }
.check.passed { background: var(--good-bg); }
.check.withheld { background: var(--bad-bg); }
.check b { font-weight: 600; }
.check.passed b { color: var(--good); }
.check.withheld b { color: var(--bad); }
.moves td { vertical-align: middle; }
.moves td.arrow { color: var(--soft); }
.response { border-left: 4px solid var(--accent); background: var(--accent-bg); border-radius: 8px; padding:
  9px 16px; margin: 10px 0 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 8px 0; font-size:
  0.88rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
details { margin-top: 8px; font-size: 0.88rem; }
summary { cursor: pointer; color: var(--accent); }
footer { margin-top: 36px; padding-top: 12px; border-top: 1px solid var(--line); }
.sim { background: var(--bad-bg); color: var(--bad); border-radius: 6px; padding: 2px 10px; font-weight:
  700; }
@media (max-width: 760px) { .top { grid-template-columns: 1fr; } main { padding: 16px 12px 32px; } }
@media print { :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --soft: #444; --faint:
  #666; --line: #ccc; --grid: #ddd; --accent: #0b5c8f; --accent-bg: #eef4f8; --ref: #e2f1e8; --ref-line:
  #7fb497; --up: #a83a24; --down: #1b6fa8; --bad: #9b2c1b; --bad-bg: #fbe9e5; --good: #0a6b4b; --good-bg:
  #e7f5ee; --open: #7a5200; --open-bg: #fff7e3; --band: #0b5c8f; } * { print-color-adjust: exact;
  -webkit-print-color-adjust: exact; } @page { margin: 13mm; } body { font-size: 9.6pt; } main { max-width:
  none; padding: 0; } h2 { margin-top: 18px; break-after: avoid; } .multiples { grid-template-columns:
  repeat(3, 1fr); } .top { grid-template-columns: 5fr 6fr; } .key { break-after: avoid; } .card, tr, .check,
  .notice { break-inside: avoid; } .sheet { overflow: visible; } details::details-content {
  content-visibility: visible; block-size: auto; } th, td { padding: 4px 7px; } table.heat td { min-width:
  0; } }
"""
