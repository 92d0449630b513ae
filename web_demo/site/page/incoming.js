/** Photos that come to the page: chosen, dropped, pasted, shared by another app or opened with the installed page. */

import {byId, inputById, run, showProblem} from './dom.js';

const SHARED = 'mmnet-shared'; // cache in which the service worker leaves shared photos

/**
 * Calls `use` with the files that the user chooses.
 *
 * @param {string} id of an input for files
 * @param {(files: File[]) => unknown} use
 */
export function onFiles(id, use) {
  const input = inputById(id);
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    input.value = ''; // without this, choosing the same files again would not be a change
    if (files.length > 0) run(() => use(files));
  });
}

/** Takes photos from everywhere. @param {(files: File[]) => Promise<void>} take */
export function listenForPhotos(take) {
  onFiles('file', take);
  document.addEventListener('paste', (event) => takeTransferred(event.clipboardData, event, take));
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dragging');
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) document.body.classList.remove('dragging');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dragging');
    takeTransferred(event.dataTransfer, event, take);
  });
  /** @type {any} */ (self).launchQueue?.setConsumer((/** @type {any} */ {files}) =>
    run(async () => {
      const opened = await Promise.all((files ?? []).map((/** @type {any} */ handle) => handle.getFile()));
      if (opened.length > 0) await take(opened);
    }),
  );
  if (new URLSearchParams(location.search).has('shared')) run(() => takeShared(take));
}

/**
 * Takes photos that were dropped or pasted.
 *
 * @param {DataTransfer | null} data
 * @param {Event} event
 * @param {(files: File[]) => Promise<void>} take
 */
function takeTransferred(data, event, take) {
  const files = [...(data?.files ?? [])];
  if (files.length === 0) {
    if (event.type === 'drop') showProblem('That was not a file. Save the image as a file first, then drop it here.');
    return;
  }
  event.preventDefault();
  run(() => take(files));
}

/** Takes the photos that another app shared with the installed page. @param {(files: File[]) => Promise<void>} take */
async function takeShared(take) {
  history.replaceState(null, '', './');
  const cache = await caches.open(SHARED);
  const files = [];
  for (const request of await cache.keys()) {
    const blob = await (await cache.match(request))?.blob();
    const name = new URL(request.url).searchParams.get('name') ?? 'shared';
    if (blob) files.push(new File([blob], name, {type: blob.type}));
  }
  await caches.delete(SHARED);
  if (files.length > 0) await take(files);
  else showProblem('No photo was shared. Share an image file.');
}

/** Takes the sample photo. @param {(files: File[]) => Promise<void>} take */
export async function takeSample(take) {
  const image = /** @type {HTMLImageElement} */ (byId('sample'));
  const blob = await (await fetch(image.src)).blob();
  await take([new File([blob], 'astronaut.webp', {type: blob.type})]);
}
