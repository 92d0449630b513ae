/*
 * The worker that computes everything, so that the page stays responsive. LiteRT.js loads its WebAssembly with
 * importScripts, which exists in classic workers only. So this file is a classic script, and it imports the modules.
 */
'use strict';

const session = import('./engine/session.js').then(({Session}) => new Session());

let last = Promise.resolve(); // settles when the latest request is done; requests are handled one at a time, in order

self.onmessage = ({data}) => {
  last = last.then(async () => {
    try {
      const notify = (note) => self.postMessage({id: data.id, note});
      const {message, transfer = []} = await (await session).handle(data, notify);
      self.postMessage({id: data.id, ...message}, transfer);
    } catch (error) {
      self.postMessage({id: data.id, error: error?.message || String(error), forUser: error?.forUser === true});
    }
  });
};
