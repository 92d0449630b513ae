/** An image: RGBA, 8 bits per channel, straight alpha. `ImageData` is one. */
export interface Pixels {
  data: Uint8ClampedArray | Uint8Array;
  width: number;
  height: number;
}

/** A rendered image. `ImageData` takes its data with every version of TypeScript. */
export interface Rendered extends Pixels {
  data: Uint8ClampedArray & ImageData['data'];
}

/** What is matted. Node takes `Pixels` only. Transparent pixels are composited over white. */
export type Source = Pixels | ImageBitmap | VideoFrame;

/** A part of an image, in pixels. */
export interface Rectangle {
  top: number;
  left: number;
  height: number;
  width: number;
}

/**
 * What replaces the background: nothing (`'transparent'`: a cut-out with the estimated colours of the foreground), the
 * image's own background, blurred, a colour (R, G, B, 0-255), or another image, which covers the image.
 */
export type Background =
  | 'transparent'
  | 'blur'
  | {blur: number}
  | readonly [number, number, number]
  | {image: Pixels};

/** The matte of one image. */
export interface Matte {
  readonly width: number;
  readonly height: number;
  /** height · width bytes, 0-255; 255 is the person. It may be changed before `composite`. */
  readonly alpha: Uint8Array;
  /** Whether the network is not sure of anybody. */
  readonly nobody: boolean;
  /** The parts of the image that the network saw. */
  readonly seen: readonly Rectangle[];
  /**
   * Renders the image with another background.
   *
   * @param background `'transparent'` if there is none.
   * @returns RGBA with straight alpha.
   * @throws TypeError the background is none of these.
   */
  composite(background?: Background): Promise<Rendered>;
}

export interface Options {
  /** The address of the package's files; by default, the address of the module. A bundler changes that: see the README. */
  base?: string | URL;
  /** The bytes of another .tflite file that `mmnet export` wrote. */
  model?: Uint8Array;
  /** Threads of the network, 1-4; by default, one per processor. Node and pages that are not isolated have one. */
  threads?: number;
}

/** A loaded network. In a browser it runs in a worker of its own. Calls are answered in their order. */
export interface Matter {
  /** The side of the network's input, in pixels. */
  readonly size: number;
  /**
   * Mattes a photo. People who fill little of it are seen again, each group in a crop.
   *
   * @throws TypeError the source is of another type.
   * @throws Error the image cannot be matted; the message says why.
   */
  matte(source: Source): Promise<Matte>;
  /**
   * Mattes the next frame of a video. One crop follows the people; a second without frames begins another video.
   *
   * @param options `mirrored` flips the frame left to right, as users expect of a front camera.
   */
  frame(source: Source, options?: {mirrored?: boolean}): Promise<Matte>;
  /** Frees the network and ends the worker. Later calls fail. */
  dispose(): void;
}

/**
 * Loads the network and runs it once.
 *
 * @throws TypeError `model` holds no bytes.
 * @throws Error a file cannot be loaded, or `model` is no matting model.
 */
export function createMatter(options?: Options): Promise<Matter>;
