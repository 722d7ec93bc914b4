// The pieces of a report page: tables, claims, charts, manifests, downloads.

import type { Chart } from './chart.js';
import { escapeHtml, scriptJson } from './html.js';
import { numberText } from './number-text.js';
import type { Claim, Json, Report, ReportData, Table } from './report.js';
import { describe, specification } from './specification.js';
import { type Specification, drawSvg } from './vega.js';

export function tableHtml({ caption, columns, rows }: Table): string {
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

export function claimsHtml(claims: readonly Claim[]): string {
  const items = claims.map(({ claim, holds, measured }) => {
    const mark = holds
      ? '<span class="holds" title="holds">✓</span>'
      : '<span class="fails" title="does not hold">✗</span>';
    return `<li>${mark}<div>${escapeHtml(claim)}<small>${escapeHtml(measured)}</small></div></li>`;
  });
  return `<ul class="claims">\n${items.join('\n')}\n</ul>`;
}

/** A chart drawn beforehand, for pages read without scripts; the script draws it anew. */
export async function figure(chart: Chart, id: string): Promise<string> {
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

export function manifestHtml(manifest: Report['manifest']): string {
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

export function dataHtml({ fileName, content }: ReportData, id: string): string {
  const json = scriptJson(content);
  const size = `${String(Math.max(1, Math.round(json.length / 1024)))} KB`;
  return `<p><button type="button" data-for="${id}" data-file-name="${escapeHtml(fileName)}">Download ${escapeHtml(fileName)} (${size})</button></p>
<script type="application/json" id="${id}">${json}</script>`;
}
