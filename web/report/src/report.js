// SPDX-License-Identifier: Apache-2.0
// Draws the figures of a report. Runs under a policy without eval: Vega interprets its expressions.
//
// The page holds one JSON script element: {templates: {kind: Vega spec}, figures: [{id, kind, x_title, y_title, fields,
// reference?}]}. The values stand once in the page, in the data table behind each figure, and are read from there.
import { transforms } from 'vega-dataflow';
import * as encode from 'vega-encode';
import { expressionInterpreter } from 'vega-interpreter';
import { parse } from 'vega-parser';
import * as tx from 'vega-transforms';
import { View } from 'vega-view';
import * as vtx from 'vega-view-transforms';

Object.assign(transforms, tx, vtx, encode);

const text_fields = new Set(['label', 'series']);

// Rows of the data table: the header of each column names its field.
function values_of(table, fields) {
  return Array.from(table.tBodies[0].rows, (row) => {
    const datum = { series: '' };
    fields.forEach((field, i) => {
      const text = row.cells[i].textContent;
      if (text_fields.has(field)) datum[field] = text;
      else datum[field] = Number.isFinite(Number(text)) ? Number(text) : null;
    });
    return datum;
  });
}

// A copy of the template with the titles written in, and without legends where there is one series.
function filled(node, figure, with_legend) {
  if (node === '$x_title') return figure.x_title || null;
  if (node === '$y_title') return figure.y_title || null;
  if (Array.isArray(node)) return node.map((child) => filled(child, figure, with_legend));
  if (node === null || typeof node !== 'object') return node;
  const copy = {};
  for (const [key, child] of Object.entries(node)) {
    if (key === 'legends' && !with_legend) continue;
    copy[key] = filled(child, figure, with_legend);
  }
  return copy;
}

// Everything that follows the width of the page.
function sizes(view, width, figure, series) {
  const narrow = width < 420;
  const longest = narrow ? 110 : 240;
  const name = Math.max(...Array.from(series, (text) => text.length), 1);
  const columns = Math.max(1, Math.min(series.size, Math.floor(width / (60 + 7 * Math.min(name, 36)))));
  view.width(width);
  view.signal('label_limit', longest);
  view.signal('legend_columns', columns);
  view.signal('legend_limit', width / columns - 60);
  view.signal('x_ticks', narrow ? 4 : 7);
  if (figure.kind !== 'heatmap') return;
  view.signal('show_text', shows_cells(width, series));
  view.signal('column_angle', (width - longest) / series.size >= 64 ? 0 : -90);
}

// Whether the cells of a heat map are wide enough for their numbers.
function shows_cells(width, series) {
  return (width - (width < 420 ? 110 : 240)) / series.size >= 34;
}

async function draw(figure, templates) {
  const section = document.getElementById(figure.id);
  const plot = section.querySelector('.plot');
  const values = values_of(section.querySelector('details table'), figure.fields);
  if (!values.some((datum) => datum.y !== null)) {
    plot.classList.add('empty');
    plot.textContent = 'No values to draw.';
    return;
  }
  const series = new Set(values.map((datum) => datum.series));
  const with_legend = figure.kind === 'heatmap' ? !shows_cells(plot.clientWidth, series) : series.size > 1;
  const spec = filled(templates[figure.kind], figure, with_legend);
  for (const data of spec.data) {
    if (data.name === 'values') data.values = values;
    if (data.name === 'reference') data.values = 'reference' in figure ? [{ at: figure.reference }] : [];
  }
  if (figure.kind === 'histogram' && series.size > 1) spec.signals.find((signal) => signal.name === 'rect_opacity').value = 0.5;
  const view = new View(parse(spec, undefined, { ast: true }), {
    expr: expressionInterpreter,
    renderer: 'svg',
    container: plot.firstElementChild,
    hover: false,
  });
  let width = plot.clientWidth;
  sizes(view, width, figure, series);
  await view.runAsync();
  new ResizeObserver(() => {
    if (plot.clientWidth === width || plot.clientWidth === 0) return;
    width = plot.clientWidth;
    sizes(view, width, figure, series);
    view.runAsync();
  }).observe(plot);
}

async function draw_all() {
  const root = document.documentElement;
  const { figures, templates } = JSON.parse(document.getElementById('figures').textContent);
  let failed = 0;
  for (const figure of figures) {
    try {
      await draw(figure, templates);
    } catch (error) {
      failed += 1;
      const plot = document.getElementById(figure.id).querySelector('.plot');
      plot.textContent = 'This figure could not be drawn; its values stand in the table below.';
      plot.removeAttribute('role');
      console.error(error);
    }
  }
  root.dataset.failed = String(failed);
  root.dataset.ready = String(Math.round(performance.now()));
}

draw_all();
