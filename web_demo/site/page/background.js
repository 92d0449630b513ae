/**
 * The choice of the background.
 *
 * @typedef {import('./busy.js').BusySign} BusySign
 * @typedef {import('./worker-client.js').WorkerClient} WorkerClient
 * @typedef {keyof typeof SUFFIXES} Kind
 */

import {byId, inputById, run} from './dom.js';

/** The end of the name of a saved file, for each background. */
const SUFFIXES = {transparent: 'cutout', matte: 'alpha', blur: 'composite', colour: 'composite', image: 'composite'};
const SAMPLE = 'samples/rocket.webp';

/** The background that the user chose. */
export class BackgroundChoice {
  /** @type {Kind} */
  kind = 'transparent';
  /** @type {File | undefined} */
  file;
  /** The request that the worker has not answered yet. @type {Promise<void> | undefined} */
  running;
  /** Whether there was a change after that request. */
  wanted = false;

  /**
   * @param {WorkerClient} client
   * @param {BusySign} busy
   */
  constructor(client, busy) {
    this.client = client;
    this.busy = busy;
    for (const input of document.querySelectorAll('[name=background]')) {
      input.addEventListener('change', () => run(() => this.select(/** @type {any} */ (input).value)));
    }
    byId('colour').addEventListener('input', () => run(() => this.select('colour')));
    for (const swatch of document.querySelectorAll('.swatch')) {
      const {dataset, style} = /** @type {HTMLElement} */ (swatch);
      style.setProperty('--swatch', dataset.colour ?? '');
      swatch.addEventListener('click', () => {
        inputById('colour').value = dataset.colour ?? '';
        run(() => this.select('colour'));
      });
    }
    byId('strength').addEventListener('input', () => run(() => this.select('blur')));
  }

  /** Changes the background. An image of which no file was chosen yet leaves it transparent. @param {Kind} kind */
  async select(kind) {
    byId('colours').hidden = kind !== 'colour';
    byId('background-image').hidden = kind !== 'image';
    byId('blur-strength').hidden = kind !== 'blur';
    this.kind = kind;
    await this.update();
  }

  /** Makes an image file the background. @param {File} file */
  async useFile(file) {
    const background = {kind: 'image', blob: file};
    await this.busy.during(`Reading ${file.name}`, file.name, () => this.client.request('setBackground', {background}));
    this.file = file;
    byId('background-name').textContent = file.name;
    if (this.kind !== 'image')
      await this.update(); // the user selected another one meanwhile
    else this.busy.say(`${file.name} is the background.`);
  }

  /** Makes the sample image the background. */
  async useSample() {
    const blob = await (await fetch(SAMPLE)).blob();
    await this.useFile(new File([blob], 'Rocket launch', {type: blob.type}));
  }

  /** Sends the background to the worker. While it renders one, only the last of the later changes is kept. */
  update() {
    this.wanted = true;
    this.running ??= this.send().finally(() => (this.running = undefined));
    return this.running;
  }

  async send() {
    while (this.wanted) {
      this.wanted = false;
      await this.client.request('setBackground', {background: this.background()});
    }
  }

  /** Waits until the worker has the background. The page has said why it failed, if it did. */
  async settled() {
    await this.running?.catch(() => {});
  }

  /** @returns {Kind} what is shown and saved as the background. */
  shown() {
    return this.kind === 'image' && !this.file ? 'transparent' : this.kind;
  }

  /** @returns {string} the end of the name of a file with this background */
  suffix() {
    return SUFFIXES[this.shown()];
  }

  /** Returns the background, as the worker's `setBackground` takes it. */
  background() {
    const kind = this.shown();
    if (kind === 'image') return {kind, blob: this.file};
    if (kind === 'blur') return {kind, strength: 2 ** Number(inputById('strength').value)};
    if (kind !== 'colour') return {kind};
    const value = Number.parseInt(inputById('colour').value.slice(1), 16);
    return {kind, colour: [value >> 16, (value >> 8) & 255, value & 255]};
  }
}
