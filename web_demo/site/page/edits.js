/**
 * The edits of the matte: the softness of its edges, and the brush.
 *
 * @typedef {import('../core/alpha-edits.js').Edits} Edits
 * @typedef {import('../core/alpha-edits.js').Stroke} Stroke
 * @typedef {import('./busy.js').BusySign} BusySign
 * @typedef {import('./viewport.js').Viewport} Viewport
 * @typedef {import('./worker-client.js').WorkerClient} WorkerClient
 */

import {byId, inputById, run} from './dom.js';

const MOVE = 0.01; // what an arrow key moves the brush, in units of the image's longer side
const PARTS_IN_FLIGHT = 1; // parts of a stroke that the worker has not shown yet; later ones are sent together

/** The controls of the edits. The strokes belong to the current image, the softness to all. */
export class EditControls {
  /** @type {Stroke[]} */
  strokes = [];
  /** The stroke that is being painted. @type {Stroke | undefined} */
  stroke;
  /** @type {Stroke['mode'] | undefined} */
  mode;
  /** Position of the brush that the keyboard moves. @type {[number, number]} */
  at = [0, 0];
  /** Points of the stroke that were sent. */
  sent = 0;
  inFlight = 0;

  /**
   * @param {WorkerClient} client
   * @param {BusySign} busy
   * @param {Viewport} viewport
   */
  constructor(client, busy, viewport) {
    this.client = client;
    this.busy = busy;
    this.viewport = viewport;
    this.cursor = byId('brush');
    byId('softness').addEventListener('input', () => run(() => this.update()));
    byId('brush-size').addEventListener('input', () => this.placeCursor());
    viewport.frame.addEventListener('keydown', (event) => this.key(event));
    viewport.frame.addEventListener('pointermove', (event) => {
      if (this.mode) this.moveTo(...viewport.locate(event.clientX, event.clientY));
    });
    document.addEventListener('keydown', (event) => {
      const typing = event.target instanceof HTMLInputElement && event.target.type === 'text';
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z' && !typing && this.strokes.length > 0) {
        event.preventDefault();
        run(() => this.undo());
      }
    });
  }

  /** @returns {Edits} of the current image */
  edits() {
    return {softness: Number(inputById('softness').value) / 100, strokes: this.strokes};
  }

  /** @returns {Edits} of an image without strokes */
  sharedEdits() {
    return {...this.edits(), strokes: []};
  }

  /** Takes the strokes of another image. @param {Stroke[]} strokes */
  useStrokes(strokes) {
    this.strokes = strokes;
    this.stroke = undefined;
    this.showStrokes();
  }

  /** Takes up the brush, or puts it away if it has this mode already. @param {Stroke['mode'] | undefined} mode */
  choose(mode) {
    this.mode = mode === this.mode ? undefined : mode;
    for (const name of ['restore', 'erase']) byId(name).setAttribute('aria-pressed', String(name === this.mode));
    byId('brush-settings').hidden = !this.mode;
    this.cursor.hidden = !this.mode;
    this.viewport.frame.classList.toggle('brushing', Boolean(this.mode));
    this.viewport.tool = this.mode && {
      down: (x, y) => this.begin(x, y),
      move: (x, y) => this.extend(x, y),
      up: () => run(() => this.end()),
      cancel: () => run(() => this.cancel()),
    };
    if (!this.mode) return;
    const {offsetWidth: width, offsetHeight: height} = this.viewport.view;
    const unit = 2 * Math.max(width, height, 1);
    this.moveTo(width / unit, height / unit);
    this.busy.say(this.mode === 'erase' ? 'The brush erases.' : 'The brush restores.');
  }

  /** @returns {number} in units of the image's longer side; smaller where the image is zoomed. */
  radius() {
    return Number(inputById('brush-size').value) / 1000 / Math.sqrt(this.viewport.scale);
  }

  /** @param {number} x @param {number} y */
  begin(x, y) {
    if (!this.mode) return;
    this.stroke = {mode: this.mode, radius: this.radius(), points: [[x, y]]};
    this.sent = 0;
    this.sendPart();
  }

  /** @param {number} x @param {number} y */
  extend(x, y) {
    this.stroke?.points.push([x, y]);
    this.sendPart();
  }

  /** Shows what was painted meanwhile. */
  sendPart() {
    const {stroke} = this;
    if (!stroke || this.inFlight >= PARTS_IN_FLIGHT || this.sent >= stroke.points.length) return;
    const points = stroke.points.slice(Math.max(0, this.sent - 1));
    this.sent = stroke.points.length;
    this.inFlight++;
    run(async () => {
      try {
        await this.client.request('paint', {stroke: {...stroke, points}});
      } finally {
        this.inFlight--;
      }
      this.sendPart();
    });
  }

  /** Ends the stroke. */
  async end() {
    if (!this.stroke) return;
    this.strokes = [...this.strokes, this.stroke];
    this.stroke = undefined;
    this.showStrokes();
    await this.update();
  }

  /** Drops the stroke, because a second finger began to zoom. */
  async cancel() {
    if (!this.stroke) return;
    this.stroke = undefined;
    await this.update();
  }

  /** Takes back the last stroke. */
  async undo() {
    this.strokes = this.strokes.slice(0, -1);
    this.showStrokes();
    this.busy.say(
      `Undone. ${this.strokes.length === 0 ? 'No stroke is left' : `Strokes left: ${this.strokes.length}`}.`,
    );
    await this.update();
  }

  /** Takes back all edits. */
  async reset() {
    this.useStrokes([]);
    inputById('softness').value = '0';
    this.busy.say('The edits are taken back.');
    await this.update();
  }

  async update() {
    await this.client.request('setEdits', {edits: this.edits()});
  }

  showStrokes() {
    const none = this.strokes.length === 0;
    byId('undo').toggleAttribute('disabled', none);
    byId('strokes').textContent = none
      ? ''
      : `${this.strokes.length} ${this.strokes.length === 1 ? 'stroke' : 'strokes'}`;
  }

  /** Moves the brush. @param {number} x @param {number} y */
  moveTo(x, y) {
    const {offsetWidth: width, offsetHeight: height} = this.viewport.view;
    const unit = Math.max(width, height, 1);
    this.at = [Math.min(width / unit, Math.max(0, x)), Math.min(height / unit, Math.max(0, y))];
    this.placeCursor();
  }

  /** Draws the circle of the brush. */
  placeCursor() {
    if (!this.mode) return;
    const {view} = this.viewport;
    const unit = Math.max(view.offsetWidth, view.offsetHeight);
    const side = 2 * this.radius() * unit;
    Object.assign(this.cursor.style, {
      left: `${this.at[0] * unit - side / 2}px`,
      top: `${this.at[1] * unit - side / 2}px`,
      width: `${side}px`,
      height: `${side}px`,
    });
  }

  /**
   * Moves the brush with the arrow keys, and paints with the space bar; Shift paints on the way.
   *
   * @param {KeyboardEvent} event
   */
  key(event) {
    if (!this.mode || event.target !== this.viewport.frame || event.ctrlKey || event.metaKey) return;
    const moves = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    const move = /** @type {Record<string, number[]>} */ (moves)[event.key];
    const size = inputById('brush-size');
    if (move) {
      const from = this.at;
      this.moveTo(from[0] + MOVE * move[0], from[1] + MOVE * move[1]);
      if (event.shiftKey) this.dab(from, this.at);
    } else if (event.key === ' ' || event.key === 'Enter') this.dab(this.at);
    else if (event.key === '[' || event.key === ']') {
      size.value = String(Number(size.value) + (event.key === '[' ? -5 : 5));
      this.placeCursor();
    } else if (event.key === 'Escape') this.choose(undefined);
    else return;
    event.preventDefault();
  }

  /** Paints a stroke at once. @param {[number, number][]} points */
  dab(...points) {
    if (!this.mode) return;
    this.stroke = {mode: this.mode, radius: this.radius(), points};
    run(() => this.end());
  }
}
