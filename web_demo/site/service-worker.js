/*
 * Works without a network: every file of the page is kept, by its hash, when the page is first opened. While there is a
 * network it is asked first, so that a newer page or model is there at once.
 *
 * A newer one of these takes over once the page was closed, as browsers have it. Were it to take over a page that loads
 * (`skipWaiting`), Chromium would at times never answer what the page's workers ask for.
 *
 * `?build=` names the build of LiteRT.js that runs in this browser; the other one is not kept.
 */
'use strict';

importScripts('precache.js'); // self.PRECACHE: path → integrity. A change there makes browsers install this anew.

const CACHE = 'mmnet';
const scope = self.registration.scope;
const unused = new URL(self.location.href).searchParams.get('build') === 'threaded' ? 'compat' : 'threaded';
const kept = Object.entries(self.PRECACHE).filter(([path]) => !(path.startsWith('litert/') && path.includes(unused)));

/** Under which address a file is kept: with its hash, so that old and new lie beside each other. */
const keyOf = (path, integrity) => `${new URL(path, scope)}?${encodeURIComponent(integrity)}`;

async function fill() {
  const cache = await caches.open(CACHE);
  await Promise.all(
    kept.map(async ([path, integrity]) => {
      const key = keyOf(path, integrity);
      if (await cache.match(key)) return;
      await cache.put(key, await fetch(new URL(path, scope), {integrity, cache: 'no-cache'}));
    }),
  );
}

async function tidy() {
  const cache = await caches.open(CACHE);
  const wanted = new Set(kept.map(([path, integrity]) => keyOf(path, integrity)));
  await Promise.all((await cache.keys()).filter(({url}) => !wanted.has(url)).map((request) => cache.delete(request)));
  await self.clients.claim();
}

async function answer(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const path = new URL(request.url).pathname.slice(new URL(scope).pathname.length) || 'index.html';
    const cached = self.PRECACHE[path] && (await (await caches.open(CACHE)).match(keyOf(path, self.PRECACHE[path])));
    if (!cached) throw error;
    return cached;
  }
}

self.addEventListener('install', (event) => event.waitUntil(fill()));
self.addEventListener('activate', (event) => event.waitUntil(tidy()));
self.addEventListener('fetch', (event) => {
  if (event.request.method === 'GET' && event.request.url.startsWith(scope)) event.respondWith(answer(event.request));
});
