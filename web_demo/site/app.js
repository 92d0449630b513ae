/** The page: what is pressed, dropped and pasted goes to the worker; what comes back is shown. */

import {Camera} from './camera.js';
import {Engine, Refusal} from './engine.js';
import {chooseBuild, chooseThreads, missing} from './support.js';
import {TimingsTable} from './timings.js';

const RUNS = 50;
const SHOWN_EVERY = 250; // milliseconds between two updates of the numbers while the camera runs
const NAMES = {transparent: 'cutout', matte: 'alpha', blur: 'composite', colour: 'composite', picture: 'composite'};

/** @template {Element} [T=HTMLElement] @param {string} id @returns {T} */
const the = (id) => /** @type {any} */ (document.getElementById(id));

const canvas = /** @type {HTMLCanvasElement} */ (the('canvas'));
const camera = new Camera(the('video'));
const timings = new TimingsTable(/** @type {any} */ (document.querySelector('#timings tbody')), the('runs'));

/** What the person chose last. */
const chosen = {
  background: /** @type {keyof typeof NAMES} */ ('transparent'),
  behind: /** @type {File | undefined} */ (undefined),
  name: 'photo',
};
/** @type {Engine} */
let engine;
let live = false;
const painting = {busy: false, wanted: false};

async function start() {
  const lacking = missing();
  if (lacking.length > 0) {
    the('status').textContent = '';
    tell(`This browser lacks ${lacking.join(', ')}. Take a current Chrome, Edge, Firefox or Safari.`);
    return;
  }
  const build = chooseBuild();
  const threads = chooseThreads();
  engine = new Engine();
  const screen = canvas.transferControlToOffscreen();
  listen();
  try {
    await engine.ask('start', {canvas: screen, build, threads}, [screen]);
  } catch (error) {
    the('status').textContent = '';
    tell(error instanceof Refusal ? error.message : `The network could not be started: ${message(error)}.`);
    return;
  }
  for (const button of document.querySelectorAll('[data-action=choose], [data-action=camera]')) enable(button);
  document.body.dataset.ready = build;
  const speed = threads === 1 ? 'one thread' : `${threads} threads`;
  the('status').textContent = `Ready, ${speed}`;
  if (await keepForOffline(build)) {
    the('status').textContent = `Ready offline, ${speed}`;
    document.body.dataset.offline = 'ready';
  }
}

/** @param {string} build @returns {Promise<boolean>} whether the page now works without a network */
async function keepForOffline(build) {
  try {
    const worker = `service-worker.js?build=${build}`;
    await navigator.serviceWorker.register(worker, {updateViaCache: 'none'});
    await navigator.serviceWorker.ready;
    return true;
  } catch {
    return false; // no secure origin, private browsing, a full disk: the page works all the same
  }
}

function listen() {
  /** @type {Record<string, () => unknown>} */
  const actions = {
    choose: () => the('file').click(),
    behind: () => the('behind-file').click(),
    camera: () => (live ? stopCamera() : startCamera({facingMode: {ideal: 'user'}})),
    switch: async () => startCamera(await camera.next()),
    measure,
    save,
  };
  for (const button of document.querySelectorAll('[data-action]')) {
    const action = actions[/** @type {HTMLElement} */ (button).dataset.action ?? ''];
    button.addEventListener('click', () => attempt(action));
  }
  the('dismiss').addEventListener('click', quiet);
  onFile(the('file'), matte);
  onFile(the('behind-file'), layBehind);
  for (const input of document.querySelectorAll('[name=background]')) {
    input.addEventListener('change', () => attempt(() => choose(/** @type {any} */ (input).value)));
  }
  the('colour').addEventListener('input', () => attempt(() => choose('colour')));
  for (const swatch of document.querySelectorAll('.swatch')) {
    const {dataset, style} = /** @type {HTMLElement} */ (swatch);
    style.setProperty('--swatch', dataset.colour ?? '');
    swatch.addEventListener('click', () => {
      /** @type {any} */ (the('colour')).value = dataset.colour;
      attempt(() => choose('colour'));
    });
  }
  document.addEventListener('paste', (event) => take(event.clipboardData, event));
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
    take(event.dataTransfer, event);
  });
}

/**
 * A picture that was dropped or pasted.
 *
 * @param {DataTransfer | null} data
 * @param {Event} event
 */
function take(data, event) {
  const [file] = data?.files ?? [];
  if (!file) {
    if (event.type === 'drop') tell('That was no file. Save the picture first, then drop it here.');
    return;
  }
  event.preventDefault();
  attempt(() => matte(file));
}

/**
 * @param {HTMLInputElement} input
 * @param {(file: File) => unknown} use
 */
function onFile(input, use) {
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    input.value = ''; // the same file again is a change again
    if (file) attempt(() => use(file));
  });
}

/** @param {File} file */
async function matte(file) {
  if (document.body.dataset.ready === undefined) throw new Refusal('The network is still loading. Try again in a moment.');
  stopCamera();
  const answer = await working(() => engine.ask('photo', {blob: file}));
  chosen.name = file.name.replace(/\.[^.]*$/, '') || 'photo';
  timings.clear();
  shown('photo', answer);
  timings.show();
  canvas.setAttribute('aria-label', `${file.name}, ${answer.width} by ${answer.height} pixels, cut out`);
}

/** @param {MediaTrackConstraints} which */
async function startCamera(which) {
  stopCamera();
  const runs = await camera.start(which, () => {
    stopCamera();
    tell('The camera was disconnected.');
  });
  if (!runs) return;
  live = true;
  chosen.name = 'camera';
  timings.clear();
  the('camera').textContent = 'Stop';
  the('switch').hidden = !(await camera.hasOthers());
  const {track} = camera;
  try {
    await watch();
  } finally {
    if (camera.track === track) stopCamera(); // and not the one that was switched to meanwhile
  }
}

/** Mattes frame after frame: each that comes while the one before is computed is left out. */
async function watch() {
  const {track, mirrored} = camera;
  let drawn = 0;
  let frames = 0;
  while (live && camera.track === track) {
    const bitmap = await camera.frame();
    if (!bitmap) continue;
    if (!live || camera.track !== track) return bitmap.close();
    const answer = await engine.ask('frame', {bitmap, mirrored}, [bitmap]);
    shown('live', answer);
    frames++;
    const now = performance.now();
    if (now - drawn < SHOWN_EVERY) continue;
    timings.show();
    the('rate').textContent = drawn === 0 ? '' : `${Math.round((1000 * frames) / (now - drawn))} frames/s`;
    [drawn, frames] = [now, 0];
  }
}

function stopCamera() {
  camera.stop(); // even while it is being asked for
  if (!live) return;
  live = false;
  the('camera').textContent = 'Camera';
  the('switch').hidden = true;
  the('rate').hidden = true;
  document.body.dataset.state = canvas.hidden ? 'empty' : 'photo'; // the last frame stays
}

/**
 * @param {'photo' | 'live'} state
 * @param {{width: number, height: number, timings: import('./session.js').Timings}} answer
 */
function shown(state, {width, height, timings: run}) {
  timings.add(run);
  if (state === 'live' && !live) state = 'photo';
  if (document.body.dataset.state === state && canvas.dataset.size === `${width}×${height}`) return;
  document.body.dataset.state = state;
  the('rate').hidden = state !== 'live';
  canvas.dataset.size = `${width}×${height}`;
  canvas.style.setProperty('--ratio', String(width / height));
  canvas.hidden = false;
  if (state === 'live') canvas.setAttribute('aria-label', 'The camera, cut out');
  the('empty').hidden = true;
  enable(the('save'));
  enable(the('measure'));
}

/** @param {keyof typeof NAMES} kind */
async function choose(kind) {
  the('colours').hidden = kind !== 'colour';
  the('behind').hidden = kind !== 'picture';
  if (kind === 'picture' && !chosen.behind) return the('behind-file').click();
  chosen.background = kind;
  await repaint();
}

/** @param {File} file */
async function layBehind(file) {
  await working(() => engine.ask('setBackground', {background: {kind: 'picture', blob: file}}));
  chosen.background = 'picture';
  chosen.behind = file;
  the('behind-name').textContent = file.name;
}

/** Asks for the background that is chosen; while one is being painted, only the last of those asked for counts. */
async function repaint() {
  painting.wanted = true;
  if (painting.busy) return;
  painting.busy = true;
  try {
    while (painting.wanted) {
      painting.wanted = false;
      await engine.ask('setBackground', {background: background()});
    }
  } finally {
    painting.busy = false;
  }
}

/** What the worker takes as one. */
function background() {
  const kind = chosen.background;
  if (kind === 'picture') return {kind, blob: chosen.behind};
  if (kind !== 'colour') return {kind};
  const value = Number.parseInt(/** @type {any} */ (the('colour')).value.slice(1), 16);
  return {kind, colour: [value >> 16, (value >> 8) & 255, value & 255]};
}

async function measure() {
  stopCamera();
  const {timings: runs} = await working(() => engine.ask('measure', {runs: RUNS}));
  timings.clear();
  timings.add(...runs);
  timings.show();
}

async function save() {
  const {blob} = await working(() => engine.ask('save'));
  const link = document.createElement('a');
  link.download = `${chosen.name}-${NAMES[chosen.background]}.png`;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * Shows that something is going on.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function working(work) {
  if (!live) the('busy').hidden = false;
  try {
    return await work();
  } finally {
    the('busy').hidden = true;
  }
}

/** Runs what was asked for; what fails is told, and everything stays as it was. @param {() => unknown} action */
async function attempt(action) {
  quiet();
  try {
    await action();
  } catch (error) {
    tell(error instanceof Refusal ? error.message : `Something went wrong: ${message(error)}.`);
  }
}

/** @param {string} text */
function tell(text) {
  the('problem-text').textContent = text;
  the('problem').hidden = false;
}

function quiet() {
  the('problem').hidden = true;
}

/** @param {Element} button */
function enable(button) {
  button.removeAttribute('disabled');
}

/** @param {unknown} error */
function message(error) {
  return error instanceof Error ? error.message : String(error);
}

start();
