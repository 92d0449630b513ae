/**
 * The state of one page in the worker: the model, the current image, its alpha and the background. The page's requests
 * are methods of `Session`.
 *
 * @typedef {import('./core/fit.js').Rectangle} Rectangle
 * @typedef {import('./core/image-core.js').AlphaPart} AlphaPart
 * @typedef {import('./images.js').Image} Image
 * @typedef {import('./renderer.js').Background} Background
 * @typedef {{read: number, preprocess: number, network: number, composite: number}} Timings in milliseconds
 * @typedef {{width: number, height: number, seen: Rectangle[], nobody: boolean, timings: Timings}} MatteResult size of the
 *   image in pixels, the parts of it that the model saw, whether nobody was found in it, and its timings
 * @typedef {{message: object, transfer?: Transferable[]}} Response
 */

import {findCrops} from './core/framing.js';
import {ImageCore, limitSides} from './core/image-core.js';
import {encodePng} from './core/png.js';
import {highestConfidence, isNobody} from './core/presence.js';
import {CropTracker} from './core/tracking.js';
import {compileCore, Core} from './core/wasm.js';
import {UserError} from './errors.js';
import {decode, FrameReader} from './images.js';
import {MattingModel} from './model.js';
import {render} from './renderer.js';

const REQUESTS = ['start', 'mattePhoto', 'matteFrame', 'setBackground', 'compare', 'measure', 'save'];
const PAUSE = 1000; // milliseconds without a camera frame after which the next one begins another video
const PREVIEW_SIDE = 2048; // limit in pixels of the longer side of what is shown; the saved file has the image's size

/** The session of one page. */
export class Session {
  /** @type {Background} */
  background = {kind: 'transparent'};
  /** The current image at its own size. @type {ImageCore | undefined} */
  image;
  /** The current image as it is shown, with at most PREVIEW_SIDE pixels per side. @type {ImageCore | undefined} */
  preview;
  /** The parts of the current image that the model saw, and what it computed of them. @type {AlphaPart[]} */
  parts = [];
  /** Whether the canvas shows the image as it is, for comparison. */
  comparing = false;
  /** The compiled core. @type {WebAssembly.Module | undefined} */
  core;
  /** The crop that follows the people in the camera's frames. @type {CropTracker | undefined} */
  tracker;
  /** The time of the latest camera frame, in milliseconds. */
  lastFrame = 0;
  frames = new FrameReader();

  /**
   * Handles one request of the page.
   *
   * @param {any} data the request; `kind` is the name of the method, the other members are its arguments.
   * @returns {Promise<Response>}
   * @throws {TypeError} there is no such request.
   */
  async handle(data) {
    if (!REQUESTS.includes(data.kind)) throw new TypeError(`unknown request '${data.kind}'`);
    return (await /** @type {any} */ (this)[data.kind](data)) ?? {message: {}};
  }

  /**
   * Loads the model and runs it once.
   *
   * @param {{canvas: OffscreenCanvas, build: 'threaded' | 'compat', threads: number}} data
   * @returns {Promise<Response>} `size`, the side of the model's input; `milliseconds`, the time that loading took.
   */
  async start({canvas, build, threads}) {
    const context = canvas.getContext('2d');
    if (!context) throw new UserError('Your browser provides no canvas to draw on.');
    this.screen = context;
    const began = performance.now();
    this.core = await compileCore();
    this.model = await MattingModel.load(new URL('./model.tflite', import.meta.url), build, threads);
    await this.model.run(new Uint8Array(3 * this.model.size ** 2)); // the first run is slower than all later ones
    return {message: {size: this.model.size, milliseconds: performance.now() - began}};
  }

  /**
   * Mattes a photo and shows the result.
   *
   * @param {{blob: Blob}} data
   * @returns {Promise<{message: MatteResult}>}
   */
  async mattePhoto({blob}) {
    const began = performance.now();
    this.tracker = undefined;
    return {message: await this.matte(await decode(blob), began)};
  }

  /**
   * Mattes a camera frame and shows the result.
   *
   * @param {{bitmap: ImageBitmap, mirrored: boolean}} data
   * @returns {Promise<{message: MatteResult}>}
   */
  async matteFrame({bitmap, mirrored}) {
    const began = performance.now();
    if (!this.tracker || began - this.lastFrame > PAUSE) this.tracker = this.createTracker();
    const message = await this.matte(this.frames.read(bitmap), began, this.tracker, mirrored);
    this.lastFrame = performance.now();
    return {message};
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
   * Mattes the current image again and again, without reading it again.
   *
   * @param {{runs: number}} data
   * @returns {Promise<{message: {timings: Timings[]}}>} one `Timings` per run
   */
  async measure({runs}) {
    if (!this.image) throw new UserError('There is no image to measure with. Choose a photo first.');
    /** @type {Timings[]} */
    const timings = [];
    for (let run = 0; run < runs; run++) timings.push(await this.compute(this.image, performance.now()));
    return {message: {timings}};
  }

  /**
   * Renders the result at the image's own size.
   *
   * @returns {Promise<{message: {blob: Blob}}>} a PNG file; that of a matte has one channel.
   */
  async save() {
    const {image, preview} = this;
    if (!image || !preview) throw new UserError('There is no image to save. Choose a photo first.');
    if (image !== preview) this.computeAlpha(image);
    const {height, width} = image;
    if (this.background.kind === 'matte') {
      return {message: {blob: await encodePng(image.alphaBytes(), height, width, 1)}};
    }
    return {message: {blob: await encodePng(render(image, this.background), height, width)}};
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
    this.image = this.imageOf(this.image, height, width);
    this.image.read(pixels, mirrored);
    const [h, w] = limitSides(height, width, PREVIEW_SIDE);
    if (h === height && w === width) {
      this.preview = this.image;
    } else {
      this.preview = this.imageOf(this.preview === this.image ? undefined : this.preview, h, w);
      this.preview.readScaled(this.image);
    }
    const read = performance.now() - began;
    const timings = await this.compute(this.image, performance.now(), tracker);
    const alphas = this.parts.map(({modelAlpha}) => modelAlpha);
    const nobody = isNobody(highestConfidence(alphas, this.loadedModel().size));
    return {width, height, seen: this.parts.map(({seen}) => seen), nobody, timings: {...timings, read}};
  }

  /**
   * Computes the alpha of the current image, and shows the image with it. A photo in which people fill little is seen
   * again, in a crop for each group of people.
   *
   * @param {ImageCore} image
   * @param {number} start time at which preprocessing began, in milliseconds
   * @param {CropTracker} [tracker] of the video that the image is the next frame of; a photo has none.
   * @returns {Promise<Timings>} `read` is 0.
   */
  async compute(image, start, tracker) {
    const timings = {read: 0, preprocess: 0, network: 0, composite: 0};
    let now = start;
    const pass = async (/** @type {Rectangle} */ seen) => {
      const input = image.prepare(seen);
      const preprocessed = performance.now();
      const modelAlpha = await this.loadedModel().run(input);
      timings.preprocess += preprocessed - now;
      now = performance.now();
      timings.network += now - preprocessed;
      return {seen, input, modelAlpha};
    };
    this.parts = tracker ? [await this.seeFrame(image, tracker, pass)] : await this.seePhoto(image, pass);
    if (this.preview) this.computeAlpha(this.preview);
    this.show();
    timings.composite = performance.now() - now;
    return timings;
  }

  /**
   * Runs the model on a photo, and on its crops if it has some.
   *
   * @param {ImageCore} photo
   * @param {(seen: Rectangle) => Promise<AlphaPart>} pass runs the model on a part of the photo.
   * @returns {Promise<AlphaPart[]>} what its alpha is made of: the whole photo, or the crops.
   */
  async seePhoto({height, width}, pass) {
    const whole = {top: 0, left: 0, height, width};
    const first = await pass(whole);
    const crops = findCrops(first.modelAlpha, this.loadedModel().size, whole);
    if (crops.length === 0) return [first];
    const parts = [];
    for (const crop of crops) parts.push(await pass(crop));
    return parts;
  }

  /**
   * Runs the model on the crop of a frame that follows the people.
   *
   * @param {ImageCore} frame
   * @param {CropTracker} tracker of the video
   * @param {(seen: Rectangle) => Promise<AlphaPart>} pass runs the model on a part of the frame.
   * @returns {Promise<AlphaPart>} what its alpha is made of.
   */
  async seeFrame({height, width}, tracker, pass) {
    const first = await pass(tracker.start(height, width));
    const crop = tracker.refine(first.modelAlpha);
    const last = crop ? await pass(crop) : first;
    tracker.finish(last.modelAlpha);
    return last;
  }

  /**
   * Computes the alpha of the current image at the size of `target`.
   *
   * @param {ImageCore} target the current image, or its preview
   */
  computeAlpha(target) {
    const {image, parts} = this;
    if (!image || parts.length === 0) throw new Error('the model did not run');
    const shrink = (/** @type {AlphaPart} */ part) => ({...part, seen: shrinkRectangle(part.seen, image, target)});
    target.computeAlpha(target === image ? parts : parts.map(shrink));
  }

  /** Renders the preview on the page's canvas. */
  show() {
    const {preview, parts, screen, comparing} = this;
    if (!preview || parts.length === 0 || !screen) return;
    const {height, width} = preview;
    if (screen.canvas.width !== width || screen.canvas.height !== height) {
      Object.assign(screen.canvas, {width, height});
    }
    const pixels = comparing ? preview.original() : render(preview, this.background);
    screen.putImageData(new ImageData(pixels, width, height), 0, 0);
  }

  /**
   * Returns the buffers for images of one size.
   *
   * @param {ImageCore | undefined} last buffers that are used again if they have this size
   * @param {number} height
   * @param {number} width
   * @returns {ImageCore}
   */
  imageOf(last, height, width) {
    if (last?.height === height && last.width === width) return last;
    if (!this.core) throw new Error('the core is not loaded');
    try {
      return new ImageCore(new Core(this.core), height, width, this.loadedModel().size);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UserError('Your browser has no memory left for this image. Close other tabs and try again.');
    }
  }

  /** @returns {CropTracker} for a new video */
  createTracker() {
    return new CropTracker(this.loadedModel().size);
  }

  /** @returns {MattingModel} */
  loadedModel() {
    if (!this.model) throw new Error('the model is not loaded');
    return this.model;
  }
}

/**
 * Returns the pixels of a smaller image that a rectangle of an image covers, in part at its edges.
 *
 * @param {Rectangle} rectangle
 * @param {{height: number, width: number}} image
 * @param {{height: number, width: number}} small
 * @returns {Rectangle}
 */
function shrinkRectangle({top, left, height, width}, image, small) {
  const first = [Math.floor((top * small.height) / image.height), Math.floor((left * small.width) / image.width)];
  const bottom = Math.ceil(((top + height) * small.height) / image.height);
  const right = Math.ceil(((left + width) * small.width) / image.width);
  return {top: first[0], left: first[1], height: bottom - first[0], width: right - first[1]};
}
