/**
 * Scales pictures of one size to one other: halvings, then bilinear in fixed point (PREPROCESSING.md, section 4, whose
 * names these are). Buffers are allocated once, by the constructor.
 *
 * @typedef {Uint8Array | Uint8ClampedArray} Bytes
 */

const BITS = 11;
const ONE = 1 << BITS;

/** One size to one other. */
export class Resampler {
  /**
   * For pictures of `height` × `width`; all sides >= 1.
   *
   * @param {number} height
   * @param {number} width
   * @param {number} targetHeight
   * @param {number} targetWidth
   * @param {number} channels how many bytes of each pixel are scaled.
   * @param {number} [step] bytes from one pixel to the next, of the picture: 4 for the colours of RGBA.
   * @param {number} [targetStep] the same of the result; bytes between are left as they are.
   */
  constructor(height, width, targetHeight, targetWidth, channels, step = channels, targetStep = channels) {
    if (Math.min(height, width, targetHeight, targetWidth) < 1) {
      throw new RangeError(`cannot scale ${width}×${height} to ${targetWidth}×${targetHeight}`);
    }
    this.height = height;
    this.width = width;
    this.targetHeight = targetHeight;
    this.channels = channels;
    this.step = step;
    this.down = halvings(height, targetHeight);
    this.across = halvings(width, targetWidth);
    const halves = this.down + this.across > 0;
    const firstHeight = this.down > 0 ? (height + 1) >> 1 : height;
    const firstWidth = this.across > 0 ? (width + 1) >> 1 : width;
    /** The first halving's result; the later ones are made in place. */
    this.halved = new Uint8Array(halves ? firstHeight * firstWidth * channels : 0);

    this.rows = taps(height, targetHeight, this.down);
    const columns = taps(width, targetWidth, this.across);
    const from = halves ? channels : step;
    const count = targetWidth * channels;
    /** For every value of a target row: where its neighbours are in a row, and where it goes. */
    this.left = new Int32Array(count);
    this.right = new Int32Array(count);
    this.weight = new Int32Array(count);
    this.target = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const column = Math.floor(i / channels);
      const channel = i % channels;
      this.left[i] = columns.first[column] * from + channel;
      this.right[i] = columns.second[column] * from + channel;
      this.weight[i] = columns.fraction[column];
      this.target[i] = column * targetStep + channel;
    }
    this.upper = new Int32Array(count);
    this.lower = new Int32Array(count);
  }

  /**
   * Scales a picture, which may be a rectangle of a larger one, as may the result.
   *
   * @param {Bytes} source
   * @param {number} offset of its first byte.
   * @param {number} stride bytes from one of its rows to the next.
   * @param {Bytes} out
   * @param {number} outOffset
   * @param {number} outStride
   */
  run(source, offset, stride, out, outOffset, outStride) {
    let h = this.height;
    let w = this.width;
    let step = this.step;
    for (let k = 0; k < Math.max(this.down, this.across); k++) {
      const vertical = k < this.down;
      const horizontal = k < this.across;
      this.halve(source, offset, stride, step, h, w, vertical, horizontal);
      h = vertical ? (h + 1) >> 1 : h;
      w = horizontal ? (w + 1) >> 1 : w;
      source = this.halved;
      offset = 0;
      step = this.channels;
      stride = w * step;
    }
    this.bilinear(source, offset, stride, out, outOffset, outStride);
  }

  /**
   * Writes to `halved`, which may be the source: a pixel is written behind all that are still to be read.
   *
   * @param {Bytes} source
   * @param {number} offset
   * @param {number} stride
   * @param {number} step
   * @param {number} h
   * @param {number} w
   * @param {boolean} vertical
   * @param {boolean} horizontal
   */
  halve(source, offset, stride, step, h, w, vertical, horizontal) {
    const {halved, channels} = this;
    const newHeight = vertical ? (h + 1) >> 1 : h;
    const newWidth = horizontal ? (w + 1) >> 1 : w;
    let written = 0;
    for (let y = 0; y < newHeight; y++) {
      const upper = offset + (vertical ? 2 * y : y) * stride;
      const lower = vertical && 2 * y + 1 < h ? upper + stride : upper;
      for (let x = 0; x < newWidth; x++) {
        const near = (horizontal ? 2 * x : x) * step;
        const far = horizontal && 2 * x + 1 < w ? near + step : near;
        for (let c = 0; c < channels; c++) {
          const a = source[upper + near + c];
          if (vertical && horizontal) {
            halved[written++] =
              (a + source[upper + far + c] + source[lower + near + c] + source[lower + far + c] + 2) >> 2;
          } else {
            halved[written++] = (a + source[(horizontal ? upper + far : lower + near) + c] + 1) >> 1;
          }
        }
      }
    }
  }

  /**
   * @param {Bytes} source
   * @param {number} offset
   * @param {number} stride
   * @param {Bytes} out
   * @param {number} outOffset
   * @param {number} outStride
   */
  bilinear(source, offset, stride, out, outOffset, outStride) {
    const {first, second, fraction} = this.rows;
    const target = this.target;
    let inUpper = -1; // the rows that are in the lines
    let inLower = -1;
    for (let y = 0; y < this.targetHeight; y++) {
      if (first[y] === inLower) {
        // The lower line of the row before is the upper one of this.
        [this.upper, this.lower] = [this.lower, this.upper];
        [inUpper, inLower] = [inLower, inUpper];
      }
      if (first[y] !== inUpper) {
        inUpper = first[y];
        this.fill(source, offset + inUpper * stride, this.upper);
      }
      if (second[y] !== inLower) {
        inLower = second[y];
        this.fill(source, offset + inLower * stride, this.lower);
      }
      const top = this.upper;
      const bottom = this.lower;
      const f = fraction[y];
      const start = outOffset + y * outStride;
      for (let i = 0; i < top.length; i++) {
        out[start + target[i]] = (top[i] * (ONE - f) + bottom[i] * f + (1 << (2 * BITS - 1))) >> (2 * BITS);
      }
    }
  }

  /**
   * @param {Bytes} source
   * @param {number} start
   * @param {Int32Array} line
   */
  fill(source, start, line) {
    const {left, right, weight} = this;
    for (let i = 0; i < line.length; i++) {
      const f = weight[i];
      line[i] = source[start + left[i]] * (ONE - f) + source[start + right[i]] * f;
    }
  }
}

/**
 * How often a side is halved (rounding up) while it is at least twice the target.
 *
 * @param {number} side
 * @param {number} target
 */
function halvings(side, target) {
  let count = 0;
  for (let length = side; length >= 2 * target; length = (length + 1) >> 1) count++;
  return count;
}

/**
 * For each target position of one axis: its two neighbours, and the weight of the second in 1/2048.
 *
 * @param {number} side
 * @param {number} target
 * @param {number} k halvings of the side.
 */
function taps(side, target, k) {
  let last = side;
  for (let i = 0; i < k; i++) last = (last + 1) >> 1;
  last--;
  const found = {first: new Int32Array(target), second: new Int32Array(target), fraction: new Int32Array(target)};
  const d = target * 2 ** (k + 1);
  for (let t = 0; t < target; t++) {
    const n = (2 * t + 1) * side;
    const q = Math.floor(n / d);
    const p = q * ONE + Math.floor(((n - q * d) * ONE) / d) - ONE / 2;
    const clamped = Math.min(Math.max(p, 0), last * ONE);
    found.first[t] = clamped >> BITS;
    found.second[t] = Math.min(found.first[t] + 1, last);
    found.fraction[t] = clamped & (ONE - 1);
  }
  return found;
}
