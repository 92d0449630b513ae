/** ZIP files (PKWARE APPNOTE 6.3.10) that store their files as they are: images are compressed already. */

import {crc32} from './png.js';

const LIMIT = 0xffffffff; // bytes; more would need the extensions of ZIP64
const VERSION = 20;
const UTF8_NAMES = 1 << 11;

/** A ZIP file that grows file by file. The contents stay in the browser's blobs. */
export class ZipWriter {
  /** @type {(Blob | Uint8Array<ArrayBuffer>)[]} */
  parts = [];
  /** @type {Uint8Array<ArrayBuffer>[]} */
  entries = [];
  /** Bytes written so far. */
  length = 0;
  /** @type {Set<string>} */
  names = new Set();

  /**
   * Adds a file. If there is one of this name, it gets a number: a-cutout.png, a-cutout-2.png.
   *
   * @param {string} name
   * @param {Blob} content
   * @param {Date} [time] of the file
   * @returns {Promise<string>} the name in the ZIP file
   * @throws {RangeError} the ZIP file would have more than 4 GB or 65,535 files.
   */
  async add(name, content, time = new Date()) {
    const unique = this.uniqueName(name);
    const encoded = new TextEncoder().encode(unique);
    if (this.length + content.size + 2 * encoded.length + 100 > LIMIT || this.entries.length >= 0xffff) {
      throw new RangeError('a ZIP file holds at most 4 GB and 65,535 files');
    }
    const crc = crc32(new Uint8Array(await content.arrayBuffer()));
    const common = [VERSION, 2, UTF8_NAMES, 2, 0, 2, dosTime(time), 2, dosDate(time), 2, crc, 4, content.size, 4, content.size, 4];
    const local = [0x04034b50, 4, ...common, encoded.length, 2, 0, 2];
    const central = [0x02014b50, 4, VERSION, 2, ...common, encoded.length, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 4, this.length, 4];
    const header = join(fields(local), encoded);
    this.parts.push(header, content);
    this.entries.push(join(fields(central), encoded));
    this.length += header.length + content.size;
    this.names.add(unique);
    return unique;
  }

  /** @returns {Blob} the ZIP file */
  finish() {
    const size = this.entries.reduce((sum, {length}) => sum + length, 0);
    const count = this.entries.length;
    const end = fields([0x06054b50, 4, 0, 2, 0, 2, count, 2, count, 2, size, 4, this.length, 4, 0, 2]);
    return new Blob([...this.parts, ...this.entries, end], {type: 'application/zip'});
  }

  /** @param {string} name @returns {string} */
  uniqueName(name) {
    const [, stem, ending] = /** @type {RegExpExecArray} */ (/^(.*?)(\.[^.]*)?$/s.exec(name));
    let unique = name;
    for (let number = 2; this.names.has(unique); number++) unique = `${stem}-${number}${ending ?? ''}`;
    return unique;
  }
}

/**
 * Returns little-endian fields.
 *
 * @param {number[]} list value, number of bytes (2 or 4), value, number of bytes, …
 * @returns {Uint8Array<ArrayBuffer>}
 */
function fields(list) {
  const bytes = [];
  for (let i = 0; i < list.length; i += 2) {
    for (let byte = 0; byte < list[i + 1]; byte++) bytes.push((list[i] >>> (8 * byte)) & 255);
  }
  return Uint8Array.from(bytes);
}

/** @param {Uint8Array} first @param {Uint8Array} second @returns {Uint8Array<ArrayBuffer>} */
function join(first, second) {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

/** @param {Date} time @returns {number} the time of day, as MS-DOS writes it */
function dosTime(time) {
  return (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1);
}

/** @param {Date} time @returns {number} the date, as MS-DOS writes it */
function dosDate(time) {
  return (Math.max(0, time.getFullYear() - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate();
}
