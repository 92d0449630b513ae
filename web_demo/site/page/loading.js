/**
 * What the page shows while the network loads: a bar with a percentage.
 *
 * @typedef {import('./busy.js').BusySign} BusySign
 */

import {byId} from './dom.js';

const STEP = 25; // per cent between two lines for screen readers
const PAUSE = 3000; // milliseconds between them, at least

/** The progress of loading, from the creation of the object until `end`. */
export class LoadingBar {
  /** The per cent and the time of the latest line for screen readers, which have read that loading began. */
  said = {percent: 0, time: performance.now()};

  /** @param {BusySign} busy which says what waits for the network. */
  constructor(busy) {
    this.busy = busy;
    this.work = busy.begin('Loading the network', 'the network', true);
  }

  /** Shows how much has come. @param {number} percent 0-100, of the bytes of the files */
  show(percent) {
    byId('loading').hidden = false;
    Object.assign(byId('loading-bar'), {value: percent});
    byId('loading-percent').textContent = `${percent} %`;
    this.busy.relabel(this.work, `Loading the network, ${percent} %`);
    const time = performance.now();
    if (percent === 100 || percent < this.said.percent + STEP || time < this.said.time + PAUSE) return;
    this.said = {percent, time};
    this.busy.say(`${percent} per cent of the network is loaded.`);
  }

  /** Removes the bar. */
  end() {
    byId('loading').hidden = true;
    this.busy.end(this.work);
  }
}
