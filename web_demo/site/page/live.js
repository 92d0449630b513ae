/**
 * The live view: frames of the camera, matted one after the other.
 *
 * @typedef {import('./busy.js').BusySign} BusySign
 * @typedef {import('./timings.js').TimingsTable} TimingsTable
 * @typedef {import('./worker-client.js').WorkerClient} WorkerClient
 * @typedef {import('../engine/session.js').MatteResult} MatteResult
 */

import {Camera} from './camera.js';
import {byId, showProblem} from './dom.js';
import {frameRate} from './timings.js';

const UPDATE_INTERVAL = 250; // milliseconds between two updates of the table and the frame rate

/** The camera and its controls. */
export class LiveView {
  camera = new Camera(byId('video'));
  /** Whether the camera runs. */
  on = false;

  /**
   * @param {WorkerClient} client
   * @param {BusySign} busy
   * @param {TimingsTable} timings
   * @param {{onStart: () => Promise<void>, onFrame: (result: MatteResult) => void, onStop: () => void}} listeners
   */
  constructor(client, busy, timings, listeners) {
    this.client = client;
    this.busy = busy;
    this.timings = timings;
    this.listeners = listeners;
  }

  /** Starts the camera, or stops it if it runs. */
  toggle() {
    return this.on ? this.stop() : this.start({facingMode: {ideal: 'user'}});
  }

  /** Starts the other camera. */
  async switch() {
    await this.start(await this.camera.otherCamera());
  }

  /** Starts a camera and mattes its frames until it is stopped. @param {MediaTrackConstraints} which camera */
  async start(which) {
    this.stop();
    const runs = await this.camera.start(which, () => {
      this.stop();
      showProblem('The camera was disconnected.');
    });
    if (!runs) return;
    this.on = true;
    this.busy.say('The camera runs.');
    this.timings.clear();
    byId('camera').textContent = 'Stop';
    byId('switch').hidden = !(await this.camera.hasOthers());
    const {track} = this.camera;
    try {
      await this.listeners.onStart();
      await this.matteFrames();
    } finally {
      if (this.camera.track === track) this.stop(); // unless another camera was started meanwhile
    }
  }

  /** Mattes one frame after the other. Frames that come while one is being computed are skipped. */
  async matteFrames() {
    const {track, mirrored} = this.camera;
    let updated = 0;
    let frames = 0;
    while (this.on && this.camera.track === track) {
      const bitmap = await this.camera.nextFrame();
      if (!bitmap) continue;
      if (!this.on || this.camera.track !== track) return bitmap.close();
      this.listeners.onFrame(await this.client.request('matteFrame', {bitmap, mirrored}, [bitmap]));
      frames++;
      const now = performance.now();
      if (now - updated < UPDATE_INTERVAL) continue;
      this.timings.show();
      byId('rate').textContent = updated === 0 ? '' : frameRate(frames, now - updated);
      [updated, frames] = [now, 0];
    }
  }

  /** Stops the camera. Its last frame stays on the page. */
  stop() {
    this.camera.stop(); // also ends a start that still waits for the camera
    if (!this.on) return;
    this.on = false;
    this.busy.say('The camera is off.');
    byId('camera').textContent = 'Camera';
    byId('switch').hidden = true;
    byId('rate').hidden = true;
    this.listeners.onStop();
  }
}
