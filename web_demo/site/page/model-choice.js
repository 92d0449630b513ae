/**
 * The choice of another model.
 *
 * @typedef {import('../engine/session.js').MatteResult} MatteResult
 * @typedef {import('./busy.js').BusySign} BusySign
 */

import {UserError} from '../engine/errors.js';
import {byId} from './dom.js';
import {WorkerClient} from './worker-client.js';

const WORKER = new URL('../worker.js', import.meta.url);
const LIMIT = 100e6; // bytes; matting models have a hundredth of that
const PATIENCE = 60_000; // milliseconds in which a model must have run once

/** The model that runs, and the controls to change it. */
export class ModelChoice {
  /**
   * @param {WorkerClient} client
   * @param {BusySign} busy
   * @param {{build: 'threaded' | 'compat', threads: number}} runtime
   * @param {(result: MatteResult) => void} onResult called with the current image, matted by the new model.
   */
  constructor(client, busy, runtime, onResult) {
    this.client = client;
    this.busy = busy;
    this.runtime = runtime;
    this.onResult = onResult;
  }

  /**
   * Runs a model from a file. It is tried in a worker of its own first, so that a broken file leaves the page as it was.
   *
   * @param {File} file
   * @throws {UserError} the file is no matting model.
   */
  async use(file) {
    await this.busy.during(`Trying ${file.name}`, file.name, async () => {
      if (file.size > LIMIT) throw new UserError(`${file.name} has more than 100 MB: it is no matting model.`);
      await this.probe(file);
      await this.load(file.name, file);
    });
  }

  /** Goes back to the model that the page came with. */
  async restore() {
    await this.busy.during('Loading the model of this page', 'the model', () => this.load('the model of this page'));
  }

  /** @param {string} name @param {File} [blob] */
  async load(name, blob) {
    const {size, result} = await this.client.request('loadModel', {blob});
    this.show(name, size);
    byId('restore-model').hidden = !blob;
    if (result) this.onResult(result);
    this.busy.say(`Now ${name} runs.`);
  }

  /** @param {string} name @param {number} size side of its input in pixels */
  show(name, size) {
    byId('model-name').textContent = `${name}, ${size}×${size} pixels`;
  }

  /** @param {File} file */
  async probe(file) {
    const probe = new WorkerClient(new Worker(WORKER));
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new UserError('it did not run within a minute')), PATIENCE);
    });
    try {
      await Promise.race([probe.request('probe', {blob: file, ...this.runtime}), late]);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new UserError(`${file.name} was not used: ${why}`);
    } finally {
      clearTimeout(timer);
      probe.close();
    }
  }
}
