/** The page: it sends what the user does to the worker as requests, and shows the responses. */

import {BusySign} from './busy.js';
import {Camera} from './camera.js';
import {UserError} from './errors.js';
import {installServiceWorker, useNewer} from './offline.js';
import {chooseBuild, chooseThreads, missingFeatures} from './support.js';
import {frameRate, TimingsTable} from './timings.js';
import {WaitingPhotos} from './waiting.js';
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
const busy = new BusySign(byId('busy'), byId('busy-text'), byId('announcement'));
const waiting = new WaitingPhotos(byId('waiting'), byId('waiting-text'));
const timings = new TimingsTable(/** @type {any} */ (document.querySelector('#timings tbody')), byId('runs'));

/** The user's choices. */
const selection = {
  background: /** @type {keyof typeof SUFFIXES} */ ('transparent'),
  /** The background to go back to if the user cancels the choice of an image. */
  backgroundBefore: /** @type {keyof typeof SUFFIXES | undefined} */ (undefined),
  backgroundFile: /** @type {File | undefined} */ (undefined),
  /** The name of the photo without its ending, or 'camera'. */
  name: 'photo',
};
/** @type {WorkerClient} */
let client;
let live = false; // whether the camera runs
/** The state of `updateBackground`. */
const backgroundUpdate = {running: /** @type {Promise<void> | undefined} */ (undefined), wanted: false};
/** Settles when the network was loaded; a photo that is chosen before waits for it. @type {Promise<unknown>} */
let loaded;

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
  loaded = client.request('start', {canvas: offscreen, build, threads}, [offscreen]);
  listen();
  for (const button of document.querySelectorAll('[data-action=choose]')) enable(button);
  try {
    await loaded;
  } catch (error) {
    byId('status').textContent = '';
    showProblem(error instanceof UserError ? error.message : `The network could not be started: ${messageOf(error)}.`);
    return;
  }
  for (const button of document.querySelectorAll('[data-action=camera]')) enable(button);
  document.body.dataset.ready = build;
  const speed = threads === 1 ? 'one thread' : `${threads} threads`;
  byId('status').textContent = `Ready, ${speed}`;
  if (await installServiceWorker(build, () => (byId('newer').hidden = false))) {
    byId('status').textContent = `Ready offline, ${speed}`;
    document.body.dataset.offline = 'ready';
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
    copy,
    next: () => {
      const file = waiting.take();
      if (file) return mattePhoto(file);
    },
    discard: () => waiting.clear(),
    update: useNewer,
  };
  for (const button of document.querySelectorAll('[data-action]')) {
    const action = actions[/** @type {HTMLElement} */ (button).dataset.action ?? ''];
    button.addEventListener('click', () => run(action));
  }
  byId('dismiss').addEventListener('click', hideProblem);
  onFiles(byId('file'), takePhotos);
  onFiles(byId('background-file'), ([file]) => run(() => useBackgroundFile(file)));
  byId('background-file').addEventListener('cancel', cancelBackgroundFile);
  listenForComparison(byId('compare'));
  for (const input of document.querySelectorAll('[name=background]')) {
    input.addEventListener('change', () => run(() => selectBackground(/** @type {any} */ (input).value)));
  }
  document.querySelector('[value=image]')?.addEventListener('click', (event) => {
    // A click with the mouse or a finger opens the dialog. The arrow keys, which click too, have a detail of 0.
    if (/** @type {MouseEvent} */ (event).detail === 0 || selection.backgroundFile) return;
    if (selection.background !== 'image') selection.backgroundBefore = selection.background;
    byId('background-file').click();
  });
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
 * Shows the image as it is while a button is held down, with a pointer, the space bar or Enter.
 *
 * @param {HTMLElement} button
 */
function listenForComparison(button) {
  const compare = (/** @type {boolean} */ original) => {
    if (String(original) === button.getAttribute('aria-pressed')) return;
    button.setAttribute('aria-pressed', String(original));
    run(() => client.request('compare', {original}));
  };
  button.addEventListener('pointerdown', () => compare(true));
  for (const end of ['pointerup', 'pointerleave', 'pointercancel', 'keyup', 'blur']) {
    button.addEventListener(end, () => compare(false));
  }
  button.addEventListener('contextmenu', (event) => event.preventDefault()); // phones open it on a long press
  button.addEventListener('keydown', (event) => {
    if (event.key === ' ' || event.key === 'Enter') compare(true);
  });
}

/**
 * Mattes photos that were dropped or pasted.
 *
 * @param {DataTransfer | null} data
 * @param {Event} event
 */
function matteTransferred(data, event) {
  const files = [...(data?.files ?? [])];
  if (files.length === 0) {
    if (event.type === 'drop') showProblem('That was not a file. Save the image as a file first, then drop it here.');
    return;
  }
  event.preventDefault();
  takePhotos(files);
}

/**
 * Calls `use` with the files that the user chooses.
 *
 * @param {HTMLInputElement} input
 * @param {(files: File[]) => unknown} use
 */
function onFiles(input, use) {
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    input.value = ''; // without this, choosing the same files again would not be a change
    if (files.length > 0) use(files);
  });
}

/** Mattes the first of some photos. The others wait until the user asks for them. @param {File[]} files */
function takePhotos([first, ...others]) {
  waiting.add(others);
  run(() => mattePhoto(first));
}

/** Mattes a photo and shows the result. @param {File} file */
async function mattePhoto(file) {
  stopCamera();
  const result = await busy.during(`Cutting out ${file.name}`, file.name, async () => {
    await loaded;
    return client.request('mattePhoto', {blob: file});
  });
  selection.name = file.name.replace(/\.[^.]*$/, '') || 'photo';
  timings.clear();
  showResult('photo', result);
  timings.show();
  canvas.setAttribute('aria-label', `${file.name}, ${result.width} by ${result.height} pixels, cut out`);
  const more = waiting.files.length > 0 ? ` ${byId('waiting-text').textContent}.` : '';
  busy.say(`${file.name} is ${result.nobody ? 'done. Nobody was found in it' : 'cut out'}.${more}`);
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
  busy.say('The camera runs.');
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
    byId('rate').textContent = updated === 0 ? '' : frameRate(frames, now - updated);
    [updated, frames] = [now, 0];
  }
}

/** Stops the camera. Its last frame stays on the page. */
function stopCamera() {
  camera.stop(); // also ends a start that still waits for the camera
  if (!live) return;
  live = false;
  busy.say('The camera is off.');
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
  for (const id of ['save', 'copy', 'compare', 'measure']) enable(byId(id));
}

/**
 * Changes the background. An image of which no file was chosen yet leaves it transparent.
 *
 * @param {keyof typeof SUFFIXES} kind
 */
async function selectBackground(kind) {
  byId('colours').hidden = kind !== 'colour';
  byId('background-image').hidden = kind !== 'image';
  selection.background = kind;
  await updateBackground();
}

/** Makes an image file the background. @param {File} file */
async function useBackgroundFile(file) {
  selection.backgroundBefore = undefined;
  const background = {kind: 'image', blob: file};
  await busy.during(`Reading ${file.name}`, file.name, () => client.request('setBackground', {background}));
  selection.backgroundFile = file;
  byId('background-name').textContent = file.name;
  if (selection.background !== 'image') await updateBackground(); // the user selected another one meanwhile
  else busy.say(`${file.name} is the background.`);
}

/** Goes back to the background that was selected before the user began to choose an image. */
function cancelBackgroundFile() {
  const kind = selection.backgroundBefore;
  selection.backgroundBefore = undefined;
  if (!kind || selection.background !== 'image') return;
  /** @type {any} */ (document.querySelector(`[value=${kind}]`)).checked = true;
  run(() => selectBackground(kind));
}

/** Sends the selected background to the worker. While it renders one, only the last of the later changes is kept. */
function updateBackground() {
  backgroundUpdate.wanted = true;
  backgroundUpdate.running ??= sendBackgrounds().finally(() => (backgroundUpdate.running = undefined));
  return backgroundUpdate.running;
}

async function sendBackgrounds() {
  while (backgroundUpdate.wanted) {
    backgroundUpdate.wanted = false;
    await client.request('setBackground', {background: selectedBackground()});
  }
}

/** @returns {keyof typeof SUFFIXES} what is shown and saved as the background. */
function shownBackground() {
  return selection.background === 'image' && !selection.backgroundFile ? 'transparent' : selection.background;
}

/** Returns the selected background, as the worker's `setBackground` takes it. */
function selectedBackground() {
  const kind = shownBackground();
  if (kind === 'image') return {kind, blob: selection.backgroundFile};
  if (kind !== 'colour') return {kind};
  const value = Number.parseInt(/** @type {any} */ (byId('colour')).value.slice(1), 16);
  return {kind, colour: [value >> 16, (value >> 8) & 255, value & 255]};
}

/** Measures how long the current image takes, and shows the distribution. */
async function measure() {
  stopCamera();
  const {timings: runs} = await busy.during(`Measuring ${MEASURED_RUNS} runs`, 'measuring', () =>
    client.request('measure', {runs: MEASURED_RUNS}),
  );
  timings.clear();
  timings.add(...runs);
  timings.show();
  busy.say(`Measured ${MEASURED_RUNS} runs.`);
}

/** Saves the result as a PNG file of the image's own size. */
async function save() {
  const {blob, kind} = await busy.during('Saving', 'saving', renderFile);
  const link = document.createElement('a');
  link.download = `${selection.name}-${SUFFIXES[kind]}.png`;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  busy.say(`Saved ${link.download}.`);
}

/** Copies the result to the clipboard, as a PNG file of the image's own size. */
async function copy() {
  if (!navigator.clipboard || !self.ClipboardItem) {
    throw new UserError('Browsers allow copying only over HTTPS, or on pages of this machine itself. Save the image.');
  }
  const file = busy.during('Copying', 'copying', renderFile).then(({blob}) => blob);
  try {
    // Safari needs the promise: when the file is ready, the click would be too long ago.
    await navigator.clipboard.write([new ClipboardItem({'image/png': file})]);
  } catch {
    await file; // what failed may be the file
    throw new UserError('The browser did not allow the page to copy. Save the image instead.');
  }
  busy.say('Copied.');
}

/**
 * Renders the result at the image's own size, when the selected background is in place.
 *
 * @returns {Promise<{blob: Blob, kind: keyof typeof SUFFIXES}>} a PNG file, and its background
 */
async function renderFile() {
  await backgroundUpdate.running?.catch(() => {}); // the page has said why it failed
  const kind = shownBackground();
  const {blob} = await client.request('save');
  return {blob, kind};
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
