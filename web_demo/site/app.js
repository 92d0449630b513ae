/** The page: it sends what the user does to the worker as requests, and shows the responses. */

import {Camera} from './camera.js';
import {UserError} from './errors.js';
import {chooseBuild, chooseThreads, missingFeatures} from './support.js';
import {TimingsTable} from './timings.js';
import {WorkerClient} from './worker-client.js';

/** @typedef {import('./session.js').MatteResult} MatteResult */

const MEASURED_RUNS = 50;
const UPDATE_INTERVAL = 250; // milliseconds between two updates of the table and the frame rate while the camera runs
const BROWSERS = 'Use a current Chrome, Edge, Firefox or Safari.';
/** The end of the name of a saved file, for each background. */
const SUFFIXES = {transparent: 'cutout', matte: 'alpha', blur: 'composite', colour: 'composite', image: 'composite'};

/** Returns an element of the page. @template {Element} [T=HTMLElement] @param {string} id @returns {T} */
const byId = (id) => /** @type {any} */ (document.getElementById(id));

const canvas = /** @type {HTMLCanvasElement} */ (byId('canvas'));
const camera = new Camera(byId('video'));
const timings = new TimingsTable(/** @type {any} */ (document.querySelector('#timings tbody')), byId('runs'));

/** The user's choices. */
const selection = {
  background: /** @type {keyof typeof SUFFIXES} */ ('transparent'),
  backgroundFile: /** @type {File | undefined} */ (undefined),
  /** The name of the photo without its ending, or 'camera'. */
  name: 'photo',
};
/** @type {WorkerClient} */
let client;
let live = false; // whether the camera runs
/** The state of `updateBackground`. */
const backgroundUpdate = {running: false, wanted: false};

/** Checks the browser, loads the network and makes the page ready for use. */
async function start() {
  const missing = missingFeatures();
  if (missing.length > 0) {
    byId('status').textContent = '';
    showProblem(`This browser lacks ${missing.join(', ')}. ${BROWSERS}`);
    return;
  }
  const build = chooseBuild();
  const threads = chooseThreads();
  client = new WorkerClient();
  const offscreen = canvas.transferControlToOffscreen();
  listen();
  try {
    await client.request('start', {canvas: offscreen, build, threads}, [offscreen]);
  } catch (error) {
    byId('status').textContent = '';
    showProblem(error instanceof UserError ? error.message : `The network could not be started: ${messageOf(error)}.`);
    return;
  }
  for (const button of document.querySelectorAll('[data-action=choose], [data-action=camera]')) enable(button);
  document.body.dataset.ready = build;
  const speed = threads === 1 ? 'one thread' : `${threads} threads`;
  byId('status').textContent = `Ready, ${speed}`;
  if (await installServiceWorker(build)) {
    byId('status').textContent = `Ready offline, ${speed}`;
    document.body.dataset.offline = 'ready';
  }
}

/** @param {string} build @returns {Promise<boolean>} whether the page now works without a network */
async function installServiceWorker(build) {
  try {
    const worker = `service-worker.js?build=${build}`;
    await navigator.serviceWorker.register(worker, {updateViaCache: 'none'});
    await navigator.serviceWorker.ready;
    return true;
  } catch {
    return false; // no secure origin, private browsing or a full disk; the page works all the same while it is online
  }
}

/** Connects the controls of the page to their functions. */
function listen() {
  /** @type {Record<string, () => unknown>} */
  const actions = {
    choose: () => byId('file').click(),
    'choose-background': () => byId('background-file').click(),
    camera: () => (live ? stopCamera() : startCamera({facingMode: {ideal: 'user'}})),
    switch: async () => startCamera(await camera.otherCamera()),
    measure,
    save,
  };
  for (const button of document.querySelectorAll('[data-action]')) {
    const action = actions[/** @type {HTMLElement} */ (button).dataset.action ?? ''];
    button.addEventListener('click', () => run(action));
  }
  byId('dismiss').addEventListener('click', hideProblem);
  onFile(byId('file'), mattePhoto);
  onFile(byId('background-file'), useBackgroundFile);
  for (const input of document.querySelectorAll('[name=background]')) {
    input.addEventListener('change', () => run(() => selectBackground(/** @type {any} */ (input).value)));
  }
  byId('colour').addEventListener('input', () => run(() => selectBackground('colour')));
  for (const swatch of document.querySelectorAll('.swatch')) {
    const {dataset, style} = /** @type {HTMLElement} */ (swatch);
    style.setProperty('--swatch', dataset.colour ?? '');
    swatch.addEventListener('click', () => {
      /** @type {any} */ (byId('colour')).value = dataset.colour;
      run(() => selectBackground('colour'));
    });
  }
  document.addEventListener('paste', (event) => matteTransferred(event.clipboardData, event));
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
    matteTransferred(event.dataTransfer, event);
  });
}

/**
 * Mattes a photo that was dropped or pasted.
 *
 * @param {DataTransfer | null} data
 * @param {Event} event
 */
function matteTransferred(data, event) {
  const [file] = data?.files ?? [];
  if (!file) {
    if (event.type === 'drop') showProblem('That was not a file. Save the image as a file first, then drop it here.');
    return;
  }
  event.preventDefault();
  run(() => mattePhoto(file));
}

/**
 * Calls `use` with each file that the user chooses.
 *
 * @param {HTMLInputElement} input
 * @param {(file: File) => unknown} use
 */
function onFile(input, use) {
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    input.value = ''; // without this, choosing the same file again would not be a change
    if (file) run(() => use(file));
  });
}

/** Mattes a photo and shows the result. @param {File} file */
async function mattePhoto(file) {
  if (document.body.dataset.ready === undefined) {
    throw new UserError('The network is still loading. Try again in a moment.');
  }
  stopCamera();
  const result = await whileBusy(() => client.request('mattePhoto', {blob: file}));
  selection.name = file.name.replace(/\.[^.]*$/, '') || 'photo';
  timings.clear();
  showResult('photo', result);
  timings.show();
  canvas.setAttribute('aria-label', `${file.name}, ${result.width} by ${result.height} pixels, cut out`);
}

/** Starts a camera and mattes its frames until it is stopped. @param {MediaTrackConstraints} which camera */
async function startCamera(which) {
  stopCamera();
  const runs = await camera.start(which, () => {
    stopCamera();
    showProblem('The camera was disconnected.');
  });
  if (!runs) return;
  live = true;
  selection.name = 'camera';
  timings.clear();
  byId('camera').textContent = 'Stop';
  byId('switch').hidden = !(await camera.hasOthers());
  const {track} = camera;
  try {
    await matteFrames();
  } finally {
    if (camera.track === track) stopCamera(); // unless another camera was started meanwhile
  }
}

/** Mattes one frame after the other. Frames that come while one is being computed are skipped. */
async function matteFrames() {
  const {track, mirrored} = camera;
  let updated = 0;
  let frames = 0;
  while (live && camera.track === track) {
    const bitmap = await camera.nextFrame();
    if (!bitmap) continue;
    if (!live || camera.track !== track) return bitmap.close();
    const result = await client.request('matteFrame', {bitmap, mirrored}, [bitmap]);
    showResult('live', result);
    frames++;
    const now = performance.now();
    if (now - updated < UPDATE_INTERVAL) continue;
    timings.show();
    byId('rate').textContent = updated === 0 ? '' : `${Math.round((1000 * frames) / (now - updated))} frames/s`;
    [updated, frames] = [now, 0];
  }
}

/** Stops the camera. Its last frame stays on the page. */
function stopCamera() {
  camera.stop(); // also ends a start that still waits for the camera
  if (!live) return;
  live = false;
  byId('camera').textContent = 'Camera';
  byId('switch').hidden = true;
  byId('rate').hidden = true;
  document.body.dataset.state = canvas.hidden ? 'empty' : 'photo';
}

/**
 * Updates the page after an image was matted; the worker has already drawn it on the canvas.
 *
 * @param {'photo' | 'live'} state
 * @param {MatteResult} result
 */
function showResult(state, {width, height, seen, nobody, timings: run}) {
  timings.add(run);
  byId('nobody').hidden = !nobody;
  canvas.dataset.seen = seen.map(({top, left, height: h, width: w}) => [top, left, h, w].join(' ')).join(', ');
  if (state === 'live' && !live) state = 'photo';
  if (document.body.dataset.state === state && canvas.dataset.size === `${width}×${height}`) return;
  document.body.dataset.state = state;
  byId('rate').hidden = state !== 'live';
  canvas.dataset.size = `${width}×${height}`;
  canvas.style.setProperty('--ratio', String(width / height));
  canvas.hidden = false;
  if (state === 'live') canvas.setAttribute('aria-label', 'The camera, cut out');
  byId('empty').hidden = true;
  enable(byId('save'));
  enable(byId('measure'));
}

/**
 * Changes the background. For an image, the user is asked for a file if none was chosen yet.
 *
 * @param {keyof typeof SUFFIXES} kind
 */
async function selectBackground(kind) {
  byId('colours').hidden = kind !== 'colour';
  byId('background-image').hidden = kind !== 'image';
  if (kind === 'image' && !selection.backgroundFile) return byId('background-file').click();
  selection.background = kind;
  await updateBackground();
}

/** Makes an image file the background. @param {File} file */
async function useBackgroundFile(file) {
  await whileBusy(() => client.request('setBackground', {background: {kind: 'image', blob: file}}));
  selection.background = 'image';
  selection.backgroundFile = file;
  byId('background-name').textContent = file.name;
}

/** Sends the selected background to the worker. While it renders one, only the last of the later changes is kept. */
async function updateBackground() {
  backgroundUpdate.wanted = true;
  if (backgroundUpdate.running) return;
  backgroundUpdate.running = true;
  try {
    while (backgroundUpdate.wanted) {
      backgroundUpdate.wanted = false;
      await client.request('setBackground', {background: selectedBackground()});
    }
  } finally {
    backgroundUpdate.running = false;
  }
}

/** Returns the selected background, as the worker's `setBackground` takes it. */
function selectedBackground() {
  const kind = selection.background;
  if (kind === 'image') return {kind, blob: selection.backgroundFile};
  if (kind !== 'colour') return {kind};
  const value = Number.parseInt(/** @type {any} */ (byId('colour')).value.slice(1), 16);
  return {kind, colour: [value >> 16, (value >> 8) & 255, value & 255]};
}

/** Measures how long the current image takes, and shows the distribution. */
async function measure() {
  stopCamera();
  const {timings: runs} = await whileBusy(() => client.request('measure', {runs: MEASURED_RUNS}));
  timings.clear();
  timings.add(...runs);
  timings.show();
}

/** Saves the result as a PNG file of the image's own size. */
async function save() {
  const {blob} = await whileBusy(() => client.request('save'));
  const link = document.createElement('a');
  link.download = `${selection.name}-${SUFFIXES[selection.background]}.png`;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * Shows the busy sign until the work is done.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function whileBusy(work) {
  if (!live) byId('busy').hidden = false;
  try {
    return await work();
  } finally {
    byId('busy').hidden = true;
  }
}

/** Runs an action of the user. If it fails, the page shows why and stays as it was. @param {() => unknown} action */
async function run(action) {
  hideProblem();
  try {
    await action();
  } catch (error) {
    showProblem(error instanceof UserError ? error.message : `Something went wrong: ${messageOf(error)}.`);
  }
}

/** @param {string} text */
function showProblem(text) {
  byId('problem-text').textContent = text;
  byId('problem').hidden = false;
}

function hideProblem() {
  byId('problem').hidden = true;
}

/** @param {Element} button */
function enable(button) {
  button.removeAttribute('disabled');
}

/** @param {unknown} error @returns {string} */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

start();
