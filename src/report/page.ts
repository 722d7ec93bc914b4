// A report as one HTML page that needs nothing else: style, scripts, data and licences are inside.

import { escapeHtml } from './html.js';
import { claimsHtml, dataHtml, figure, manifestHtml, tableHtml } from './page-elements.js';
import { PAGE_SCRIPT } from './page-script.js';
import { PAGE_STYLE } from './page-style.js';
import type { Report, ReportPart } from './report.js';
import { vendorText } from './vega.js';

// The page may load nothing from anywhere; vega compiles its expressions, hence unsafe-eval.
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; " +
  'img-src data: blob:';

/** The page's HTML. */
export async function reportPage(report: Report): Promise<string> {
  const [vega, vegaLite, notices, content, ...parts] = await Promise.all([
    vendorText('vega.min.cjs'),
    vendorText('vega-lite.min.cjs'),
    vendorText('NOTICES.txt'),
    contentOf(report),
    ...(report.parts ?? []).map(partHtml),
  ]);
  const { title, summary } = report;
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
${navigation(report.parts ?? [])}</header>
<main>
${content}
${parts.join('\n')}
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

/** The sections of a report that is one whole. */
async function contentOf({
  charts,
  tables,
  claims = [],
  manifest,
  data = [],
}: Report): Promise<string> {
  const figures = await Promise.all(
    charts.map((chart, i) => figure(chart, `chart-${String(i + 1)}`)),
  );
  return [
    section('Charts', figures.length === 0 ? '' : `${READING_NOTE}\n${figures.join('\n')}`),
    section('Key numbers', tables.map(tableHtml).join('\n')),
    section('Claims', claims.length === 0 ? '' : claimsHtml(claims)),
    section('Manifest', manifestHtml(manifest)),
    section(
      'Data',
      data.map((each, i) => dataHtml(each, `data-${String(i + 1)}`)).join('\n'),
      'downloads',
    ),
  ].join('\n');
}

/** Links to the parts, each with how many of its claims hold. */
function navigation(parts: readonly ReportPart[]): string {
  if (parts.length === 0) return '';
  const links = parts.map(({ name, title, claims = [] }) => {
    const held = claims.filter(({ holds }) => holds).length;
    const mark =
      held === claims.length
        ? `<span class="holds">${held}/${claims.length}</span>`
        : `<span class="fails">${held}/${claims.length}</span>`;
    return `<li><a href="#${escapeHtml(name)}">${escapeHtml(title)}</a> ${mark}</li>`;
  });
  return `<nav><ul>\n${links.join('\n')}\n</ul></nav>\n`;
}

/** One of several reports on a page: a section, its manifest and its data under its charts. */
async function partHtml(part: ReportPart): Promise<string> {
  const { name, title, summary, claims = [], charts, tables, manifest, data = [], page } = part;
  const figures = await Promise.all(
    charts.map((chart, i) => figure(chart, `${name}-chart-${String(i + 1)}`)),
  );
  const downloads = data.map((each, i) => dataHtml(each, `${name}-data-${String(i + 1)}`));
  return `<section class="part" id="${escapeHtml(name)}">
<h2>${escapeHtml(title)}</h2>
${summary === undefined ? '' : `<p class="summary">${escapeHtml(summary)}</p>`}
${claims.length === 0 ? '' : claimsHtml(claims)}
${figures.length === 0 ? '' : READING_NOTE}
${figures.join('\n')}
${tables.map(tableHtml).join('\n')}
<details><summary>Manifest</summary>
${manifestHtml(manifest)}</details>
<div class="downloads">${downloads.join('\n')}</div>
${page === undefined ? '' : `<p class="downloads"><a href="${escapeHtml(page)}">Its own page, with all charts</a></p>`}
</section>`;
}

function section(title: string, content: string, name = ''): string {
  if (content === '') return '';
  const attribute = name === '' ? '' : ` class="${name}"`;
  return `<section${attribute}>\n<h2>${title}</h2>\n${content}\n</section>`;
}
