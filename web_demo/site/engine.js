/** The page's side of the worker: a question, and a promise of its answer. */

/** What the worker refused for a reason that the person at the page can understand; its message is for them. */
export class Refusal extends Error {}

/** One worker. */
export class Engine {
  /** @type {Map<number, {resolve: (answer: any) => void, reject: (error: Error) => void}>} */
  waiting = new Map();
  count = 0;

  constructor() {
    this.worker = new Worker(new URL('./worker.js', import.meta.url));
    this.worker.onmessage = ({data}) => {
      const {resolve, reject} = this.waiting.get(data.id) ?? {};
      this.waiting.delete(data.id);
      if (data.error === undefined) resolve?.(data);
      else reject?.(data.expected ? new Refusal(data.error) : new Error(data.error));
    };
    this.worker.onerror = (event) => this.fail(event.message || 'the worker could not be started');
  }

  /**
   * @param {string} kind a method of `Session`
   * @param {object} [data]
   * @param {Transferable[]} [transfer]
   * @returns {Promise<any>}
   */
  ask(kind, data = {}, transfer = []) {
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, {resolve, reject});
      this.worker.postMessage({id, kind, ...data}, transfer);
    });
  }

  /** @param {string} message */
  fail(message) {
    for (const {reject} of this.waiting.values()) reject(new Error(message));
    this.waiting.clear();
  }
}
