/** Answers requests on standard input until it ends; each has its length before it, as each answer has. */

import {readSync, writeSync} from 'node:fs';

import {answer} from './answers.mjs';

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
  const found = answer(new Uint8Array(read(read(4).readInt32BE())));
  const header = Buffer.alloc(4);
  header.writeInt32BE(found.length);
  write(header);
  write(found);
}
