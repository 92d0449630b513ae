/**
 * Requests to the page's core, and its answers, as `javascript_core.py` writes and compares them: big-endian, an int that
 * says which kind, then its fields in their order; an array of bytes has its length before it.
 */

import {Backdrop} from '../../web_demo/site/core/backdrop.js';
import {over, overColour} from '../../web_demo/site/core/compose.js';
import {FITS} from '../../web_demo/site/core/fit.js';
import {apply, undo} from '../../web_demo/site/core/orientation.js';
import {AlphaPlacer, InputMaker} from '../../web_demo/site/core/preprocess.js';
import {statistics} from '../../web_demo/site/core/statistics.js';

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

const KINDS = {5: frame, 1: alpha, 2: composite, 3: backdrop, 4: distribution};

/** @param {Uint8Array} request @returns {Uint8Array} */
export function answer(request) {
  const reader = new Reader(request);
  return KINDS[reader.int()](reader);
}

/** RGB frame → upright picture and model input. */
function frame(reader) {
  const [height, width, rotation, mirrored] = [reader.int(), reader.int(), reader.int(), reader.int() !== 0];
  const [fit, size] = [FITS[reader.int()], reader.int()];
  const pixels = new Uint32Array(rgba(reader.array()).buffer);
  const turned = apply(pixels, height, width, rotation, mirrored);
  const picture = new Uint8Array(turned.pixels.buffer);
  const input = new Uint8Array(3 * size * size).fill(99); // of the run before
  new InputMaker(turned.height, turned.width, size, fit).run(picture, input);
  return join(rgb(picture), input);
}

/** Model alpha → alpha of the picture, and of the frame. */
function alpha(reader) {
  const [height, width, rotation, mirrored] = [reader.int(), reader.int(), reader.int(), reader.int() !== 0];
  const [fit, size] = [FITS[reader.int()], reader.int()];
  const values = reader.array();
  const [h, w] = rotation % 180 === 0 ? [height, width] : [width, height];
  const picture = new Uint8Array(h * w).fill(99);
  new AlphaPlacer(h, w, size, fit).run(values, picture);
  return join(picture, undo(picture, height, width, rotation, mirrored));
}

/** Picture over another, and over one colour. */
function composite(reader) {
  const colour = reader.int();
  const [picture, values, behind] = [rgba(reader.array()), reader.array(), rgba(reader.array())];
  const [first, second] = [new Uint8ClampedArray(picture.length), new Uint8ClampedArray(picture.length)];
  over(picture, values, behind, first);
  overColour(picture, values, [(colour >> 16) & 255, (colour >> 8) & 255, colour & 255], second);
  return join(rgb(first), rgb(second));
}

/** Picture and alpha → blurred background. */
function backdrop(reader) {
  const [height, width] = [reader.int(), reader.int()];
  const [picture, values] = [rgba(reader.array()), reader.array()];
  const blurred = new Uint8ClampedArray(picture.length);
  new Backdrop(height, width).run(picture, values, blurred);
  return rgb(blurred);
}

/** Numbers → their statistics, as JSON. */
function distribution(reader) {
  const characters = reader.int();
  reader.at += 2 * characters; // the text is Java's business
  const values = Array.from({length: reader.int()}, () => reader.double());
  return new TextEncoder().encode(JSON.stringify({values, statistics: statistics(values)}));
}

/** RGB → RGBA, whose fourth byte must not count. */
function rgba(bytes) {
  const out = new Uint8Array((bytes.length / 3) * 4);
  for (let i = 0; i < bytes.length / 3; i++) out.set([bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2], i % 256], 4 * i);
  return out;
}

function rgb(bytes) {
  return Uint8Array.from({length: (bytes.length / 4) * 3}, (_, i) => bytes[4 * Math.floor(i / 3) + (i % 3)]);
}

function join(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (out.set(part, at), at + part.length), 0);
  return out;
}
