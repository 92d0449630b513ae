/**
 * Comparison of the result with the image as it is: by holding a button, or with a slider that divides the image.
 *
 * @typedef {import('./viewport.js').Viewport} Viewport
 * @typedef {import('./worker-client.js').WorkerClient} WorkerClient
 */

import {byId, inputById, run} from './dom.js';

/** The button to hold, and the slider with its button. */
export class Comparison {
  /** Whether the slider is shown. */
  on = false;

  /**
   * @param {WorkerClient} client
   * @param {Viewport} viewport
   */
  constructor(client, viewport) {
    this.client = client;
    this.viewport = viewport;
    this.slider = inputById('split');
    this.slider.addEventListener('input', () => this.place());
    this.listenToHolding(byId('compare'));
  }

  /** Shows or hides the slider. @param {boolean} on */
  async toggle(on) {
    if (on === this.on) return;
    this.on = on;
    byId('slide').setAttribute('aria-pressed', String(on));
    if (on) await this.client.request('split', {on});
    if (on !== this.on) return; // it was switched off meanwhile
    this.slider.hidden = !on;
    byId('original').hidden = !on;
    this.place();
    if (!on) await this.client.request('split', {on});
  }

  /** Shows the image as it is on the left of the slider. */
  place() {
    if (!this.on) return;
    const {frame, view} = this.viewport;
    const [edge, box] = [frame.getBoundingClientRect(), view.getBoundingClientRect()];
    const thumb = 44; // width of the slider's thumb, see style.css
    const at = thumb / 2 + (Number(this.slider.value) / 100) * (edge.width - thumb);
    const shown = (edge.left + at - box.left) / (box.width || 1);
    byId('original').style.clipPath = `inset(0 ${100 - 100 * Math.min(1, Math.max(0, shown))}% 0 0)`;
  }

  /**
   * Shows the image as it is while a button is held down, with a pointer, the space bar or Enter.
   *
   * @param {HTMLElement} button
   */
  listenToHolding(button) {
    const compare = (/** @type {boolean} */ original) => {
      if (String(original) === button.getAttribute('aria-pressed')) return;
      button.setAttribute('aria-pressed', String(original));
      run(() => this.client.request('compare', {original}));
    };
    button.addEventListener('pointerdown', () => compare(true));
    for (const end of ['pointerup', 'pointerleave', 'pointercancel', 'keyup', 'blur']) {
      button.addEventListener(end, () => compare(false));
    }
    button.addEventListener('contextmenu', (event) => event.preventDefault()); // phones open it on a long press
    button.addEventListener('keydown', (event) => {
      if (event.key === ' ' || event.key === 'Enter') compare(true);
    });
  }
}
