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
    const common = [
      VERSION,
      UTF8_NAMES,
      0,
      dosTime(time),
      dosDate(time),
      crc,
      content.size,
      content.size,
      encoded.length,
    ];
    const local = fields('42222244422', [0x04034b50, ...common, 0]);
    const central = fields('42222224442222244', [0x02014b50, VERSION, ...common, 0, 0, 0, 0, 0, this.length]);
    const header = join(local, encoded);
    this.parts.push(header, content);
    this.entries.push(join(central, encoded));
    this.length += header.length + content.size;
    this.names.add(unique);
    return unique;
  }

  /** @returns {Blob} the ZIP file */
  finish() {
    const size = this.entries.reduce((sum, {length}) => sum + length, 0);
    const count = this.entries.length;
    const end = fields('42222442', [0x06054b50, 0, 0, count, count, size, this.length, 0]);
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
 * @param {string} sizes the number of bytes of each field, 2 or 4, as one digit
 * @param {number[]} values
 * @returns {Uint8Array<ArrayBuffer>}
 */
function fields(sizes, values) {
  const bytes = [];
  for (const [index, value] of values.entries()) {
    for (let byte = 0; byte < Number(sizes[index]); byte++) bytes.push((value >>> (8 * byte)) & 255);
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
