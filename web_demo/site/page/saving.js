/**
 * Saving, copying and sharing of the result.
 *
 * @typedef {import('../engine/encoding.js').FileFormat} FileFormat
 * @typedef {import('./background.js').BackgroundChoice} BackgroundChoice
 * @typedef {import('./busy.js').BusySign} BusySign
 * @typedef {import('./names.js').NameEnd} NameEnd
 * @typedef {import('./worker-client.js').WorkerClient} WorkerClient
 */

import {UserError} from '../engine/errors.js';
import {byId, inputById} from './dom.js';

const PNG = /** @type {FileFormat} */ ({format: 'png', quality: 1});
const ENDINGS = {png: 'png', webp: 'webp', jpeg: 'jpg'};
const NAMES = {png: 'PNG', webp: 'WebP', jpeg: 'JPEG'};

/** What the user can do with the result. */
export class Saving {
  /** Returns the name of the result of what is shown. @type {(end: NameEnd) => string} */
  name = cameraName;

  /**
   * @param {WorkerClient} client
   * @param {BusySign} busy
   * @param {BackgroundChoice} background
   */
  constructor(client, busy, background) {
    this.client = client;
    this.busy = busy;
    this.background = background;
    byId('format').addEventListener('change', () => this.showFormat());
    byId('quality').addEventListener('input', () => this.showFormat());
    const probe = new File([], 'probe.png', {type: 'image/png'});
    byId('share').hidden = !navigator.canShare?.({files: [probe]});
    this.showFormat(); // browsers keep choices when a page is loaded again
  }

  /** @returns {FileFormat} that the user chose */
  format() {
    return {format: /** @type {any} */ (inputById('format').value), quality: Number(inputById('quality').value) / 100};
  }

  /** Shows the settings of the format. */
  showFormat() {
    const {format} = this.format();
    byId('save').textContent = `Save ${NAMES[format]}`;
    byId('quality-setting').hidden = format === 'png';
    byId('quality-value').textContent = inputById('quality').value;
    byId('no-alpha').hidden = format !== 'jpeg';
  }

  /** @param {FileFormat} format @returns {NameEnd} what the name of a result ends in */
  nameEnd({format}) {
    return {suffix: this.background.suffix(), ending: ENDINGS[format]};
  }

  /** Saves the result as a file of the image's own size. */
  async save() {
    const {blob, name} = await this.busy.during('Saving', 'saving', () => this.render(this.format()));
    download(blob, name);
    this.busy.say(`Saved ${name}.`);
  }

  /** Copies the result to the clipboard, as a PNG file of the image's own size. */
  async copy() {
    if (!navigator.clipboard || !self.ClipboardItem) {
      throw new UserError(
        'Browsers allow copying only over HTTPS, or on pages of this machine itself. Save the image.',
      );
    }
    const file = this.busy.during('Copying', 'copying', () => this.render(PNG)).then(({blob}) => blob);
    try {
      // Safari needs the promise: when the file is ready, the click would be too long ago.
      await navigator.clipboard.write([new ClipboardItem({'image/png': file})]);
    } catch {
      await file; // what failed may be the file
      throw new UserError('The browser did not allow the page to copy. Save the image instead.');
    }
    this.busy.say('Copied.');
  }

  /** Hands the result to another app. */
  async share() {
    const {blob, name} = await this.busy.during('Preparing to share', 'sharing', () => this.render(this.format()));
    try {
      await navigator.share({files: [new File([blob], name, {type: blob.type})]});
      this.busy.say(`Shared ${name}.`);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return; // the user changed their mind
      throw new UserError('The browser did not allow the page to share. Save the image instead.');
    }
  }

  /**
   * Renders the result at the image's own size, when the selected background is in place.
   *
   * @param {FileFormat} format
   * @returns {Promise<{blob: Blob, name: string}>}
   */
  async render(format) {
    await this.background.settled();
    const name = this.name(this.nameEnd(format));
    const {blob} = await this.client.request('save', format);
    return {blob, name};
  }
}

/** @param {NameEnd} end @returns {string} name of the result of a camera frame */
export function cameraName({suffix, ending}) {
  return `camera-${suffix}.${ending}`;
}

/** Lets the browser save a file. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const link = document.createElement('a');
  link.download = name;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
