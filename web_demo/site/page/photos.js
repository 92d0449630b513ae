/**
 * The list of photos: which is shown, which wait, and the ZIP file with the results of all.
 *
 * @typedef {import('../core/alpha-edits.js').Stroke} Stroke
 * @typedef {import('./busy.js').BusySign} BusySign
 * @typedef {import('./edits.js').EditControls} EditControls
 * @typedef {import('./saving.js').Saving} Saving
 * @typedef {import('./worker-client.js').WorkerClient} WorkerClient
 * @typedef {{file: File, strokes: Stroke[], state: string, row: HTMLLIElement}} Photo
 */

import {ZipWriter} from '../core/zip.js';
import {byId, problemOf, run} from './dom.js';
import {resultNames} from './names.js';
import {download} from './saving.js';

const ZIP_NAME = 'mmnet-results.zip';
const NOT_YET = 'not yet cut out';

/** The photos that the user chose, in the order in which they came. The list is shown if there are several. */
export class PhotoList {
  /** @type {Photo[]} */
  photos = [];
  /** @type {Photo | undefined} */
  current;
  /** Whether a ZIP file is being written. */
  writing = false;
  cancelled = false;

  /**
   * @param {WorkerClient} client
   * @param {BusySign} busy
   * @param {EditControls} edits
   * @param {Saving} saving
   * @param {(photo: Photo) => Promise<void>} open mattes a photo and shows it.
   */
  constructor(client, busy, edits, saving, open) {
    this.client = client;
    this.busy = busy;
    this.edits = edits;
    this.saving = saving;
    this.open = open;
    this.list = byId('photos');
  }

  /** Adds photos at the end of the list, and shows the first of them. @param {File[]} files */
  async add(files) {
    // One photo after another is the usual case: the list then holds the latest only.
    if (files.length === 1 && this.photos.length === 1 && !this.writing) this.forget(this.photos[0]);
    const added = files.map((file) => this.entry(file));
    this.photos.push(...added);
    this.list.append(...added.map(({row}) => row));
    this.show();
    await this.open(added[0]);
  }

  /** @param {File} file @returns {Photo} */
  entry(file) {
    const row = document.createElement('li');
    const name = document.createElement('button');
    const state = document.createElement('span');
    const remove = document.createElement('button');
    const photo = {file, strokes: [], state: NOT_YET, row};
    Object.assign(name, {type: 'button', className: 'name', textContent: file.name});
    Object.assign(remove, {type: 'button', className: 'remove', textContent: '×'});
    remove.setAttribute('aria-label', `Remove ${file.name}`);
    state.textContent = photo.state;
    name.addEventListener('click', () => run(() => this.open(photo)));
    remove.addEventListener('click', () => this.remove(photo));
    row.append(name, state, remove);
    return photo;
  }

  /** Marks the photo that is shown. @param {Photo} photo @param {string} state */
  setCurrent(photo, state) {
    this.current = photo;
    this.setState(photo, state);
    for (const {row} of this.photos) row.querySelector('.name')?.removeAttribute('aria-current');
    photo.row.querySelector('.name')?.setAttribute('aria-current', 'true');
  }

  /** @param {Photo} photo @param {string} state */
  setState(photo, state) {
    photo.state = state;
    const text = photo.row.querySelector('span');
    if (text) text.textContent = state;
  }

  /** Removes a photo; the keyboard goes on with its neighbour. @param {Photo} photo */
  remove(photo) {
    const at = this.photos.indexOf(photo);
    this.forget(photo);
    this.show();
    this.busy.say(`${photo.file.name} is removed from the list.`);
    const next = this.photos[Math.min(at, this.photos.length - 1)]?.row.querySelector('.remove');
    if (next instanceof HTMLElement && !byId('list').hidden) next.focus();
    else byId('save').focus();
  }

  /** @param {Photo} photo */
  forget(photo) {
    this.photos = this.photos.filter((other) => other !== photo);
    photo.row.remove();
  }

  /** Removes all photos but the one that is shown. */
  clear() {
    for (const photo of this.photos) if (photo !== this.current) this.forget(photo);
    this.show();
    byId('save').focus();
  }

  show() {
    byId('list').hidden = this.photos.length < 2;
    byId('count').textContent = `${this.photos.length} photos`;
  }

  /**
   * Returns the name of a photo's result. It is that of the ZIP file.
   *
   * @param {Photo} photo it may have been removed from the list
   * @param {import('./names.js').NameEnd} end
   * @returns {string}
   */
  resultName(photo, end) {
    const photos = this.photos.includes(photo) ? this.photos : [photo];
    const names = resultNames(
      photos.map(({file}) => file.name),
      end,
    );
    return names[photos.indexOf(photo)];
  }

  /** Mattes all photos of the list with the background that is selected, and saves them as one ZIP file. */
  async saveAll() {
    if (this.writing) return;
    [this.writing, this.cancelled] = [true, false];
    this.showWriting();
    const photos = [...this.photos];
    const zip = new ZipWriter();
    try {
      await this.saving.background.settled();
      const format = this.saving.format();
      const names = resultNames(
        photos.map(({file}) => file.name),
        this.saving.nameEnd(format),
      );
      for (const [index, photo] of photos.entries()) {
        if (this.cancelled) break;
        this.showProgress(index, photos.length);
        if (this.photos.includes(photo)) await this.write(photo, names[index], zip, format);
      }
    } finally {
      this.writing = false;
      this.showWriting();
    }
    const {length} = zip.entries;
    if (this.cancelled) {
      for (const photo of photos) this.setState(photo, photo === this.current ? 'cut out' : NOT_YET);
      return this.finish('Cancelled. Nothing was saved.');
    }
    if (length === 0) return this.finish('None of the photos could be read.');
    download(zip.finish(), ZIP_NAME);
    this.finish(`Saved ${length} of ${photos.length} photos in ${ZIP_NAME}.`);
  }

  /**
   * Adds the result of one photo to a ZIP file. A photo that cannot be read is marked, and does not stop the others.
   *
   * @param {Photo} photo
   * @param {string} name of its result
   * @param {ZipWriter} zip
   * @param {import('./saving.js').FileFormat} format
   */
  async write(photo, name, zip, format) {
    this.setState(photo, 'working…');
    const {file} = photo;
    try {
      const edits = photo === this.current ? this.edits.edits() : {...this.edits.sharedEdits(), strokes: photo.strokes};
      const {blob, nobody} = await this.client.request('renderPhoto', {blob: file, edits, ...format});
      await zip.add(name, blob);
      this.setState(photo, `${sizeOf(blob.size)}${nobody ? ', nobody found' : ''}`);
    } catch (error) {
      this.setState(photo, problemOf(error));
    }
  }

  /** Stops writing after the photo at work. */
  cancel() {
    this.cancelled = true;
    byId('list-status').textContent = 'Cancelling…';
  }

  showWriting() {
    const focused = document.activeElement;
    byId('save-all').hidden = this.writing;
    byId('clear-list').hidden = this.writing;
    byId('cancel').hidden = !this.writing;
    byId('progress').hidden = !this.writing;
    // A hidden button loses the keyboard's focus.
    if (focused === byId('save-all')) byId('cancel').focus();
    else if (focused === byId('cancel')) byId('save-all').focus();
  }

  /** @param {number} done @param {number} all */
  showProgress(done, all) {
    Object.assign(byId('progress'), {value: done, max: all});
    byId('list-status').textContent = `Photo ${done + 1} of ${all}`;
  }

  /** @param {string} text */
  finish(text) {
    byId('list-status').textContent = text;
    this.busy.say(text);
  }
}

/** @param {number} bytes @returns {string} for example '34 kB' or '1.2 MB' */
function sizeOf(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
