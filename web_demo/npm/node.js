/** The package in node: the network runs in the calling thread. */

import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname} from 'node:path';
import {fileURLToPath} from 'node:url';
import {runInThisContext} from 'node:vm';

import {RemoteMatter, checkModel} from './matter-api.js';

const BASE = new URL('./', import.meta.url);

/** @param {{model?: Uint8Array}} [options] */
export async function createMatter({model} = {}) {
  checkModel(model);
  const scope = /** @type {any} */ (globalThis);
  // LiteRT.js expects the names of a worker. They are there only while it is loaded.
  const before = {self: scope.self, importScripts: scope.importScripts};
  Object.assign(scope, {self: scope, importScripts: runScript});
  try {
    const {Session} = await import('./engine/session.js');
    const session = new Session();
    const core = await WebAssembly.compile(readFileSync(new URL('core/core.wasm', BASE)));
    const bytes = model ?? new Uint8Array(readFileSync(new URL('model.tflite', BASE)));
    const start = {kind: 'start', base: BASE.href, build: 'compat', threads: 1, model: bytes, core};
    const {size} = /** @type {any} */ ((await session.handle(start)).message);
    let last = Promise.resolve(); // requests are answered one at a time, in order
    const request = (/** @type {string} */ kind, /** @type {object} */ data) => {
      const answer = last.then(async () => (await session.handle({kind, ...data})).message);
      last = answer.then(
        () => {},
        () => {},
      );
      return answer;
    };
    return new RemoteMatter(request, size, () => session.close());
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete scope[name];
      else scope[name] = value;
    }
  }
}

/** Runs the script of LiteRT.js, as `importScripts` does in a worker. @param {string} address */
function runScript(address) {
  const path = fileURLToPath(address);
  const source = `(function (require, __filename, __dirname) {${readFileSync(path, 'utf8')}
    globalThis.ModuleFactory = ModuleFactory;
  })`;
  runInThisContext(source, {filename: path})(createRequire(path), path, dirname(path));
}
