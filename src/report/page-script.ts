// What runs in a report page, as the text of a script: charts drawn and redrawn, tooltips, downloads.
// It sees the globals vega and vegaLite, and the JSON elements that page.ts writes.

export const PAGE_SCRIPT = String.raw`
'use strict';
const tooltip = document.createElement('div');
tooltip.className = 'tooltip';
tooltip.hidden = true;
document.body.append(tooltip);

function showTooltip(_handler, event, _item, value) {
  tooltip.hidden = !value;
  if (!value) return;
  tooltip.replaceChildren(...Object.entries(value).map(([key, text]) => {
    const row = document.createElement('div');
    const name = document.createElement('span');
    name.textContent = key;
    row.append(name, String(text));
    return row;
  }));
  const box = tooltip.getBoundingClientRect();
  const left = event.clientX + 14 + box.width > innerWidth ? event.clientX - 14 - box.width : event.clientX + 14;
  tooltip.style.left = Math.max(4, left) + 'px';
  tooltip.style.top = Math.max(4, event.clientY - box.height - 10) + 'px';
}

function download(fileName, type, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function button(text, act) {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = text;
  element.addEventListener('click', act);
  return element;
}

async function drawFigure(figure) {
  const views = JSON.parse(figure.querySelector('script').textContent);
  const chart = figure.querySelector('.chart');
  const controls = figure.querySelector('.controls');
  let view;
  let current = 0;
  const show = async (index) => {
    current = index;
    const { spec } = vegaLite.compile(views[index].specification);
    if (view) view.finalize();
    chart.replaceChildren();
    view = new vega.View(vega.parse(spec), { renderer: 'svg', hover: true });
    view.tooltip(showTooltip).initialize(chart);
    await view.runAsync();
    choices.forEach((choice, i) => choice.setAttribute('aria-pressed', String(i === index)));
  };
  const choices = views.length < 2 ? [] : views.map(({ label }, i) => button(label, () => show(i)));
  controls.append(...choices, button('Reset zoom', () => show(current)), button('Save as SVG', async () =>
    download(figure.id + '.svg', 'image/svg+xml', await view.toSVG())));
  await show(0);
  figure.dataset.drawn = 'yes';
}

document.querySelectorAll('figure').forEach((figure) => {
  drawFigure(figure).catch((error) => console.error(error));
});
addEventListener('scroll', () => { tooltip.hidden = true; }, { passive: true });
document.querySelectorAll('button[data-for]').forEach((element) => {
  const source = document.getElementById(element.dataset.for);
  element.addEventListener('click', () =>
    download(element.dataset.fileName, 'application/json', source.textContent));
});
`;
