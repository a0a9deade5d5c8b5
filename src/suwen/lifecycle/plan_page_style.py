"""The style sheet of a plan's page: a patient's page, and a dark console with four panes."""

from suwen.lifecycle.patient_page_style import CSS as COMMON

CSS = (
    COMMON
    + """
main { max-width: 1320px; }
:root { --ghost: #10151b; }
.statement { border-left: 4px solid var(--warn-line); background: var(--open-bg); border-radius: 8px; padding: 8px 16px;
  margin: 14px 0 0; max-width: none; }
.verdict { font-size: 1.16rem; line-height: 1.4; font-weight: 600; margin: 0 0 10px; }
.verdict.alarm { color: var(--bad); background: none; } .verdict.calm { color: var(--ink); background: none; }
.verdict.open { background: none; }
.figure b { font-size: 2.6rem; }
.figure.calm b { color: var(--good); }
svg .fill-good { fill: var(--good); }
svg .solid-line { stroke-dasharray: none; stroke-width: 2; }
.notes { margin: 8px 0 0; padding-left: 18px; }
.tiles.bare { margin: 0; padding: 0; border: 0; gap: 12px 16px; }
.tiles i, h2 small { color: var(--soft); }
.tiles b.absent { font-size: 0.95rem; font-weight: 500; color: var(--soft); }
.ends { border-top: 1px solid var(--grid); padding-top: 10px; }
.console { background: #0a0d12; color: #dfe7ee; border-radius: 14px; border: 1px solid #1e2731; margin-top: 18px;
  padding: 12px; }
.console .soft { color: #a7b4c0; }
.four { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
.pane { margin: 0; position: relative; background: #05070a; border: 1px solid #1b232c; border-radius: 10px;
  overflow: hidden; display: flex; flex-direction: column; }
.pane figcaption { display: flex; gap: 8px; align-items: baseline; padding: 6px 12px; font-size: 0.84rem;
  font-weight: 600; border-bottom: 2px solid; }
.pane figcaption small { color: #a7b4c0; font-weight: 400; }
.pane figcaption output { margin-left: auto; font-weight: 500; font-variant-numeric: tabular-nums; color: #dfe7ee; }
#axial figcaption { color: #ff8a7c; border-color: #8d3d35; }
#coronal figcaption { color: #77e094; border-color: #2d6d41; }
#sagittal figcaption { color: #ffdc70; border-color: #83691c; }
#space figcaption { color: #a9d4f5; border-color: #2e5672; }
.pane .field { position: relative; height: 440px; }
.pane canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; touch-action: pan-y; }
.pane canvas:focus-visible { outline: 2px solid #8ecbff; outline-offset: -3px; border-radius: 8px; }
#over { cursor: grab; }
#over:active { cursor: grabbing; }
.field canvas.cross { cursor: crosshair; }
.bar { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; padding: 10px 6px 2px; font-size: 0.86rem; }
.bar label { display: flex; gap: 8px; align-items: center; }
.bar .grow { flex: 1 1 340px; }
.bar .grow input { flex: 1; min-width: 120px; }
.console input[type=range] { accent-color: #6cbcf2; height: 24px; }
.console input[type=checkbox] { accent-color: #6cbcf2; width: 16px; height: 16px; margin: 0; }
.console button, .console select { font: inherit; color: #e7eef5; background: #1a232d; border: 1px solid #5b6b7a;
  border-radius: 8px; padding: 4px 12px; min-height: 30px; cursor: pointer; }
.console button:hover, .console select:hover { background: #24303c; }
.console button:focus-visible, .console select:focus-visible, .console input:focus-visible { outline: 2px solid #8ecbff;
  outline-offset: 2px; }
.console button[aria-pressed=true] { background: #1d4e74; border-color: #6cbcf2; }
.console button.first { background: #1f6aa5; border-color: #6cbcf2; font-weight: 600; color: #fff; min-width: 92px; }
.zooms { display: inline-flex; gap: 4px; align-items: center; }
.zooms button { padding: 3px 9px; }
.read { display: flex; flex-wrap: wrap; gap: 2px 22px; font-variant-numeric: tabular-nums; padding: 4px 6px 0;
  font-size: 0.86rem; color: #a7b4c0; }
.read b { color: #f2f6fa; font-weight: 600; }
.read b.bad { color: #ff8d80; }
.legend { list-style: none; margin: 10px 0 0; padding: 10px 6px 2px; border-top: 1px solid #1e2731; display: grid;
  grid-template-columns: repeat(auto-fill, minmax(258px, 1fr)); gap: 4px 16px; font-size: 0.84rem; }
.legend label { display: flex; align-items: center; gap: 8px; min-height: 24px; }
.legend .far { margin-left: auto; color: #a7b4c0; font-variant-numeric: tabular-nums; white-space: nowrap; }
.swatch { display: inline-block; width: 13px; height: 13px; flex: none; vertical-align: -2px; margin-right: 7px; }
.legend .swatch { margin: 0; width: 14px; height: 14px; }
.ramp { display: inline-block; width: 48px; height: 10px; flex: none; }
.reel { border-top: 1px solid #1e2731; margin-top: 10px; }
#moment { font-variant-numeric: tabular-nums; color: #dfe7ee; min-width: 310px; }
.trouble { background: #4a2a12; color: #ffdfb8; border-radius: 8px; padding: 8px 14px; margin: 0 0 10px; }
.chart { touch-action: pan-y; cursor: crosshair; overflow-x: auto; }
.chart:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.chart svg { min-width: 700px; }
svg .forbidden { fill: var(--bad); fill-opacity: 0.13; }
svg .now { stroke: var(--ink); stroke-width: 1.2; }
svg .now-dot { fill: var(--accent); stroke: var(--card); stroke-width: 2; }
svg .now-text { fill: var(--ink); font-weight: 600; font-size: 12px; paint-order: stroke; stroke: var(--card);
  stroke-width: 4px; stroke-linejoin: round; }
svg .span { fill: var(--grid); } svg .span-1 { fill: var(--accent-bg); }
.good { color: var(--good); } .bad { color: var(--bad); } .console .bad { color: #ff8d80; }
.sheet tbody th { font-weight: 500; white-space: nowrap; }
.sheet td { white-space: nowrap; } .sheet td:last-child { white-space: normal; min-width: 110px; }
.sheet { border-radius: 12px; }
.sheet:focus-visible { outline: 2px solid var(--accent); }
.chain { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; }
.chain li { display: grid; grid-template-columns: 110px max-content 40px 1fr; gap: 4px 12px; align-items: baseline; }
.chain b { text-transform: capitalize; font-weight: 600; }
code { font: 0.78rem ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
@media (max-width: 1240px) { .chain li { grid-template-columns: 1fr; gap: 0; } }
@media (max-width: 860px) { .four { grid-template-columns: 1fr; } .pane .field { height: 340px; }
  .console { padding: 8px; } .top { grid-template-columns: 1fr; }
  #moment { min-width: 0; } .tiles.bare { grid-template-columns: repeat(2, 1fr); } }
@media print { .bar, .reel { display: none; } .pane .field { height: 78mm; }
  .four { gap: 6px; grid-template-columns: 1fr 1fr; }
  .console { break-inside: avoid; } .legend { grid-template-columns: repeat(4, 1fr); }
  .chart svg { min-width: 0; }
  svg .now, svg .now-dot, svg .now-text { display: none; } }
"""
)
