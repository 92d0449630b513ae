/**
 * The connection to the worker: requests go to the worker, and each request gets one response.
 *
 * @typedef {(note: any) => void} OnNote
 */

import {UserError} from '../engine/errors.js';

/** One worker, and the requests that it has not answered yet. */
export class WorkerClient {
  /** @type {Map<number, {resolve: (response: any) => void, reject: (error: Error) => void, onNote: OnNote}>} */
  pending = new Map();
  count = 0;

  /** @param {Worker} worker that runs worker.js */
  constructor(worker) {
    this.worker = worker;
    this.worker.onmessage = ({data}) => {
      const {resolve, reject, onNote} = this.pending.get(data.id) ?? {};
      if (data.note !== undefined) return onNote?.(data.note);
      this.pending.delete(data.id);
      if (data.error === undefined) resolve?.(data);
      else reject?.(data.forUser ? new UserError(data.error) : new Error(data.error));
    };
    this.worker.onerror = (event) => this.rejectAll(event.message || 'the worker could not be started');
  }

  /**
   * Sends a request to the worker.
   *
   * @param {string} kind name of a method of `Session`
   * @param {object} [data] arguments of the method
   * @param {Transferable[]} [transfer] objects in `data` that are handed over to the worker instead of copied
   * @param {OnNote} [onNote] called with each note that the worker sends before the response.
   * @returns {Promise<any>} the response: the members of the `message` that the method returns.
   * @throws {UserError} the request failed for a reason that the user can understand.
   * @throws {Error} the request failed for another reason.
   */
  request(kind, data = {}, transfer = [], onNote = () => {}) {
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, {resolve, reject, onNote});
      this.worker.postMessage({id, kind, ...data}, transfer);
    });
  }

  /** Ends the worker. Requests that it has not answered fail. */
  close() {
    this.worker.terminate();
    this.rejectAll('the worker was ended');
  }

  /** @param {string} message */
  rejectAll(message) {
    for (const {reject} of this.pending.values()) reject(new Error(message));
    this.pending.clear();
  }
}
