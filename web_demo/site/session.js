/**
 * The state of one page in the worker: the model, the current image, its alpha and the background. The page's requests
 * are methods of `Session`.
 *
 * @typedef {import('./core/fit.js').Rectangle} Rectangle
 * @typedef {import('./images.js').Image} Image
 * @typedef {import('./renderer.js').AlphaPart} AlphaPart
 * @typedef {import('./renderer.js').Background} Background
 * @typedef {{read: number, preprocess: number, network: number, composite: number}} Timings in milliseconds
 * @typedef {{width: number, height: number, seen: Rectangle[], nobody: boolean, timings: Timings}} MatteResult size of the
 *   image in pixels, the parts of it that the model saw, whether nobody was found in it, and its timings
 * @typedef {{message: object, transfer?: Transferable[]}} Response
 */

import {inscribe, placeCrop} from './core/fit.js';
import {encodePng} from './core/png.js';
import {findCrops} from './core/framing.js';
import {InputScaler} from './core/preprocess.js';
import {highestConfidence, isNobody} from './core/presence.js';
import {Resampler} from './core/resample.js';
import {CropTracker, isSame} from './core/tracking.js';
import {UserError} from './errors.js';
import {decode, FrameReader} from './images.js';
import {MattingModel} from './model.js';
import {Renderer} from './renderer.js';

const REQUESTS = ['start', 'mattePhoto', 'matteFrame', 'setBackground', 'measure', 'save'];
const PAUSE = 1000; // milliseconds without a camera frame after which the next one begins another video
const SCALINGS = 5; // scalings that are kept: those of a photo and of the most crops that it can have
const PREVIEW_SIDE = 2048; // limit in pixels of the longer side of what is shown; the saved file has the image's size

/** The session of one page. */
export class Session {
  /** @type {Background} */
  background = {kind: 'transparent'};
  /** The current image at its own size. @type {Image | undefined} */
  image;
  /** The current image as it is shown, with at most PREVIEW_SIDE pixels per side. @type {Image | undefined} */
  preview;
  /** The parts of the current image that the model saw, and their alphas. @type {AlphaPart[]} */
  parts = [];
  /** The renderer of the preview. @type {Renderer | undefined} */
  renderer;
  /** The latest scalings: of whole images and of crops. @type {{seen: Rectangle, stride: number, scaler: InputScaler}[]} */
  scalings = [];
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
    const message = await this.matte(this.frames.read(bitmap, mirrored), began, this.tracker);
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
   * Renders what is shown at the image's own size.
   *
   * @returns {Promise<{message: {blob: Blob}}>} a PNG file
   */
  async save() {
    const {image, parts} = this;
    if (!image || parts.length === 0) throw new UserError('There is no image to save. Choose a photo first.');
    const {height, width} = image;
    const pixels = this.createRenderer(image).render(image, parts, this.background);
    return {message: {blob: await encodePng(pixels, height, width)}};
  }

  /**
   * Makes an image the current one, computes its alpha and shows it.
   *
   * @param {Image} image
   * @param {number} began time at which reading the image began, in milliseconds (`performance.now`)
   * @param {CropTracker} [tracker] of the video that the image is the next frame of; a photo has none.
   * @returns {Promise<MatteResult>}
   */
  async matte(image, began, tracker) {
    const read = performance.now() - began;
    this.image = image;
    this.preview = shrinkToPreview(image);
    const timings = await this.compute(image, performance.now(), tracker);
    const {width, height} = image;
    const alphas = this.parts.map(({modelAlpha}) => modelAlpha);
    const nobody = isNobody(highestConfidence(alphas, this.loadedModel().size));
    return {width, height, seen: this.parts.map(({seen}) => seen), nobody, timings: {...timings, read}};
  }

  /**
   * Computes the alpha of the current image and shows the image with it. A photo in which people fill little is seen
   * again, in a crop for each group of people.
   *
   * @param {Image} image
   * @param {number} start time at which preprocessing began, in milliseconds
   * @param {CropTracker} [tracker] of the video that the image is the next frame of; a photo has none.
   * @returns {Promise<Timings>} `read` is 0.
   */
  async compute(image, start, tracker) {
    const timings = {read: 0, preprocess: 0, network: 0, composite: 0};
    let now = start;
    const pass = async (/** @type {Rectangle} */ seen) => {
      const input = this.prepare(image, seen);
      const preprocessed = performance.now();
      const modelAlpha = await this.loadedModel().run(input);
      timings.preprocess += preprocessed - now;
      now = performance.now();
      timings.network += now - preprocessed;
      return {seen, modelAlpha};
    };
    this.parts = tracker ? [await this.computeFrame(image, tracker, pass)] : await this.computePhoto(image, pass);
    this.show();
    timings.composite = performance.now() - now;
    return timings;
  }

  /**
   * Computes the alpha of a photo.
   *
   * @param {Image} photo
   * @param {(seen: Rectangle) => Promise<AlphaPart>} pass runs the model on a part of it.
   * @returns {Promise<AlphaPart[]>} the whole photo, or its crops.
   */
  async computePhoto({height, width}, pass) {
    const whole = {top: 0, left: 0, height, width};
    const first = await pass(whole);
    const crops = findCrops(first.modelAlpha, this.loadedModel().size, whole);
    if (crops.length === 0) return [first];
    const parts = [];
    for (const crop of crops) parts.push(await pass(crop));
    return parts;
  }

  /**
   * Computes the alpha of a frame of a video.
   *
   * @param {Image} frame
   * @param {CropTracker} tracker of the video
   * @param {(seen: Rectangle) => Promise<AlphaPart>} pass runs the model on a part of it.
   * @returns {Promise<AlphaPart>}
   */
  async computeFrame({height, width}, tracker, pass) {
    const first = await pass(tracker.start(height, width));
    const crop = tracker.refine(first.modelAlpha);
    const last = crop ? await pass(crop) : first;
    tracker.finish(last.modelAlpha);
    return last;
  }

  /**
   * Returns the model's input for a part of an image.
   *
   * @param {Image} image
   * @param {Rectangle} seen
   * @returns {Uint8Array} 3 · size · size bytes, RGB
   */
  prepare({pixels, height, width}, seen) {
    const {size} = this.loadedModel();
    let scaling = this.scalings.find((one) => one.stride === width && isSame(one.seen, seen));
    if (!scaling) {
      scaling = {seen, stride: width, scaler: new InputScaler(height, width, size, placeCrop(seen, size))};
      this.scalings = [scaling, ...this.scalings].slice(0, SCALINGS);
    }
    const input = new Uint8Array(3 * size ** 2);
    scaling.scaler.run(pixels, input);
    return input;
  }

  /** Renders the preview on the page's canvas. */
  show() {
    const {image, preview, screen} = this;
    if (!image || !preview || !screen || this.parts.length === 0) return;
    const {height, width} = preview;
    if (this.renderer?.height !== height || this.renderer.width !== width) {
      this.renderer = this.createRenderer(preview);
    }
    if (screen.canvas.width !== width || screen.canvas.height !== height) {
      Object.assign(screen.canvas, {width, height});
    }
    const parts = this.parts.map(({seen, modelAlpha}) => ({
      seen: image === preview ? seen : shrinkRectangle(seen, image, preview),
      modelAlpha,
    }));
    const rendered = this.renderer.render(preview, parts, this.background);
    screen.putImageData(new ImageData(rendered, width, height), 0, 0);
  }

  /** @param {Image} image @returns {Renderer} for images of this size */
  createRenderer({height, width}) {
    return new Renderer(height, width, this.loadedModel().size);
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
 * @param {Image} image
 * @param {Image} small
 * @returns {Rectangle}
 */
function shrinkRectangle({top, left, height, width}, image, small) {
  const first = [Math.floor((top * small.height) / image.height), Math.floor((left * small.width) / image.width)];
  const bottom = Math.ceil(((top + height) * small.height) / image.height);
  const right = Math.ceil(((left + width) * small.width) / image.width);
  return {top: first[0], left: first[1], height: bottom - first[0], width: right - first[1]};
}

/**
 * @param {Image} image
 * @returns {Image} the image, with at most PREVIEW_SIDE pixels per side
 */
function shrinkToPreview(image) {
  const {pixels, height, width} = image;
  if (Math.max(height, width) <= PREVIEW_SIDE) return image;
  const [h, w] = inscribe(height, width, PREVIEW_SIDE);
  const small = new Uint8ClampedArray(4 * h * w).fill(255);
  new Resampler(height, width, h, w, 3, 4, 4).run(pixels, 0, 4 * width, small, 0, 4 * w);
  return {pixels: small, height: h, width: w};
}
