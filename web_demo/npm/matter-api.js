/**
 * What `createMatter` returns, in browsers and in node. `index.d.ts` documents it.
 *
 * @typedef {(kind: string, data: object, transfer?: Transferable[]) => Promise<any>} Request
 */

/**
 * Throws unless the option `model` is left out or holds the bytes of a file. @param {unknown} model
 */
export function checkModel(model) {
  if (model === undefined || model instanceof Uint8Array) return;
  throw new TypeError(
    `model takes the bytes of a .tflite file as a Uint8Array; got ${describeSource(model)}. ` +
      'In node: await readFile(path); in a browser: new Uint8Array(await (await fetch(address)).arrayBuffer()).',
  );
}

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
    return this.send('matte', source, {video: false, mirrored: false});
  }

  /** @param {any} source @param {{mirrored?: boolean}} [options] */
  frame(source, {mirrored = false} = {}) {
    return this.send('frame', source, {video: true, mirrored});
  }

  dispose() {
    this.close();
    this.request = () => Promise.reject(new Error('the network was disposed of'));
  }

  /**
   * @param {string} method the method that the user called
   * @param {any} source
   * @param {{video: boolean, mirrored: boolean}} options
   */
  async send(method, source, options) {
    if (!isPixels(source) && !['ImageBitmap', 'VideoFrame'].includes(kindOf(source))) {
      throw new TypeError(
        `${method}() takes an ImageBitmap, an ImageData, a VideoFrame or {data, width, height} with RGBA bytes; ` +
          `got ${describeSource(source)}. Read an image file into an ImageBitmap with createImageBitmap(file); ` +
          'node takes {data, width, height} alone.',
      );
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

/** @param {any} value @returns {string} the name of its class, such as 'ImageBitmap', 'String' or 'Undefined' */
function kindOf(value) {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

/** @param {any} source @returns {boolean} whether it has RGBA bytes and a size */
function isPixels(source) {
  const {data, width, height} = source ?? {};
  return /^Uint8(Clamped)?Array$/.test(kindOf(data)) && Number.isInteger(width) && Number.isInteger(height);
}

/** @param {any} source that cannot be matted. @returns {string} what it is, for the message */
function describeSource(source) {
  if (kindOf(source) !== 'Object') return kindOf(source);
  return `{${['data', 'width', 'height'].map((name) => `${name}: ${kindOf(source[name])}`).join(', ')}}`;
}

/** @param {any} background as users give it @returns {import('./engine/renderer.js').Background} */
function describe(background) {
  if (background === 'transparent') return {kind: 'transparent'};
  if (background === 'blur') return {kind: 'blur'};
  if (background?.blur > 0) return {kind: 'blur', strength: background.blur};
  if (isPixels(background?.image)) {
    const {data, width, height} = background.image;
    return {kind: 'image', image: {pixels: data, width, height}};
  }
  if (background?.length === 3 && [...background].every(Number.isFinite)) {
    return {kind: 'colour', colour: [background[0], background[1], background[2]]};
  }
  throw new TypeError(
    "a background is 'transparent', 'blur', {blur: strength}, [red, green, blue] (0-255) " +
      'or {image: {data, width, height}} with RGBA bytes',
  );
}
