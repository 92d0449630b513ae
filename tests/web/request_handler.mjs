/**
 * Computes the answers of the page's core to the requests of the tests. `javascript_core.py` and `java_core.py` write the
 * requests: an int for the kind, then the fields in order. All numbers are big-endian. An array of bytes is preceded by
 * its length.
 */

import {applyEdits} from '../../web_demo/site/core/alpha-edits.js';
import {blurBackground} from '../../web_demo/site/core/blur.js';
import {FITS, place, placeCrop} from '../../web_demo/site/core/fit.js';
import {findCrop, findCrops} from '../../web_demo/site/core/framing.js';
import {ImageCore} from '../../web_demo/site/core/image-core.js';
import {confidenceOf, highestConfidence, isNobody} from '../../web_demo/site/core/presence.js';
import {TemporalSmoother} from '../../web_demo/site/core/smoothing.js';
import {statistics} from '../../web_demo/site/core/statistics.js';
import {CropTracker} from '../../web_demo/site/core/tracking.js';
import {compileCore, Core} from '../../web_demo/site/core/wasm.js';

const url = new URL('../../web_demo/site/core/core.wasm', import.meta.url);
const module =
  url.protocol === 'file:'
    ? await WebAssembly.compile((await import('node:fs')).readFileSync(url)) // node cannot fetch files
    : await compileCore(url);
const core = new Core(module);
const START = core.end; // what one request reserved, the next one overwrites
const smoothingCore = new Core(module);

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

/** The kinds of requests; 0 is 5 in a browser, which gives frames in RGB. The page alone has those from 20 on. */
const KINDS = {
  0: yuvFrame,
  1: imageAlpha,
  2: composites,
  3: blurredBackground,
  4: statisticsOf,
  5: rgbFrame,
  6: cropOf,
  7: (reader) => video(reader, false),
  8: confidence,
  9: fineAlpha,
  10: fineComposite,
  11: cropsOf,
  12: finePhoto,
  14: smoothing,
  15: (reader) => video(reader, true),
  20: strongBlur,
  21: editedAlpha,
};

/**
 * Returns the answer to one request.
 *
 * @param {Uint8Array} request
 * @returns {Uint8Array}
 */
export function answer(request) {
  const reader = new Reader(request);
  core.end = smoothingCore.end = START;
  return KINDS[reader.int()](reader);
}

/** Bytes → their address in the core's memory. */
function put(bytes) {
  const address = core.reserve(bytes.length);
  core.view(address, bytes.length).set(bytes);
  return address;
}

/** Reserves memory for an output, with bytes as an earlier run may have left them. */
function out(length) {
  const address = core.reserve(length);
  core.view(address, length).fill(99);
  return address;
}

/** Upright image in memory → its model input. */
function modelInput(image, height, width, fit, size) {
  const placement = core.reserve(32);
  core.writePlacement(placement, place(fit, height, width, size));
  const mine = core.view(placement, 32).slice();
  core.call('place', FITS.indexOf(fit) % 3, height, width, size, placement); // the first pass of 'auto' stretches
  if (mine.some((byte, index) => byte !== core.view(placement, 32)[index])) throw new Error('placements differ');
  const input = out(3 * size * size);
  core.run('model_input', [placement], [image, height, width, placement, size, input]);
  return core.view(input, 3 * size * size).slice();
}

/** YUV frame → sides of the upright image, the image and the model input. */
function yuvFrame(reader) {
  const [height, width, rotation, mirrored] = [reader.int(), reader.int(), reader.int(), reader.int()];
  const [fit, size] = [FITS[reader.int()], reader.int()];
  const planes = [0, 1, 2].map(() => {
    const [row, pixel, data] = [reader.int(), reader.int(), reader.array()];
    const [bytes, plane] = [put(data), core.reserve(16)];
    new Int32Array(core.exports.memory.buffer, plane, 4).set([bytes, data.length, row, pixel]);
    return plane;
  });
  const [h, w] = rotation % 180 === 0 ? [height, width] : [width, height];
  const image = out(3 * h * w);
  core.call('rgb_from_yuv', ...planes, height, width, rotation, mirrored, image);
  const input = modelInput(image, h, w, fit, size);
  return join(ints([h, w]), core.view(image, 3 * h * w), input);
}

/** RGB frame → upright image and model input. */
function rgbFrame(reader) {
  const [height, width, rotation, mirrored] = [reader.int(), reader.int(), reader.int(), reader.int()];
  const [fit, size] = [FITS[reader.int()], reader.int()];
  const [h, w] = rotation % 180 === 0 ? [height, width] : [width, height];
  const [frame, image] = [put(reader.array()), out(3 * h * w)];
  core.call('orient', frame, height, width, 3, rotation, mirrored, 0, image);
  const input = modelInput(image, h, w, fit, size);
  return join(core.view(image, 3 * h * w), input);
}

/** Model alpha → alpha of the image, and of the frame. */
function imageAlpha(reader) {
  const [height, width, rotation, mirrored] = [reader.int(), reader.int(), reader.int(), reader.int()];
  const [fit, size] = [FITS[reader.int()], reader.int()];
  const [h, w] = rotation % 180 === 0 ? [height, width] : [width, height];
  const [modelAlpha, placement, alpha, frame] = [put(reader.array()), core.reserve(32), out(h * w), out(h * w)];
  core.writePlacement(placement, place(fit, h, w, size));
  core.run('fast_alpha', [placement], [modelAlpha, size, placement, h, w, alpha]);
  core.call('orient', alpha, height, width, 1, rotation, mirrored, 1, frame);
  return join(core.view(alpha, h * w), core.view(frame, h * w));
}

/** Image, alpha, background → composites over the background and over one colour. */
function composites(reader) {
  const colour = reader.int();
  const [image, alphaBytes, background] = [put(reader.array()), reader.array(), put(reader.array())];
  const pixels = alphaBytes.length; // the request has no sides: any that the core takes will do
  let height = Math.floor(pixels / 65536) + 1;
  while (pixels % height) height++;
  const width = pixels / height;
  const row = new Uint8Array(3 * width).map((_, index) => colour >> (16 - 8 * (index % 3)));
  const [alpha, line, composed] = [put(alphaBytes), put(row), out(3 * pixels)];
  const over = (rows, stride) => {
    core.run('composite', [height, width], [image, alpha, rows, stride, height, width, 0, composed]);
    return core.view(composed, 3 * pixels).slice();
  };
  return join(over(background, 3 * width), over(line, 0));
}

/** Image and alpha → blurred background. */
function blurredBackground(reader) {
  const [height, width] = [reader.int(), reader.int()];
  const [image, alpha, blurred] = [put(reader.array()), put(reader.array()), out(3 * height * width)];
  core.run('blurred_background', [height, width], [image, alpha, height, width, blurred]);
  return core.view(blurred, 3 * height * width).slice();
}

/** Strength in hundredths, image and alpha → blurred background. */
function strongBlur(reader) {
  const [strength, height, width] = [reader.int() / 100, reader.int(), reader.int()];
  const [image, alpha, blurred] = [put(reader.array()), put(reader.array()), out(3 * height * width)];
  blurBackground(core, {image, alpha, height, width}, strength, blurred);
  return core.view(blurred, 3 * height * width).slice();
}

/** Sides, edits as JSON and an alpha → the edited alpha. */
function editedAlpha(reader) {
  const size = {height: reader.int(), width: reader.int()};
  const edits = JSON.parse(new TextDecoder().decode(reader.array()));
  const alpha = reader.array();
  applyEdits(alpha, size, edits);
  return alpha;
}

/** Image, placement, model alpha → model input and guided alpha. */
function fineAlpha(reader) {
  const [height, width, size] = [reader.int(), reader.int(), reader.int()];
  const rectangle = () => ({top: reader.int(), left: reader.int(), height: reader.int(), width: reader.int()});
  const [seen, filled] = [rectangle(), rectangle()];
  const [pixels, modelAlpha] = [reader.array(), reader.array()];
  const isCrop = filled.height === size && filled.width === size;
  if (isCrop) {
    const image = new ImageCore(core, height, width, size); // as on the page
    image.read(rgba(pixels));
    const input = image.prepare(seen);
    image.computeAlpha([{seen, input, modelAlpha}]);
    return join(input, core.view(image.alpha, height * width));
  }
  const [image, alphaBytes, placement] = [put(pixels), put(modelAlpha), core.reserve(32)];
  core.writePlacement(placement, {seen, filled});
  const [input, alpha] = [out(3 * size * size), out(height * width)];
  core.run('model_input', [placement], [image, height, width, placement, size, input]);
  core.run('fine_alpha', [size, placement], [alphaBytes, input, size, placement, image, height, width, alpha]);
  return join(core.view(input, 3 * size * size), core.view(alpha, height * width));
}

/** Image, alpha, background → estimated foreground and composite, as the page renders them. */
function fineComposite(reader) {
  const [height, width] = [reader.int(), reader.int()];
  const [pixels, alpha, background] = [rgba(reader.array()), reader.array(), rgba(reader.array())];
  const image = new ImageCore(core, height, width, 1);
  image.read(pixels);
  core.view(image.alpha, height * width).set(alpha);
  const cut = image.cutOut();
  if (alpha.some((byte, index) => cut[4 * index + 3] !== byte)) throw new Error('a cut-out has another alpha');
  image.setBackground({pixels: background, height, width});
  return join(rgb(cut), rgb(image.overBackground()));
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

/** Photo → its guided alpha and the confidence, by a model whose alpha is the red channel of its input. */
function finePhoto(reader) {
  const [height, width, size] = [reader.int(), reader.int(), reader.int()];
  const [image, whole] = [new ImageCore(core, height, width, size), {top: 0, left: 0, height, width}];
  image.read(rgba(reader.array()));
  const pass = (seen) => {
    const input = image.prepare(seen);
    return {seen, input, modelAlpha: input.filter((_, index) => index % 3 === 0)};
  };
  const first = pass(whole);
  const crops = findCrops(first.modelAlpha, size, whole);
  const parts = crops.length > 0 ? crops.map(pass) : [first];
  image.computeAlpha(parts);
  const confident = highestConfidence(
    parts.map(({modelAlpha}) => modelAlpha),
    size,
  );
  return join(core.view(image.alpha, height * width), ints([confident]));
}

/** Grey frames → their alphas by a model whose alpha is its input, with a crop that follows. */
function video(reader, isSmoothed) {
  const [size, height, width] = [reader.int(), reader.int(), reader.int()];
  const smoother = new TemporalSmoother(smoothingCore, size);
  const tracker = new CropTracker(size);
  const alphas = Array.from({length: reader.int()}, () => {
    const frame = reader.array();
    const run = ({top, left, height: h, width: w}) => {
      core.end = START;
      const [source, alpha] = [put(frame), out(size * size)];
      core.run('resample', [h, w, 1, size, size], [source + top * width + left, width, h, w, 1, alpha, size, size, size]);
      return core.view(alpha, size * size).slice();
    };
    let seen = tracker.start(height, width);
    let modelAlpha = run(seen);
    const crop = tracker.refine(modelAlpha);
    if (crop) [seen, modelAlpha] = [crop, run(crop)];
    tracker.finish(modelAlpha);
    if (tracker.isFirst || tracker.jumped) smoother.reset();
    if (isSmoothed) modelAlpha = smoother.smooth(modelAlpha, grey(modelAlpha));
    core.end = START;
    const [bytes, placement, alpha] = [put(modelAlpha), core.reserve(32), out(height * width)];
    core.writePlacement(placement, placeCrop(seen, size));
    core.run('fast_alpha', [placement], [bytes, size, placement, height, width, alpha]);
    return core.view(alpha, height * width).slice();
  });
  return join(...alphas);
}

/** Frames and their alphas → the smoothed alphas. */
function smoothing(reader) {
  const [size, least, tolerance, count] = [reader.int(), reader.int(), reader.int(), reader.int()];
  const smoother = new TemporalSmoother(core, size, least, tolerance);
  const smoothed = Array.from({length: count}, () => {
    const [input, alpha] = [reader.array(), reader.array()];
    return smoother.smooth(alpha, input);
  });
  return join(...smoothed);
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

/** Grey → RGB. */
function grey(bytes) {
  return new Uint8Array(3 * bytes.length).map((_, index) => bytes[Math.floor(index / 3)]);
}

/** RGB → RGBA. The fourth bytes differ, because the core must ignore them. */
function rgba(bytes) {
  const out = new Uint8Array((bytes.length / 3) * 4);
  for (let i = 0, at = 0; i < bytes.length; i += 3, at += 4) {
    out[at] = bytes[i];
    out[at + 1] = bytes[i + 1];
    out[at + 2] = bytes[i + 2];
    out[at + 3] = i % 256;
  }
  return out;
}

/** RGBA → RGB. */
function rgb(bytes) {
  const out = new Uint8Array((bytes.length / 4) * 3);
  for (let i = 0, at = 0; i < out.length; i += 3, at += 4) {
    out[i] = bytes[at];
    out[i + 1] = bytes[at + 1];
    out[i + 2] = bytes[at + 2];
  }
  return out;
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
