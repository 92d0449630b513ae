/** The page: it sends what the user does to the worker as requests, and shows the responses. */

import {UserError} from './engine/errors.js';
import {BackgroundChoice} from './page/background.js';
import {BusySign} from './page/busy.js';
import {Comparison} from './page/compare.js';
import {byId, enable, hideProblem, messageOf, problemOf, run, showProblem} from './page/dom.js';
import {EditControls} from './page/edits.js';
import {listenForPhotos, onFiles, takeSample} from './page/incoming.js';
import {LiveView} from './page/live.js';
import {LoadingBar} from './page/loading.js';
import {ModelChoice} from './page/model-choice.js';
import {installServiceWorker, useNewer} from './page/offline.js';
import {PhotoList} from './page/photos.js';
import {cameraName, Saving} from './page/saving.js';
import {chooseBuild, chooseThreads, missingFeatures} from './page/support.js';
import {TimingsTable} from './page/timings.js';
import {Viewport} from './page/viewport.js';
import {WorkerClient} from './page/worker-client.js';

/** @typedef {import('./engine/session.js').MatteResult} MatteResult */
/** @typedef {import('./page/photos.js').Photo} Photo */

const MEASURED_RUNS = 50;
const BROWSERS = 'Use a current Chrome, Edge, Firefox or Safari.';

const canvas = /** @type {HTMLCanvasElement} */ (byId('canvas'));

/** The page in a browser that can run it. */
class Page {
  busy = new BusySign(byId('busy'), byId('busy-text'), byId('announcement'));
  timings = new TimingsTable(/** @type {any} */ (document.querySelector('#timings tbody')), byId('runs'));
  viewport = new Viewport(byId('frame'), byId('view'));
  client = new WorkerClient(new Worker(new URL('./worker.js', import.meta.url)));
  runtime = {build: chooseBuild(), threads: chooseThreads()};

  constructor() {
    const {client, busy, viewport} = this;
    this.background = new BackgroundChoice(client, busy);
    this.comparison = new Comparison(client, viewport);
    this.edits = new EditControls(client, busy, viewport);
    this.saving = new Saving(client, busy, this.background);
    this.photos = new PhotoList(client, busy, this.edits, this.saving, (photo) => this.mattePhoto(photo));
    this.live = new LiveView(client, busy, this.timings, {
      onStart: () => this.beginVideo(),
      onFrame: (result) => this.showResult('live', result),
      onStop: () => (document.body.dataset.state = canvas.hidden ? 'empty' : 'photo'),
    });
    this.model = new ModelChoice(client, busy, this.runtime, (result) => this.showResult('photo', result));
    viewport.onChange = () => {
      byId('zoom').textContent = `${Math.round(100 * viewport.scale)} %`;
      this.comparison.place();
      this.edits.placeCursor();
    };
    const offscreen = canvas.transferControlToOffscreen();
    const original = /** @type {HTMLCanvasElement} */ (byId('original')).transferControlToOffscreen();
    // From the cache, the files come at once.
    const progress = !navigator.serviceWorker?.controller;
    const start = {canvas: offscreen, original, progress, ...this.runtime};
    this.loading = new LoadingBar(busy);
    /** Settles when the network was loaded; a photo that is chosen before waits for it. @type {Promise<any>} */
    this.loaded = client
      .request('start', start, [offscreen, original], (percent) => this.loading.show(percent))
      .catch((error) => {
        throw error instanceof UserError ? error : new UserError(`The network could not be started: ${messageOf(error)}`);
      })
      .finally(() => this.loading.end());
  }

  /** Waits until the network is loaded, and makes the page ready for use. */
  async start() {
    const {build, threads} = this.runtime;
    this.listen();
    enable(document.querySelectorAll('[data-action=choose], [data-action=sample]'));
    try {
      this.model.show('the model of this page', (await this.loaded).size);
    } catch (error) {
      byId('status').textContent = '';
      showProblem(problemOf(error));
      return;
    }
    enable(document.querySelectorAll('[data-action=camera], [data-action=choose-model]'));
    document.body.dataset.ready = build;
    const speed = threads === 1 ? 'one thread' : `${threads} threads`;
    byId('status').textContent = `Ready, ${speed}`;
    if (await installServiceWorker(build, () => (byId('newer').hidden = false))) {
      byId('status').textContent = `Ready offline, ${speed}`;
      document.body.dataset.offline = 'ready';
    }
  }

  /** Connects the controls of the page to their functions. */
  listen() {
    const take = (/** @type {File[]} */ files) => this.photos.add(files);
    /** @type {Record<string, () => unknown>} */
    const actions = {
      choose: () => byId('file').click(),
      sample: () => takeSample(take),
      'choose-background': () => byId('background-file').click(),
      'sample-background': () => this.background.useSample(),
      camera: () => this.live.toggle(),
      switch: () => this.live.switch(),
      slide: () => this.slide(),
      'zoom-in': () => this.viewport.zoomIn(),
      'zoom-out': () => this.viewport.zoomOut(),
      'zoom-reset': () => this.viewport.reset(),
      restore: () => this.brush('restore'),
      erase: () => this.brush('erase'),
      undo: () => this.edits.undo(),
      'reset-edits': () => this.edits.reset(),
      measure: () => this.measure(),
      save: () => this.saving.save(),
      copy: () => this.saving.copy(),
      share: () => this.saving.share(),
      'save-all': () => this.photos.saveAll(),
      cancel: () => this.photos.cancel(),
      'clear-list': () => this.photos.clear(),
      'choose-model': () => byId('model-file').click(),
      'restore-model': () => this.model.restore(),
      update: useNewer,
    };
    for (const button of document.querySelectorAll('[data-action]')) {
      const action = actions[/** @type {HTMLElement} */ (button).dataset.action ?? ''];
      button.addEventListener('click', () => run(action));
    }
    byId('dismiss').addEventListener('click', hideProblem);
    listenForPhotos(take);
    onFiles('background-file', ([file]) => this.background.useFile(file));
    onFiles('model-file', ([file]) => this.model.use(file));
  }

  /** Mattes a photo of the list and shows the result. @param {Photo} photo */
  async mattePhoto(photo) {
    const {file} = photo;
    this.live.stop();
    this.edits.choose(undefined);
    this.keepStrokes();
    let result;
    try {
      result = await this.busy.during(`Cutting out ${file.name}`, file.name, async () => {
        await this.loaded;
        const edits = {...this.edits.sharedEdits(), strokes: photo.strokes};
        return this.client.request('mattePhoto', {blob: file, edits});
      });
    } catch (error) {
      this.photos.setState(photo, problemOf(error));
      throw error;
    }
    this.keepStrokes(); // of a photo that was opened meanwhile
    this.edits.useStrokes(photo.strokes);
    this.saving.name = (end) => this.photos.resultName(photo, end);
    this.timings.clear();
    this.viewport.reset();
    this.showResult('photo', result);
    this.timings.show();
    this.photos.setCurrent(photo, result.nobody ? 'nobody found' : 'cut out');
    canvas.setAttribute('aria-label', `${file.name}, ${result.width} by ${result.height} pixels, cut out`);
    const {length} = this.photos.photos;
    const list = length > 1 ? ` The list has ${length} photos.` : '';
    this.busy.say(`${file.name} is ${result.nobody ? 'done. Nobody was found in it' : 'cut out'}.${list}`);
  }

  /** Keeps the strokes of the photo that is shown for when it is opened again. */
  keepStrokes() {
    if (this.photos.current) this.photos.current.strokes = this.edits.strokes;
  }

  /** Prepares the page for frames of the camera, which have no strokes. */
  async beginVideo() {
    this.saving.name = cameraName;
    this.keepStrokes();
    this.photos.current = undefined;
    this.edits.choose(undefined);
    this.edits.useStrokes([]);
    this.viewport.reset();
    await this.edits.update();
  }

  /**
   * Updates the page after an image was matted; the worker has already drawn it on the canvas.
   *
   * @param {'photo' | 'live'} state
   * @param {MatteResult} result
   */
  showResult(state, {width, height, seen, nobody, timings}) {
    this.timings.add(timings);
    byId('nobody').hidden = !nobody;
    canvas.dataset.seen = seen.map(({top, left, height: h, width: w}) => [top, left, h, w].join(' ')).join(', ');
    if (state === 'live' && !this.live.on) state = 'photo';
    if (document.body.dataset.state === state && canvas.dataset.size === `${width}×${height}`) return;
    document.body.dataset.state = state;
    byId('rate').hidden = state !== 'live';
    canvas.dataset.size = `${width}×${height}`;
    byId('view').style.setProperty('--ratio', String(width / height));
    if (state === 'live') canvas.setAttribute('aria-label', 'The camera, cut out');
    for (const id of ['view', 'canvas', 'tools']) byId(id).hidden = false;
    byId('empty').hidden = true;
    byId('frame').tabIndex = 0;
    enable(document.querySelectorAll('.needs-image'));
    this.viewport.apply();
  }

  /** Shows or hides the slider that compares; it and the brush would be in each other's way. */
  async slide() {
    if (!this.comparison.on) this.edits.choose(undefined);
    await this.comparison.toggle(!this.comparison.on);
  }

  /** Takes up the brush or puts it away. @param {'restore' | 'erase'} mode */
  async brush(mode) {
    if (this.live.on) throw new UserError('The brush needs a still image. Stop the camera first.');
    await this.comparison.toggle(false);
    this.edits.choose(mode);
  }

  /** Measures how long the current image takes, and shows the distribution. */
  async measure() {
    this.live.stop();
    const {timings} = await this.busy.during(`Measuring ${MEASURED_RUNS} runs`, 'measuring', () =>
      this.client.request('measure', {runs: MEASURED_RUNS}),
    );
    this.timings.clear();
    this.timings.add(...timings);
    this.timings.show();
    this.busy.say(`Measured ${MEASURED_RUNS} runs.`);
  }
}

const missing = missingFeatures();
if (missing.length > 0) {
  byId('status').textContent = '';
  showProblem(`This browser lacks ${missing.join(', ')}. ${BROWSERS}`);
} else {
  new Page().start();
}
