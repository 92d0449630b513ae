/** How long each stage takes: not one number, but how the last runs were distributed. */

import {percentile} from './core/statistics.js';

/** @typedef {import('./session.js').Timings} Timings */

const LAST = 150;
const STAGES = /** @type {const} */ ([
  ['read', 'Read'],
  ['preprocess', 'Preprocess'],
  ['network', 'Network'],
  ['composite', 'Composite'],
]);
const SVG = 'http://www.w3.org/2000/svg';

/** A table with a row a stage. */
export class TimingsTable {
  /** @type {Timings[]} */
  runs = [];

  /**
   * @param {HTMLTableSectionElement} body
   * @param {HTMLElement} count where the number of runs is written
   */
  constructor(body, count) {
    this.count = count;
    this.rows = [...STAGES.map(([, name]) => name), 'Total'].map((name) => {
      const row = body.insertRow();
      const header = document.createElement('th');
      header.scope = 'row';
      header.textContent = name;
      row.append(header);
      const plot = new Plot();
      row.insertCell().append(plot.svg);
      return {plot, median: row.insertCell(), high: row.insertCell()};
    });
  }

  clear() {
    this.runs = [];
  }

  /** @param {Timings[]} timings */
  add(...timings) {
    this.runs.push(...timings);
    this.runs.splice(0, this.runs.length - LAST);
  }

  /** Draws what was added. */
  show() {
    if (this.runs.length === 0) return;
    const columns = STAGES.map(([key]) => this.runs.map((run) => run[key]));
    columns.push(this.runs.map((run) => STAGES.reduce((sum, [key]) => sum + run[key], 0)));
    const sorted = columns.map((values) => Float64Array.from(values).sort());
    const longest = percentile(sorted[sorted.length - 1], 95);
    sorted.forEach((values, index) => {
      const {plot, median, high} = this.rows[index];
      plot.show(values, longest);
      median.textContent = milliseconds(percentile(values, 50));
      high.textContent = milliseconds(percentile(values, 90));
    });
    this.count.textContent = this.runs.length === 1 ? 'One run.' : `The last ${this.runs.length} runs.`;
  }
}

/** A box plot: a line from the 5th to the 95th percentile, a box over the middle half, a mark at the median. */
class Plot {
  constructor() {
    this.svg = document.createElementNS(SVG, 'svg');
    this.svg.setAttribute('viewBox', '0 0 100 12');
    this.svg.setAttribute('preserveAspectRatio', 'none');
    this.svg.setAttribute('aria-hidden', 'true');
    this.line = this.bar('line', 5.5, 1);
    this.box = this.bar('box', 2.5, 7);
    this.mark = this.bar('mark', 1, 10);
  }

  /**
   * @param {string} kind
   * @param {number} y
   * @param {number} height
   */
  bar(kind, y, height) {
    const shape = document.createElementNS(SVG, 'rect');
    shape.setAttribute('class', kind);
    shape.setAttribute('y', String(y));
    shape.setAttribute('height', String(height));
    this.svg.append(shape);
    return shape;
  }

  /**
   * @param {Float64Array} sorted
   * @param {number} longest what the whole width stands for
   */
  show(sorted, longest) {
    const at = (/** @type {number} */ percent) => Math.min(98, (98 * percentile(sorted, percent)) / longest);
    span(this.line, at(5), at(95));
    span(this.box, at(25), at(75));
    span(this.mark, at(50), at(50) + 1.6);
  }
}

/**
 * @param {Element} shape
 * @param {number} from
 * @param {number} to
 */
function span(shape, from, to) {
  shape.setAttribute('x', from.toFixed(2));
  shape.setAttribute('width', Math.max(0.8, to - from).toFixed(2));
}

/** @param {number} value */
function milliseconds(value) {
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ms`;
}
