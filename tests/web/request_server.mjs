/**
 * A program for node that reads requests from standard input and writes the answers to standard output, until the input
 * ends. Each request and each answer is a length in bytes, a big-endian int, and then its bytes.
 */

import {readSync, writeSync} from 'node:fs';

import {answer} from './request_handler.mjs';

function read(length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const count = readSync(0, bytes, at, length - at, null);
    if (count === 0) process.exit(0);
    at += count;
  }
  return bytes;
}

function write(bytes) {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

for (;;) {
  const bytes = answer(new Uint8Array(read(read(4).readInt32BE())));
  const header = Buffer.alloc(4);
  header.writeInt32BE(bytes.length);
  write(header);
  write(bytes);
}
