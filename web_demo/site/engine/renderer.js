/**
 * Rendering of results: an image, its alpha and a background give the image that is shown or saved.
 *
 * @typedef {import('../core/image-core.js').ImageCore} ImageCore
 * @typedef {import('./images.js').Image} Image
 * @typedef {{kind: 'transparent' | 'matte'} | {kind: 'blur', strength?: number}
 *   | {kind: 'colour', colour: [number, number, number]} | {kind: 'image', image: Image}} Background what replaces the
 *   image's background: nothing (a cut-out), its own background, blurred (strength 1 if there is none), a colour (R, G, B,
 *   0-255) or another image. 'matte' renders the alpha itself, as grey.
 */

/**
 * Renders an image whose alpha was computed.
 *
 * @param {ImageCore} image
 * @param {Background} background
 * @returns {Uint8ClampedArray<ArrayBuffer>} 4 · height · width bytes, RGBA with straight alpha
 */
export function render(image, background) {
  switch (background.kind) {
    case 'transparent':
      return image.cutOut();
    case 'matte':
      return image.grey();
    case 'colour':
      return image.overColour(background.colour);
    case 'blur':
      return image.overBlur(background.strength);
    case 'image':
      image.setBackground(background.image);
      return image.overBackground();
  }
}
