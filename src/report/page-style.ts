// The look of a report page: one column, system fonts, light and dark, a printed form.

import { SERIES_COLOURS } from './palette.js';

const LIGHT = `--ground: #ffffff; --panel: #f6f8fa; --ink: #1f2328; --muted: #59636e; --line: #d8dee4;
  --grid: #e4e7ea; --axis: #8c959f; --accent: #0072b2; --good: #1a7f5a; --bad: #b3401a;
  ${seriesVariables('light')}`;

const DARK = `--ground: #0f1318; --panel: #171d24; --ink: #e6edf3; --muted: #9aa6b2; --line: #2d3640;
  --grid: #232b34; --axis: #6b7682; --accent: #56b4e9; --good: #4cc99a; --bad: #ff9a6b;
  ${seriesVariables('dark')}`;

function seriesVariables(theme: 'light' | 'dark'): string {
  return SERIES_COLOURS.map((colour, i) => `--series-${String(i)}: ${colour[theme]};`).join(' ');
}

/** Presentation attributes that vega wrote give way to CSS: charts follow the page's theme. */
function seriesRules(): string {
  return SERIES_COLOURS.flatMap(({ light }, i) => [
    `.chart [fill="${light}"] { fill: var(--series-${String(i)}); }`,
    `.chart [stroke="${light}"] { stroke: var(--series-${String(i)}); }`,
  ]).join('\n');
}

export const PAGE_STYLE = `
:root { color-scheme: light; ${LIGHT} }
@media screen and (prefers-color-scheme: dark) { :root { color-scheme: dark; ${DARK} } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem clamp(1rem, 4vw, 2.5rem) 3rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  overflow-wrap: anywhere; }
h1 { font-size: clamp(1.5rem, 4.5vw, 2.1rem); line-height: 1.2; margin: .25rem 0 .75rem;
  text-wrap: balance; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .75rem; }
p { margin: .5rem 0; max-width: 44rem; }
.kind, figcaption small, caption, .note { color: var(--muted); }
.kind { font-size: .85rem; margin: 0; }
.summary { font-size: 1.1rem; }
.scroll { overflow-x: auto; container-type: inline-size; }
table { border-collapse: collapse; width: 100%; font-size: .95rem;
  font-variant-numeric: tabular-nums; margin: 0 0 1.5rem; }
caption { text-align: left; padding: 0 0 .5rem; font-size: .9rem; }
caption span { display: inline-block; max-width: 100cqi; position: sticky; left: 0; }
th, td { text-align: right; padding: .4rem .75rem; border-bottom: 1px solid var(--line);
  vertical-align: baseline; overflow-wrap: normal; }
td { white-space: nowrap; }
thead th { font-weight: 600; border-bottom: 2px solid var(--axis); vertical-align: bottom; }
tbody th { font-weight: 400; min-width: 9rem; }
th:first-child { text-align: left; padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
.claims { list-style: none; margin: 0; padding: 0; }
.claims li { display: grid; grid-template-columns: 1.6rem 1fr; padding: .5rem 0;
  border-bottom: 1px solid var(--line); }
.claims small { display: block; color: var(--muted); font-size: .9rem; }
.holds { color: var(--good); font-weight: 700; }
.fails { color: var(--bad); font-weight: 700; }
a { color: var(--accent); }
nav ul { margin: 1rem 0 0; padding: 0; list-style: none; columns: 24rem; }
nav li { padding: .15rem 0; break-inside: avoid; }
.part { border-top: 1px solid var(--line); margin-top: 3rem; }
.part h2 { font-size: 1.45rem; margin-top: 1.75rem; }
.part details { margin: 1rem 0; }
.part summary { cursor: pointer; color: var(--muted); }
figure { margin: 2rem 0 2.5rem; }
figcaption b { display: block; font-size: 1.05rem; line-height: 1.35; text-wrap: balance; }
figcaption small { font-size: .9rem; }
.controls { display: flex; flex-wrap: wrap; gap: .5rem; margin: .6rem 0; }
button { font: inherit; font-size: .85rem; color: var(--ink); background: var(--panel);
  border: 1px solid var(--line); border-radius: .4rem; padding: .25rem .7rem; cursor: pointer; }
button:hover, button[aria-pressed="true"] { border-color: var(--accent); color: var(--accent); }
.chart { width: 100%; min-height: 24rem; }
.chart svg { display: block; max-width: 100%; height: auto; overflow: visible; }
.role-axis-label text, .role-axis-title text { fill: var(--muted); }
.role-legend-label text, .role-axis-title text { fill: var(--ink); }
.role-axis-grid line { stroke: var(--grid); }
.role-axis-domain line, .role-axis-tick line { stroke: var(--axis); }
${seriesRules()}
.tooltip { position: fixed; z-index: 1; pointer-events: none; background: var(--ground);
  color: var(--ink); border: 1px solid var(--line); border-radius: .4rem; padding: .4rem .6rem;
  font-size: .85rem; line-height: 1.4; box-shadow: 0 2px 10px rgb(0 0 0 / .18);
  font-variant-numeric: tabular-nums; max-width: 16rem; }
.tooltip div { display: flex; justify-content: space-between; gap: 1rem; }
.tooltip span { color: var(--muted); }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .35rem 1.25rem;
  margin: 0; font-size: .92rem; }
dt { color: var(--muted); }
dd { margin: 0; font-variant-numeric: tabular-nums; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line);
  font-size: .85rem; color: var(--muted); }
pre { white-space: pre-wrap; font-size: .75rem; }
@media (max-width: 34rem) {
  body { padding-top: 1.25rem; }
  th, td { padding: .35rem .4rem; font-size: .88rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .controls, footer details, .downloads, .note { display: none; }
  .part { break-before: page; border: 0; margin: 0; }
  .chart { min-height: 0; }
  figure, table, .claims li, dl { break-inside: avoid; }
  h2 { break-after: avoid; }
}
`;
