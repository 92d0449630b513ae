/*
 * The service worker, which makes the page work without a network. When the page is first opened, every file of it is
 * cached under a key that contains the file's hash. From then on files come from the cache, so the page opens at once,
 * even if the network is slow or stalls, and all of its files are of one version.
 *
 * A newer page or model is loaded behind: browsers install this service worker again when the list of files changes.
 * The newer one takes over after the page was closed, as browsers do by default, or when the user asks for it with
 * the page's button. It must not call `skipWaiting` by itself: if it takes over a page that is loading, Chromium
 * sometimes never answers the requests of the page's workers.
 *
 * `?build=` in the address names the build of LiteRT.js that runs in this browser. The other build is not cached.
 */
'use strict';

// Sets self.PRECACHE: path → integrity. Browsers install this service worker again when that file changes.
importScripts('precache.js');

const CACHE = 'mmnet';
const scope = self.registration.scope;
const otherBuild = new URL(self.location.href).searchParams.get('build') === 'threaded' ? 'compat' : 'threaded';
const isOtherBuild = (path) => path.startsWith('litert/') && path.includes(otherBuild);
const files = Object.entries(self.PRECACHE).filter(([path]) => !isOtherBuild(path));

/** Returns the address under which a file is cached. It contains the hash, so that old and new files do not collide. */
const cacheKey = (path, integrity) => `${new URL(path, scope)}?${encodeURIComponent(integrity)}`;

/** Caches every file that is not cached yet. */
async function cacheFiles() {
  const cache = await caches.open(CACHE);
  await Promise.all(
    files.map(async ([path, integrity]) => {
      const key = cacheKey(path, integrity);
      if (await cache.match(key)) return;
      await cache.put(key, await fetch(new URL(path, scope), {integrity, cache: 'no-cache'}));
    }),
  );
}

/** Deletes the cached files of older versions of the page. */
async function deleteOldFiles() {
  const cache = await caches.open(CACHE);
  const current = new Set(files.map(([path, integrity]) => cacheKey(path, integrity)));
  await Promise.all((await cache.keys()).filter(({url}) => !current.has(url)).map((request) => cache.delete(request)));
  await self.clients.claim();
}

/** Returns the response to a request: from the cache, or from the network if the file is not cached. */
async function respond(request) {
  const path = new URL(request.url).pathname.slice(new URL(scope).pathname.length) || 'index.html';
  const integrity = self.PRECACHE[path];
  const cached = integrity && (await (await caches.open(CACHE)).match(cacheKey(path, integrity)));
  return cached || fetch(request);
}

/** Keeps the photos that another app shares until the page takes them, and opens the page. */
async function receive(request) {
  const cache = await caches.open('mmnet-shared');
  const files = (await request.formData()).getAll('photos').filter((value) => value instanceof File);
  for (const [index, file] of files.entries()) {
    const name = encodeURIComponent(file.name || `shared-${index + 1}`);
    await cache.put(`${scope}shared/${index}?name=${name}`, new Response(file));
  }
  return Response.redirect(`${scope}?shared`, 303);
}

self.addEventListener('install', (event) => event.waitUntil(cacheFiles()));
self.addEventListener('activate', (event) => event.waitUntil(deleteOldFiles()));
self.addEventListener('message', ({data}) => {
  if (data === 'use') self.skipWaiting();
});
self.addEventListener('fetch', (event) => {
  if (event.request.method === 'POST' && event.request.url === `${scope}share`) event.respondWith(receive(event.request));
  if (event.request.method === 'GET' && event.request.url.startsWith(scope)) event.respondWith(respond(event.request));
});
