/**
 * The state of one page in the worker: the model, the current image, its alpha, its edits and the background. The page's
 * requests are methods of `Session`.
 *
 * @typedef {import('../core/fit.js').Rectangle} Rectangle
 * @typedef {import('../core/image-core.js').ImageCore} ImageCore
 * @typedef {import('../core/image-core.js').AlphaPart} AlphaPart
 * @typedef {import('../core/alpha-edits.js').Edits} Edits
 * @typedef {import('../core/alpha-edits.js').Stroke} Stroke
 * @typedef {import('../core/tracking.js').CropTracker} CropTracker
 * @typedef {import('./encoding.js').FileFormat} FileFormat
 * @typedef {import('./images.js').Image} Image
 * @typedef {import('./matter.js').Timings} Timings
 * @typedef {import('./renderer.js').Background} Background
 * @typedef {{width: number, height: number, seen: Rectangle[], nobody: boolean, timings: Timings}} MatteResult size of the
 *   image in pixels, the parts of it that the model saw, whether nobody was found in it, and its timings
 * @typedef {{message: object, transfer?: Transferable[]}} Response
 */

import {applyEdits, isEdited, NO_EDITS, paint} from '../core/alpha-edits.js';
import {limitSides} from '../core/image-core.js';
import {compileCore} from '../core/wasm.js';
import {encode} from './encoding.js';
import {UserError} from './errors.js';
import {decode, FrameReader} from './images.js';
import {loadWithProgress} from './loading.js';
import {computeAlpha, Matter} from './matter.js';
import {loadRuntime, MattingModel, wasmName} from './model.js';
import {render} from './renderer.js';

const REQUESTS = [
  'start',
  'probe',
  'loadModel',
  'mattePhoto',
  'matteFrame',
  'renderPhoto',
  'setBackground',
  'setEdits',
  'paint',
  'compare',
  'split',
  'measure',
  'save',
];
const SITE = new URL('../', import.meta.url);
const CORE = 'core/core.wasm';
const MODEL = 'model.tflite';
const PAUSE = 1000; // milliseconds without a camera frame after which the next one begins another video
const PREVIEW_SIDE = 2048; // limit in pixels of the longer side of what is shown; the saved file has the image's size

/** The session of one page. */
export class Session {
  /** @type {Background} */
  background = {kind: 'transparent'};
  /** @type {Edits} */
  edits = NO_EDITS;
  /** The current image at its own size. @type {ImageCore | undefined} */
  image;
  /** The current image as it is shown, with at most PREVIEW_SIDE pixels per side. @type {ImageCore | undefined} */
  preview;
  /** The alpha of the preview without edits, once there are edits. @type {Uint8Array | undefined} */
  unedited;
  /** The parts of the current image that the model saw, and what it computed of them. @type {AlphaPart[]} */
  parts = [];
  /** Whether the canvas shows the image as it is, for comparison. */
  comparing = false;
  /** Whether the second canvas shows the image as it is. */
  splitting = false;
  /** @type {Matter | undefined} */
  matter;
  /** The crop that follows the people in the camera's frames. @type {CropTracker | undefined} */
  tracker;
  /** The time of the latest camera frame, in milliseconds. */
  lastFrame = 0;
  frames = new FrameReader();
  threads = 1;
  /** The canvas of the result. @type {OffscreenCanvasRenderingContext2D | undefined} */
  screen;
  /** The canvas of the image as it is. @type {OffscreenCanvasRenderingContext2D | undefined} */
  originalScreen;

  /**
   * Handles one request of the page.
   *
   * @param {any} data the request; `kind` is the name of the method, the other members are its arguments.
   * @param {(note: any) => void} [notify] sends the page a note before the response.
   * @returns {Promise<Response>}
   * @throws {TypeError} there is no such request.
   */
  async handle(data, notify = () => {}) {
    if (!REQUESTS.includes(data.kind)) throw new TypeError(`unknown request '${data.kind}'`);
    return (await /** @type {any} */ (this)[data.kind](data, notify)) ?? {message: {}};
  }

  /**
   * Loads the model and runs it once.
   *
   * @param {{canvas: OffscreenCanvas, original: OffscreenCanvas, build: 'threaded' | 'compat', threads: number,
   *   progress: boolean}} data canvases of the result, and of the image as it is; whether to report the progress.
   * @param {(percent: number) => void} notify called with the percentage of the files that has come.
   * @returns {Promise<Response>} `size`, the side of the model's input; `milliseconds`, the time that loading took.
   */
  async start({canvas, original, build, threads, progress}, notify) {
    const [screen, originalScreen] = [canvas.getContext('2d'), original.getContext('2d')];
    if (!screen || !originalScreen) throw new UserError('Your browser provides no canvas to draw on.');
    [this.screen, this.originalScreen, this.threads] = [screen, originalScreen, threads];
    const began = performance.now();
    const files = [`litert/${wasmName(build)}`, CORE, MODEL];
    const load = progress ? await loadWithProgress(SITE, files, notify) : undefined;
    const [core, model] = await Promise.all([
      compileCore(new URL(CORE, SITE), load),
      fetchModel(load),
      loadRuntime(build, {load}),
    ]);
    this.core = core;
    this.matter = new Matter(await this.compile(model), core);
    return {message: {size: this.matter.size, milliseconds: performance.now() - began}};
  }

  /**
   * Tries a model in a worker that has nothing to lose: a broken file can end LiteRT.js.
   *
   * @param {{blob: Blob, build: 'threaded' | 'compat', threads: number}} data
   */
  async probe({blob, build, threads}) {
    this.threads = threads;
    const bytes = await bytesOf(blob);
    await loadRuntime(build);
    await this.compile(bytes);
  }

  /**
   * Changes the model, and mattes the current image again.
   *
   * @param {{blob?: Blob}} data a .tflite file; without it, the model that the page came with.
   * @returns {Promise<Response>} `size`, the side of the model's input; `result`, of the current image, if there is one.
   */
  async loadModel({blob}) {
    const model = await this.compile(blob ? await bytesOf(blob) : await fetchModel());
    const {image, core} = this;
    if (!core) throw new Error('the core is not loaded');
    this.matter?.model.delete();
    this.matter = new Matter(model, core);
    this.tracker = undefined;
    if (!image) return {message: {size: model.size}};
    const {height, width} = image;
    const result = await this.matte({pixels: image.original(), height, width}, performance.now());
    return {message: {size: model.size, result}};
  }

  /** @param {Uint8Array} bytes of a .tflite file @returns {Promise<MattingModel>} which has run once */
  async compile(bytes) {
    const model = await MattingModel.compile(bytes, this.threads);
    await model.run(new Uint8Array(3 * model.size ** 2)); // the first run is slower than all later ones
    return model;
  }

  /**
   * Mattes a photo and shows the result.
   *
   * @param {{blob: Blob, edits?: Edits}} data
   * @returns {Promise<{message: MatteResult}>}
   */
  async mattePhoto({blob, edits = NO_EDITS}) {
    const began = performance.now();
    const image = await decode(blob);
    this.tracker = undefined;
    this.edits = edits;
    return {message: await this.matte(image, began)};
  }

  /**
   * Mattes a camera frame and shows the result.
   *
   * @param {{bitmap: ImageBitmap, mirrored: boolean}} data
   * @returns {Promise<{message: MatteResult}>}
   */
  async matteFrame({bitmap, mirrored}) {
    const began = performance.now();
    if (!this.tracker || began - this.lastFrame > PAUSE) this.tracker = this.loadedMatter().createTracker();
    const message = await this.matte(this.frames.read(bitmap), began, this.tracker, mirrored);
    this.lastFrame = performance.now();
    return {message};
  }

  /**
   * Mattes a photo and encodes the result, beside the current image, which stays.
   *
   * @param {{blob: Blob, edits: Edits} & FileFormat} data
   * @returns {Promise<{message: {blob: Blob, nobody: boolean}}>}
   */
  async renderPhoto({blob, edits, ...format}) {
    const matter = this.loadedMatter();
    const {pixels, height, width} = await decode(blob);
    const image = matter.imageOf(undefined, height, width);
    image.read(pixels);
    const parts = await matter.see(image);
    computeAlpha(image, image, parts);
    edit(image, edits);
    return {message: {blob: await encode(image, this.background, format), nobody: matter.foundNobody(parts)}};
  }

  /**
   * Changes the background and shows the current image with it.
   *
   * @param {{background: any}} data a `Background`, with the file (`blob`) of a background image instead of its pixels.
   */
  async setBackground({background}) {
    const blob = background.kind === 'image' ? background.blob : undefined;
    this.background = blob ? {kind: 'image', image: await decode(blob)} : background;
    if (this.preview) this.show();
  }

  /** Changes the edits and shows the current image with them. @param {{edits: Edits}} data */
  async setEdits({edits}) {
    this.edits = edits;
    if (!this.preview || this.parts.length === 0) return;
    this.editPreview();
    this.show();
  }

  /**
   * Shows a part of a stroke on top of the edits. `setEdits` follows when the stroke has ended.
   *
   * @param {{stroke: Stroke}} data
   */
  async paint({stroke}) {
    const {preview} = this;
    if (!preview || this.parts.length === 0) return;
    this.unedited ??= preview.alphaBytes();
    const alpha = preview.alphaBytes();
    paint(alpha, preview, stroke);
    preview.setAlpha(alpha);
    this.show();
  }

  /**
   * Shows the current image as it is, or again with its background replaced.
   *
   * @param {{original: boolean}} data
   */
  async compare({original}) {
    this.comparing = original;
    this.show();
  }

  /**
   * Shows the current image as it is on the second canvas, until it is switched off.
   *
   * @param {{on: boolean}} data
   */
  async split({on}) {
    this.splitting = on;
    if (on) this.showOriginal();
  }

  /**
   * Mattes the current image again and again, without reading it again.
   *
   * @param {{runs: number}} data
   * @returns {Promise<{message: {timings: Timings[]}}>} one `Timings` per run
   */
  async measure({runs}) {
    if (!this.image) throw new UserError('There is no image to measure with. Choose a photo first.');
    /** @type {Timings[]} */
    const timings = [];
    for (let run = 0; run < runs; run++) timings.push(await this.compute(this.image));
    return {message: {timings}};
  }

  /**
   * Renders the result at the image's own size.
   *
   * @param {FileFormat} format
   * @returns {Promise<{message: {blob: Blob}}>}
   */
  async save({format, quality}) {
    const {image, preview} = this;
    if (!image || !preview) throw new UserError('There is no image to save. Choose a photo first.');
    if (image !== preview) {
      computeAlpha(image, image, this.parts);
      edit(image, this.edits);
    }
    return {message: {blob: await encode(image, this.background, {format, quality})}};
  }

  /**
   * Makes an image the current one, computes its alpha and shows it.
   *
   * @param {Image} image
   * @param {number} began time at which reading the image began, in milliseconds (`performance.now`)
   * @param {CropTracker} [tracker] of the video that the image is the next frame of; a photo has none.
   * @param {boolean} [mirrored] whether the image is flipped left to right, as users expect of a front camera.
   * @returns {Promise<MatteResult>}
   */
  async matte({pixels, height, width}, began, tracker, mirrored = false) {
    const matter = this.loadedMatter();
    const last = this.preview === this.image ? undefined : this.preview;
    this.image = matter.imageOf(this.image, height, width);
    this.image.read(pixels, mirrored);
    const [h, w] = limitSides(height, width, PREVIEW_SIDE);
    if (h === height && w === width) {
      this.preview = this.image;
    } else {
      this.preview = matter.imageOf(last, h, w);
      this.preview.readScaled(this.image);
    }
    const read = performance.now() - began;
    const timings = await this.compute(this.image, tracker);
    if (this.splitting) this.showOriginal();
    const nobody = matter.foundNobody(this.parts);
    return {width, height, seen: this.parts.map(({seen}) => seen), nobody, timings: {...timings, read}};
  }

  /**
   * Computes the alpha of the current image, and shows the image with it.
   *
   * @param {ImageCore} image
   * @param {CropTracker} [tracker] of the video that the image is the next frame of; a photo has none.
   * @returns {Promise<Timings>} `read` is 0.
   */
  async compute(image, tracker) {
    const timings = {read: 0, preprocess: 0, network: 0, composite: 0};
    this.parts = await this.loadedMatter().see(image, tracker, timings);
    const began = performance.now();
    this.unedited = undefined;
    if (this.preview) computeAlpha(this.preview, image, this.parts);
    if (isEdited(this.edits)) this.editPreview();
    this.show();
    timings.composite += performance.now() - began;
    return timings;
  }

  /** Applies the edits to the alpha of the preview. */
  editPreview() {
    const {preview} = this;
    if (!preview) return;
    const unedited = (this.unedited ??= preview.alphaBytes());
    preview.setAlpha(unedited);
    edit(preview, this.edits);
  }

  /** Renders the preview on the page's canvas. */
  show() {
    const {preview, parts, screen, comparing} = this;
    if (!preview || parts.length === 0 || !screen) return;
    draw(screen, comparing ? preview.original() : render(preview, this.background), preview);
  }

  /** Draws the current image as it is on the second canvas. */
  showOriginal() {
    const {preview, originalScreen} = this;
    if (preview && originalScreen) draw(originalScreen, preview.original(), preview);
  }

  /** @returns {Matter} */
  loadedMatter() {
    if (!this.matter) throw new Error('the model is not loaded');
    return this.matter;
  }
}

/**
 * @param {import('./loading.js').Load} [load] fetches it.
 * @returns {Promise<Uint8Array>} the model that the page came with
 */
async function fetchModel(load = fetch) {
  const response = await load(new URL(MODEL, SITE));
  if (!response.ok) {
    throw new UserError(`The model could not be loaded (HTTP status ${response.status}). Reload the page.`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** @param {Blob} blob @returns {Promise<Uint8Array>} */
async function bytesOf(blob) {
  return new Uint8Array(await blob.arrayBuffer());
}

/** Applies edits to the alpha of an image. @param {ImageCore} image @param {Edits} edits */
function edit(image, edits) {
  if (!isEdited(edits)) return;
  const alpha = image.alphaBytes();
  applyEdits(alpha, image, edits);
  image.setAlpha(alpha);
}

/**
 * Draws pixels on a canvas, which gets their size.
 *
 * @param {OffscreenCanvasRenderingContext2D} screen
 * @param {Uint8ClampedArray<ArrayBuffer>} pixels RGBA
 * @param {{height: number, width: number}} size
 */
function draw(screen, pixels, {height, width}) {
  if (screen.canvas.width !== width || screen.canvas.height !== height) Object.assign(screen.canvas, {width, height});
  screen.putImageData(new ImageData(pixels, width, height), 0, 0);
}
