/** The table of processing times. For each stage it shows how the times of the latest runs are distributed. */

import {percentile} from '../core/statistics.js';

/** @typedef {import('../engine/matter.js').Timings} Timings */

const MAX_RUNS = 150; // runs beyond the latest 150 are forgotten
const STAGES = /** @type {const} */ ([
  ['read', 'Read'],
  ['preprocess', 'Preprocess'],
  ['network', 'Network'],
  ['composite', 'Composite'],
]);
const SVG_NAMESPACE = 'http://www.w3.org/2000/svg';

/** A table with one row per stage and one for the total: box plot, median and 90th percentile. */
export class TimingsTable {
  /** @type {Timings[]} */
  runs = [];

  /**
   * @param {HTMLTableSectionElement} body empty; the rows are added to it.
   * @param {HTMLElement} count element that shows the number of runs
   */
  constructor(body, count) {
    this.count = count;
    this.rows = [...STAGES.map(([, name]) => name), 'Total'].map((name) => {
      const row = body.insertRow();
      const header = document.createElement('th');
      header.scope = 'row';
      header.textContent = name;
      row.append(header);
      const plot = new BoxPlot();
      row.insertCell().append(plot.svg);
      return {plot, median: row.insertCell(), high: row.insertCell()};
    });
  }

  /** Forgets all runs. What is shown stays until `show`. */
  clear() {
    this.runs = [];
  }

  /** Adds the timings of one or more runs. @param {Timings[]} timings */
  add(...timings) {
    this.runs.push(...timings);
    this.runs.splice(0, this.runs.length - MAX_RUNS);
  }

  /** Shows the runs that were added. */
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

/** A box plot: a line from the 5th to the 95th percentile, a box from the 25th to the 75th, a mark at the median. */
class BoxPlot {
  constructor() {
    this.svg = document.createElementNS(SVG_NAMESPACE, 'svg');
    this.svg.setAttribute('viewBox', '0 0 100 12');
    this.svg.setAttribute('preserveAspectRatio', 'none');
    this.svg.setAttribute('aria-hidden', 'true');
    this.line = this.addBar('line', 5.5, 1);
    this.box = this.addBar('box', 2.5, 7);
    this.mark = this.addBar('mark', 1, 10);
  }

  /**
   * @param {string} kind class name, see style.css
   * @param {number} y
   * @param {number} height
   */
  addBar(kind, y, height) {
    const shape = document.createElementNS(SVG_NAMESPACE, 'rect');
    shape.setAttribute('class', kind);
    shape.setAttribute('y', String(y));
    shape.setAttribute('height', String(height));
    this.svg.append(shape);
    return shape;
  }

  /**
   * Draws the plot of a list of durations.
   *
   * @param {Float64Array} sorted at least one duration, in ascending order
   * @param {number} longest duration that the whole width stands for
   */
  show(sorted, longest) {
    const at = (/** @type {number} */ percent) => Math.min(98, (98 * percentile(sorted, percent)) / longest);
    setSpan(this.line, at(5), at(95));
    setSpan(this.box, at(25), at(75));
    setSpan(this.mark, at(50), at(50) + 1.6);
  }
}

/**
 * Sets the horizontal extent of a bar.
 *
 * @param {Element} shape
 * @param {number} from
 * @param {number} to
 */
function setSpan(shape, from, to) {
  shape.setAttribute('x', from.toFixed(2));
  shape.setAttribute('width', Math.max(0.8, to - from).toFixed(2));
}

/**
 * Returns a frame rate as text, with decimals where it is low.
 *
 * @param {number} frames number of frames
 * @param {number} duration of all of them, in milliseconds, > 0
 * @returns {string} for example '24 frames/s', '7.5 frames/s' or '0.25 frames/s'
 */
export function frameRate(frames, duration) {
  const rate = (1000 * frames) / duration;
  return `${rate >= 9.95 ? Math.round(rate) : rate.toFixed(rate < 0.995 ? 2 : 1)} frames/s`;
}

/** @param {number} value @returns {string} for example '9.5 ms' or '12 ms' */
function milliseconds(value) {
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ms`;
}
