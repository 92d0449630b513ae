/**
 * Temporal smoothing of the model's alphas (preprocessing.md, section 10).
 *
 * @typedef {import('./wasm.js').Bytes} Bytes
 * @typedef {import('./wasm.js').Core} Core
 */

const NEW = 64; // the weight of a new alpha where nothing but noise changed, of 256
const TOLERANCE = 1600; // the residual at which a new alpha has the whole weight, in 1/400 of a grey level

/** Smooths the alphas of one video, frame by frame. It keeps one alpha and one small frame. */
export class TemporalSmoother {
  /**
   * @param {Core} core an instance, which only this object uses
   * @param {number} size side of the model's alpha in pixels
   * @param {number} [least] weight of a new alpha where nothing but noise changed, 1-256; 256 smooths nothing.
   * @param {number} [tolerance] residual at which a new alpha has the whole weight, in 1/400 of a grey level, >= 1
   * @throws {RangeError} the browser has no memory left.
   */
  constructor(core, size, least = NEW, tolerance = TOLERANCE) {
    this.core = core;
    this.size = size;
    this.options = [least, tolerance];
    this.stateSize = core.exports.mmnet_smooth_state(size);
    this.state = core.reserve(this.stateSize);
    this.input = core.reserve(3 * size * size);
    this.alpha = core.reserve(size * size);
    this.reset();
  }

  /** Forgets all earlier frames: the next one begins another video or scene. */
  reset() {
    this.core.view(this.state, 1)[0] = 0;
  }

  /**
   * Smooths the alpha of the next frame. The first alpha of a scene stays as it is.
   *
   * @param {Bytes} alpha size · size bytes, 0-255
   * @param {Bytes} input what the model saw: 3 · size · size bytes, RGB
   * @returns {Uint8Array} the smoothed alpha, a new array
   */
  smooth(alpha, input) {
    const {core, size, state, stateSize, options} = this;
    core.view(this.input, 3 * size * size).set(input);
    core.view(this.alpha, size * size).set(alpha);
    core.run('smooth', [size], [state, stateSize, this.input, size, ...options, this.alpha]);
    return core.view(this.alpha, size * size).slice();
  }
}
