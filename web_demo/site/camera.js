/** The live camera: asked for, switched, stopped, and each failure in words. */

import {Refusal} from './engine.js';

const SIZE = {width: {ideal: 960}, height: {ideal: 720}, frameRate: {ideal: 30}};

/** By the name of the DOMException (W3C Media Capture and Streams, 9.3). */
const REASONS = new Map([
  ['NotAllowedError', 'The camera was refused. Allow it in your browser’s site settings; photos work without it.'],
  ['SecurityError', 'The camera was refused. Allow it in your browser’s site settings; photos work without it.'],
  ['NotFoundError', 'This device has no camera that the browser can see. Photos work without one.'],
  ['NotReadableError', 'The camera is in use by another program. Close that, and try again.'],
  ['AbortError', 'The camera has failed. Try again.'],
  ['OverconstrainedError', 'The camera gives no picture of a size that fits.'],
]);

/** One camera at a time, shown in one video element. */
export class Camera {
  /** @type {MediaStreamTrack | undefined} */
  track;
  /** Whether its picture is shown as in a mirror. */
  mirrored = false;
  /** How often it was stopped: whoever waits for a camera sees whether it is still wanted. */
  stops = 0;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
  }

  /**
   * @param {MediaTrackConstraints} which
   * @param {() => void} onEnded the camera was taken away
   * @returns {Promise<boolean>} whether it runs; not if it was stopped meanwhile
   * @throws {Refusal}
   */
  async start(which, onEnded) {
    if (!navigator.mediaDevices) {
      throw new Refusal('Browsers give the camera to pages over HTTPS or on this machine only. Photos work without it.');
    }
    this.stop();
    const mine = this.stops;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({video: {...SIZE, ...which}, audio: false});
      const [track] = stream.getVideoTracks();
      if (this.stops !== mine) {
        track.stop();
        return false;
      }
      track.addEventListener('ended', onEnded);
      this.track = track;
      this.mirrored = track.getSettings().facingMode !== 'environment';
      this.video.srcObject = stream;
      await this.video.play();
      return true;
    } catch (error) {
      if (this.stops !== mine) return false;
      this.stop();
      const name = error instanceof DOMException ? error.name : '';
      throw new Refusal(REASONS.get(name) ?? `The camera could not be started (${name || error}).`);
    }
  }

  stop() {
    this.stops++;
    this.track?.stop(); // of its own accord it fires no "ended"
    this.track = undefined;
    this.video.srcObject = null;
  }

  /** The other side's camera; where cameras have no sides, the next one. @returns {Promise<MediaTrackConstraints>} */
  async next() {
    const {facingMode, deviceId} = this.track?.getSettings() ?? {};
    if (facingMode) return {facingMode: {ideal: facingMode === 'user' ? 'environment' : 'user'}};
    const devices = await cameras();
    const at = devices.findIndex((device) => device.deviceId === deviceId);
    // Exactly that one: with an ideal, a camera whose size fits better would win.
    return {deviceId: {exact: devices[(at + 1) % devices.length].deviceId}};
  }

  /** Whether there is another camera to switch to. */
  async hasOthers() {
    return (await cameras()).length > 1;
  }

  /** Waits for a frame that was not seen yet. @returns {Promise<ImageBitmap | undefined>} none once it is stopped */
  async frame() {
    const {video, track} = this;
    await new Promise((resolve) => {
      if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(resolve);
      else requestAnimationFrame(resolve);
      track?.addEventListener('ended', resolve, {once: true});
      video.addEventListener('emptied', resolve, {once: true});
    });
    if (!this.track || this.track !== track || video.videoWidth === 0) return undefined;
    return createImageBitmap(video);
  }
}

async function cameras() {
  return (await navigator.mediaDevices.enumerateDevices()).filter(({kind}) => kind === 'videoinput');
}
