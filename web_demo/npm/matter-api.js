/**
 * What `createMatter` returns, in browsers and in node. `index.d.ts` documents it.
 *
 * @typedef {(kind: string, data: object, transfer?: Transferable[]) => Promise<any>} Request
 */

/** A loaded network, by a function that answers its requests. */
export class RemoteMatter {
  /**
   * @param {Request} request
   * @param {number} size
   * @param {() => void} close
   */
  constructor(request, size, close) {
    this.request = request;
    this.size = size;
    this.close = close;
  }

  /** @param {any} source */
  matte(source) {
    return this.send(source, {video: false, mirrored: false});
  }

  /** @param {any} source @param {{mirrored?: boolean}} [options] */
  frame(source, {mirrored = false} = {}) {
    return this.send(source, {video: true, mirrored});
  }

  dispose() {
    this.close();
    this.request = () => Promise.reject(new Error('the network was disposed of'));
  }

  /** @param {any} source @param {{video: boolean, mirrored: boolean}} options */
  async send(source, options) {
    if (!isSource(source)) {
      throw new TypeError('an image is an ImageBitmap, an ImageData, a VideoFrame or {data, width, height}');
    }
    // An ImageData cannot be told from other pixels in the worker, and would lose its class there.
    const plain = source.data ? {data: source.data, width: source.width, height: source.height} : source;
    const {pixels, ...matte} = await this.request('matte', {source: plain, ...options});
    const composite = async (/** @type {any} */ background = 'transparent') => {
      const {alpha, width, height} = matte;
      const data = {pixels, alpha, width, height, background: describe(background)};
      const answer = await this.request('composite', data);
      return {data: answer.data, width, height};
    };
    return {...matte, composite};
  }
}

/** @param {any} source @returns {boolean} whether it can be matted */
function isSource(source) {
  return Boolean(source?.data) || /(ImageBitmap|VideoFrame)]$/.test(Object.prototype.toString.call(source));
}

/** @param {any} background as users give it @returns {import('./engine/renderer.js').Background} */
function describe(background) {
  if (background === 'transparent') return {kind: 'transparent'};
  if (background === 'blur') return {kind: 'blur'};
  if (background?.blur > 0) return {kind: 'blur', strength: background.blur};
  if (background?.image) {
    const {data, width, height} = background.image;
    return {kind: 'image', image: {pixels: data, width, height}};
  }
  if (background?.length === 3) return {kind: 'colour', colour: [background[0], background[1], background[2]]};
  throw new TypeError("a background is 'transparent', 'blur', {blur: strength}, [red, green, blue] or {image}");
}
