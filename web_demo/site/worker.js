/*
 * Everything that computes, off the page's own thread. LiteRT.js loads its WebAssembly with importScripts, which only a
 * classic worker has; the rest are modules.
 */
'use strict';

const session = import('./session.js').then(({Session}) => new Session());

let last = Promise.resolve(); // one message at a time, in their order

self.onmessage = ({data}) => {
  last = last.then(async () => {
    try {
      const {message, transfer = []} = await (await session).handle(data);
      self.postMessage({id: data.id, ...message}, transfer);
    } catch (error) {
      self.postMessage({id: data.id, error: error?.message || String(error), expected: error?.expected === true});
    }
  });
};
