/**
 * Scaling of images: halvings, then bilinear interpolation in fixed-point arithmetic (preprocessing.md, section 4). The
 * short names here, such as `h`, `k`, `p`, are those of that section.
 *
 * @typedef {Uint8Array | Uint8ClampedArray} Bytes
 */

const BITS = 11; // fractional bits of positions and weights
const ONE = 1 << BITS;

/** The scaling of images of one size to one other size. Its buffers are allocated once, by the constructor. */
export class Resampler {
  /**
   * @param {number} height of the image in pixels, >= 1
   * @param {number} width of the image in pixels, >= 1
   * @param {number} targetHeight of the result in pixels, >= 1
   * @param {number} targetWidth of the result in pixels, >= 1
   * @param {number} channels number of bytes of each pixel that are scaled, from its first byte on.
   * @param {number} [step] bytes from one pixel of the image to the next: 4 for the colours of RGBA.
   * @param {number} [targetStep] bytes from one pixel of the result to the next. Bytes in between are left as they are.
   * @throws {RangeError} a side is below 1.
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
    /** The result of the first halving. Later halvings are computed in place. */
    this.halved = new Uint8Array(halves ? firstHeight * firstWidth * channels : 0);

    this.rows = neighbours(height, targetHeight, this.down);
    const columns = neighbours(width, targetWidth, this.across);
    const from = halves ? channels : step;
    const count = targetWidth * channels;
    /** For each value of a row of the result: the indices of its two neighbours in a source row, and its own index. */
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
   * Scales an image. The image may be a rectangle of a larger image, and so may the result.
   *
   * @param {Bytes} source
   * @param {number} offset index of the image's first byte in `source`.
   * @param {number} stride bytes from one row of the image to the next.
   * @param {Bytes} out output
   * @param {number} outOffset index of the result's first byte in `out`.
   * @param {number} outStride bytes from one row of the result to the next.
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
    this.interpolate(source, offset, stride, out, outOffset, outStride);
  }

  /**
   * Halves the height, the width or both, and writes the result to `halved`. The source may be `halved` itself, because
   * no pixel is overwritten before it was read.
   *
   * @param {Bytes} source
   * @param {number} offset
   * @param {number} stride
   * @param {number} step bytes from one pixel of the source to the next.
   * @param {number} h height of the source
   * @param {number} w width of the source
   * @param {boolean} vertical whether the height is halved.
   * @param {boolean} horizontal whether the width is halved.
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
   * Interpolates between the two nearest rows and columns.
   *
   * @param {Bytes} source
   * @param {number} offset
   * @param {number} stride
   * @param {Bytes} out
   * @param {number} outOffset
   * @param {number} outStride
   */
  interpolate(source, offset, stride, out, outOffset, outStride) {
    const {first, second, fraction} = this.rows;
    const target = this.target;
    let inUpper = -1; // source row that `this.upper` holds
    let inLower = -1; // source row that `this.lower` holds
    for (let y = 0; y < this.targetHeight; y++) {
      if (first[y] === inLower) {
        // The lower line of the previous row is the upper line of this row.
        [this.upper, this.lower] = [this.lower, this.upper];
        [inUpper, inLower] = [inLower, inUpper];
      }
      if (first[y] !== inUpper) {
        inUpper = first[y];
        this.fillLine(source, offset + inUpper * stride, this.upper);
      }
      if (second[y] !== inLower) {
        inLower = second[y];
        this.fillLine(source, offset + inLower * stride, this.lower);
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
   * Interpolates one source row horizontally and writes it to a line, in units of 1/2048.
   *
   * @param {Bytes} source
   * @param {number} start index of the row's first byte.
   * @param {Int32Array} line output
   */
  fillLine(source, start, line) {
    const {left, right, weight} = this;
    for (let i = 0; i < line.length; i++) {
      const f = weight[i];
      line[i] = source[start + left[i]] * (ONE - f) + source[start + right[i]] * f;
    }
  }
}

/**
 * Returns how many times a side is halved (rounding up): as long as it is at least twice the target.
 *
 * @param {number} side in pixels
 * @param {number} target in pixels
 */
function halvings(side, target) {
  let count = 0;
  for (let length = side; length >= 2 * target; length = (length + 1) >> 1) count++;
  return count;
}

/**
 * Returns, for each target position along one axis, its two neighbours among the halved pixels and the weight of the
 * second neighbour in units of 1/2048.
 *
 * @param {number} side in pixels, before halving
 * @param {number} target in pixels
 * @param {number} k number of halvings of the side
 */
function neighbours(side, target, k) {
  let last = side;
  for (let i = 0; i < k; i++) last = (last + 1) >> 1;
  last--;
  const result = {first: new Int32Array(target), second: new Int32Array(target), fraction: new Int32Array(target)};
  const d = target * 2 ** (k + 1);
  for (let t = 0; t < target; t++) {
    const n = (2 * t + 1) * side;
    const q = Math.floor(n / d);
    const p = q * ONE + Math.floor(((n - q * d) * ONE) / d) - ONE / 2;
    const clamped = Math.min(Math.max(p, 0), last * ONE);
    result.first[t] = clamped >> BITS;
    result.second[t] = Math.min(result.first[t] + 1, last);
    result.fraction[t] = clamped & (ONE - 1);
  }
  return result;
}
