// A report as one HTML page that needs nothing else: style, scripts, data and licences are inside.

import type { Chart } from './chart.js';
import { escapeHtml, scriptJson } from './html.js';
import { numberText } from './number-text.js';
import { PAGE_SCRIPT } from './page-script.js';
import { PAGE_STYLE } from './page-style.js';
import type { Claim, Json, Report, ReportData, Table } from './report.js';
import { type Specification, drawSvg, vendorText } from './vega.js';
import { describe, specification } from './specification.js';

// The page may load nothing from anywhere; vega compiles its expressions, hence unsafe-eval.
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; " +
  'img-src data: blob:';

/** The page's HTML. */
export async function reportPage(report: Report): Promise<string> {
  const [vega, vegaLite, notices, ...figures] = await Promise.all([
    vendorText('vega.min.cjs'),
    vendorText('vega-lite.min.cjs'),
    vendorText('NOTICES.txt'),
    ...report.charts.map((chart, i) => figure(chart, `chart-${String(i + 1)}`)),
  ]);
  const { title, summary, tables, claims = [], manifest, data = [] } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(POLICY)}">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<p class="kind">eigenscape report</p>
<h1>${escapeHtml(title)}</h1>
${summary === undefined ? '' : `<p class="summary">${escapeHtml(summary)}</p>`}
</header>
<main>
${section('Charts', figures.length === 0 ? '' : `${READING_NOTE}\n${figures.join('\n')}`)}
${section('Key numbers', tables.map(tableHtml).join('\n'))}
${section('Claims', claims.length === 0 ? '' : claimsHtml(claims))}
${section('Manifest', manifestHtml(manifest))}
${section('Data', data.length === 0 ? '' : data.map(dataHtml).join('\n'), 'downloads')}
</main>
<footer>
<p>Made by eigenscape. This page loads nothing from the network.</p>
<details><summary>Licences of the charting libraries inside this page</summary>
<pre>${escapeHtml(notices)}</pre></details>
</footer>
<script>${vega}</script>
<script>${vegaLite}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

const READING_NOTE =
  '<p class="note">Point at a curve for its values. Drag to move, hold Ctrl, ⌘ or Shift and turn the ' +
  'wheel to zoom, double-click to reset.</p>';

function section(title: string, content: string, name = ''): string {
  if (content === '') return '';
  const attribute = name === '' ? '' : ` class="${name}"`;
  return `<section${attribute}>\n<h2>${title}</h2>\n${content}\n</section>`;
}

function tableHtml({ caption, columns, rows }: Table): string {
  const head = columns.map((column) => `<th scope="col">${escapeHtml(column)}</th>`).join('');
  const body = rows.map((row) => {
    const cells = row.map((cell, i) => {
      const text = escapeHtml(typeof cell === 'number' ? numberText(cell) : cell);
      return i === 0 ? `<th scope="row">${text}</th>` : `<td>${text}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table>
<caption><span>${escapeHtml(caption)}</span></caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body.join('\n')}
</tbody></table></div>`;
}

function claimsHtml(claims: readonly Claim[]): string {
  const items = claims.map(({ claim, holds, measured }) => {
    const mark = holds
      ? '<span class="holds" title="holds">✓</span>'
      : '<span class="fails" title="does not hold">✗</span>';
    return `<li>${mark}<div>${escapeHtml(claim)}<small>${escapeHtml(measured)}</small></div></li>`;
  });
  return `<ul class="claims">\n${items.join('\n')}\n</ul>`;
}

/** A chart drawn beforehand, for pages read without scripts; the script draws it anew. */
async function figure(chart: Chart, id: string): Promise<string> {
  const svg = await drawSvg(specification(chart, 'page'));
  const still = svg.replace(/\b(clip|gradient)\d+/g, `${id}-$&`); // unique in the page
  const views = viewsOf(chart);
  const subtitle =
    chart.subtitle === undefined ? '' : `<small>${escapeHtml(chart.subtitle)}</small>`;
  return `<figure id="${id}">
<figcaption><b>${escapeHtml(chart.title)}</b>${subtitle}</figcaption>
<div class="controls"></div>
<div class="chart" role="img" aria-label="${escapeHtml(describe(chart))}">${still}</div>
<script type="application/json">${scriptJson(views)}</script>
</figure>`;
}

interface View {
  readonly label: string;
  readonly specification: Specification;
}

/** The ways to look at a chart between which its buttons choose. */
function viewsOf(chart: Chart): View[] {
  const labelled = (label: string, variant: Chart): View => ({
    label,
    specification: specification(variant, 'livePage'),
  });
  if (chart.kind !== 'eigenvalues') return [labelled('', chart)];
  const { linearWithin, errorEstimate, largest } = chart;
  const linear = labelled('Linear', { ...chart, scale: 'linear' });
  const given = labelled(
    linearWithin === undefined || largest !== undefined
      ? 'Logarithmic'
      : `Logarithmic beyond ±${numberText(linearWithin)}`,
    { ...chart, scale: 'symlog' },
  );
  const deepest =
    linearWithin === undefined || errorEstimate === undefined || largest !== undefined
      ? []
      : [
          labelled('Logarithmic down to the error estimate', {
            ...chart,
            scale: 'symlog',
            linearWithin: undefined,
          }),
        ];
  return chart.scale === 'linear' ? [linear, given, ...deepest] : [given, ...deepest, linear];
}

function manifestHtml(manifest: Report['manifest']): string {
  const entries = Object.entries(manifest).map(
    ([key, value]) => `<dt>${escapeHtml(key)}</dt><dd>${escapeHtml(manifestText(value))}</dd>`,
  );
  return entries.length === 0 ? '' : `<dl>\n${entries.join('\n')}\n</dl>`;
}

function manifestText(value: Json): string {
  if (typeof value === 'string') return value;
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.map((entry: Json) => manifestText(entry)).join(', ');
  return Object.entries(value)
    .map(([key, entry]) => `${key} ${manifestText(entry)}`)
    .join(' · ');
}

function dataHtml({ fileName, content }: ReportData, index: number): string {
  const id = `data-${String(index + 1)}`;
  const json = scriptJson(content);
  const size = `${String(Math.max(1, Math.round(json.length / 1024)))} KB`;
  return `<p><button type="button" data-for="${id}" data-file-name="${escapeHtml(fileName)}">Download ${escapeHtml(fileName)} (${size})</button></p>
<script type="application/json" id="${id}">${json}</script>`;
}
