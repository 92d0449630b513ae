/**
 * Computes the answers of the page's core to the requests of the tests. `javascript_core.py` and `java_core.py` write the
 * requests: an int for the kind, then the fields in order. All numbers are big-endian. An array of bytes is preceded by
 * its length.
 */

import {BlurredBackground} from '../../web_demo/site/core/blurred-background.js';
import {compositeOverColour, compositeOverImage} from '../../web_demo/site/core/compositing.js';
import {FITS, placeCrop} from '../../web_demo/site/core/fit.js';
import {findCrop, findCrops} from '../../web_demo/site/core/framing.js';
import {applyOrientation, undoOrientation} from '../../web_demo/site/core/orientation.js';
import {AlphaScaler, InputScaler} from '../../web_demo/site/core/preprocess.js';
import {Resampler} from '../../web_demo/site/core/resample.js';
import {confidenceOf, highestConfidence, isNobody} from '../../web_demo/site/core/presence.js';
import {statistics} from '../../web_demo/site/core/statistics.js';
import {CropTracker} from '../../web_demo/site/core/tracking.js';

/** Reads the fields of a request. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  int() {
    this.at += 4;
    return this.view.getInt32(this.at - 4);
  }

  double() {
    this.at += 8;
    return this.view.getFloat64(this.at - 8);
  }

  array() {
    const length = this.int();
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }
}

/** The kinds of the Java core, but 5 instead of 0, because a browser gives frames in RGB and not in YUV. */
const KINDS = {
  5: modelInput,
  1: imageAlpha,
  2: composites,
  3: blurredBackground,
  4: statisticsOf,
  6: cropOf,
  7: video,
  8: confidence,
  9: cropsOf,
  10: photo,
};

/**
 * Returns the answer to one request.
 *
 * @param {Uint8Array} request
 * @returns {Uint8Array}
 */
export function answer(request) {
  const reader = new Reader(request);
  return KINDS[reader.int()](reader);
}

/** RGB frame → upright image and model input. */
function modelInput(reader) {
  const [height, width, rotation, mirrored] = [reader.int(), reader.int(), reader.int(), reader.int() !== 0];
  const [fit, size] = [FITS[reader.int()], reader.int()];
  const pixels = new Uint32Array(rgba(reader.array()).buffer);
  const oriented = applyOrientation(pixels, height, width, rotation, mirrored);
  const image = new Uint8Array(oriented.pixels.buffer);
  const input = new Uint8Array(3 * size * size).fill(99); // as an earlier run may have left it
  new InputScaler(oriented.height, oriented.width, size, fit).run(image, input);
  return join(rgb(image), input);
}

/** Model alpha → alpha of the image, and of the frame. */
function imageAlpha(reader) {
  const [height, width, rotation, mirrored] = [reader.int(), reader.int(), reader.int(), reader.int() !== 0];
  const [fit, size] = [FITS[reader.int()], reader.int()];
  const modelAlpha = reader.array();
  const [h, w] = rotation % 180 === 0 ? [height, width] : [width, height];
  const alpha = new Uint8Array(h * w).fill(99); // as an earlier run may have left it
  new AlphaScaler(h, w, size, fit).run(modelAlpha, alpha);
  return join(alpha, undoOrientation(alpha, height, width, rotation, mirrored));
}

/** Image, alpha, background → composites over the background and over one colour. */
function composites(reader) {
  const colour = reader.int();
  const [image, alpha, background] = [rgba(reader.array()), reader.array(), rgba(reader.array())];
  const [overImage, overColour] = [new Uint8ClampedArray(image.length), new Uint8ClampedArray(image.length)];
  compositeOverImage(image, alpha, background, overImage);
  compositeOverColour(image, alpha, [(colour >> 16) & 255, (colour >> 8) & 255, colour & 255], overColour);
  return join(rgb(overImage), rgb(overColour));
}

/** Image and alpha → blurred background. */
function blurredBackground(reader) {
  const [height, width] = [reader.int(), reader.int()];
  const [image, alpha] = [rgba(reader.array()), reader.array()];
  const blurred = new Uint8ClampedArray(image.length);
  new BlurredBackground(height, width).run(image, alpha, blurred);
  return rgb(blurred);
}

/** The alpha of a rectangle of an image → the one crop around its people: 0, or 1 and a rectangle. */
function cropOf(reader) {
  const whole = {top: 0, left: 0, height: reader.int(), width: reader.int()};
  const seen = {top: reader.int(), left: reader.int(), height: reader.int(), width: reader.int()};
  const size = reader.int();
  const crop = findCrop(reader.array(), size, seen, whole);
  return rectangles(crop ? [crop] : []);
}

/** The alpha of a photo → the crops around its people: their number, and the rectangles. */
function cropsOf(reader) {
  const whole = {top: 0, left: 0, height: reader.int(), width: reader.int()};
  const size = reader.int();
  return rectangles(findCrops(reader.array(), size, whole));
}

/** Grey photo → its alpha by a model whose alpha is its input, and the confidence. */
function photo(reader) {
  const [size, height, width] = [reader.int(), reader.int(), reader.int()];
  const [pixels, whole] = [reader.array(), {top: 0, left: 0, height, width}];
  const crops = findCrops(runOn(pixels, width, size, whole), size, whole);
  const parts = crops.length > 0 ? crops : [whole];
  const alphas = parts.map((seen) => runOn(pixels, width, size, seen));
  const alpha = new Uint8Array(height * width);
  parts.forEach((seen, index) =>
    new AlphaScaler(height, width, size, placeCrop(seen, size)).writePart(alphas[index], alpha),
  );
  return join(alpha, ints([highestConfidence(alphas, size)]));
}

/** The alpha of a rectangle of a grey image by a model whose alpha is its input. */
function runOn(pixels, width, size, {top, left, height: h, width: w}) {
  const alpha = new Uint8Array(size * size);
  new Resampler(h, w, size, size, 1).run(pixels, top * width + left, width, alpha, 0, size);
  return alpha;
}

/** Grey frames → their alphas by a model whose alpha is its input, with a crop that follows. */
function video(reader) {
  const [size, height, width] = [reader.int(), reader.int(), reader.int()];
  const tracker = new CropTracker(size);
  const alphas = Array.from({length: reader.int()}, () => {
    const frame = reader.array();
    const run = (rectangle) => runOn(frame, width, size, rectangle);
    let seen = tracker.start(height, width);
    let modelAlpha = run(seen);
    const crop = tracker.refine(modelAlpha);
    if (crop) [seen, modelAlpha] = [crop, run(crop)];
    tracker.finish(modelAlpha);
    const alpha = new Uint8Array(height * width).fill(99); // as an earlier run may have left it
    new AlphaScaler(height, width, size, placeCrop(seen, size)).run(modelAlpha, alpha);
    return alpha;
  });
  return join(...alphas);
}

/** Alpha → the confidence that it shows somebody, and 1 if it shows nobody, else 0. */
function confidence(reader) {
  const size = reader.int();
  const value = confidenceOf(reader.array(), size);
  return ints([value, isNobody(value) ? 1 : 0]);
}

/** Numbers → their statistics, as JSON. */
function statisticsOf(reader) {
  const characters = reader.int();
  reader.at += 2 * characters; // the text is for the Java core only
  const values = Array.from({length: reader.int()}, () => reader.double());
  return new TextEncoder().encode(JSON.stringify({values, statistics: statistics(values)}));
}

/** RGB → RGBA. The fourth bytes differ, because the core must ignore them. */
function rgba(bytes) {
  const out = new Uint8Array((bytes.length / 3) * 4);
  for (let i = 0; i < bytes.length / 3; i++) out.set([bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2], i % 256], 4 * i);
  return out;
}

/** RGBA → RGB. */
function rgb(bytes) {
  return Uint8Array.from({length: (bytes.length / 4) * 3}, (_, i) => bytes[4 * Math.floor(i / 3) + (i % 3)]);
}

/** The number of rectangles, and the rectangles. */
function rectangles(list) {
  return ints([list.length, ...list.flatMap(({top, left, height, width}) => [top, left, height, width])]);
}

/** Numbers → big-endian ints. */
function ints(values) {
  const out = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, index) => out.setInt32(4 * index, value));
  return new Uint8Array(out.buffer);
}

function join(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (out.set(part, at), at + part.length), 0);
  return out;
}
