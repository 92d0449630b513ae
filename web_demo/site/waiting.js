/** The photos that wait until the user asks for the next one. */

/** A list of photos, and the line of the page that shows it. */
export class WaitingPhotos {
  /** @type {File[]} */
  files = [];

  /**
   * @param {HTMLElement} line element that is hidden while no photo waits
   * @param {HTMLElement} text element in it that names the photos
   */
  constructor(line, text) {
    this.line = line;
    this.text = text;
  }

  /** Adds photos at the end of the list. @param {File[]} files */
  add(files) {
    this.files.push(...files);
    this.show();
  }

  /** Takes the first photo from the list. @returns {File | undefined} undefined if no photo waits. */
  take() {
    const file = this.files.shift();
    this.show();
    return file;
  }

  /** Removes all photos. */
  clear() {
    this.files = [];
    this.show();
  }

  /** Shows the list. */
  show() {
    const {files} = this;
    this.line.hidden = files.length === 0;
    const photos = files.length === 1 ? '1 photo waits' : `${files.length} photos wait`;
    this.text.textContent = files.length === 0 ? '' : `${photos}: ${files.map(({name}) => name).join(', ')}`;
  }
}
