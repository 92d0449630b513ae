/** The live camera: starting, switching and stopping it, and a message for each way in which that fails. */

import {UserError} from '../engine/errors.js';

const NOT_ALLOWED = 'The camera was not allowed. Allow it in your browser’s site settings; photos work without it.';

/** The size and rate that a camera is asked for; it may give others. */
const FORMAT = {width: {ideal: 960}, height: {ideal: 720}, frameRate: {ideal: 30}};

/** The message for each name of a DOMException (W3C Media Capture and Streams, 9.3). */
const MESSAGES = new Map([
  ['NotAllowedError', NOT_ALLOWED],
  ['SecurityError', NOT_ALLOWED],
  ['NotFoundError', 'The browser finds no camera on this device. Photos work without one.'],
  ['NotReadableError', 'The camera is in use by another program. Close that program and try again.'],
  ['AbortError', 'The camera failed. Try again.'],
  ['OverconstrainedError', 'The camera has no video format that this page can use. Photos work without it.'],
]);

/** The camera that is in use, one at a time. It plays in a video element, from which the frames are read. */
export class Camera {
  /** @type {MediaStreamTrack | undefined} */
  track;
  /** Whether its frames are shown flipped left to right, as in a mirror: true except for a rear camera. */
  mirrored = false;
  /** Number of calls of `stop`. A `start` that is waiting for the camera sees by it that it was stopped meanwhile. */
  stops = 0;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
  }

  /**
   * Starts a camera. The one that was in use is stopped.
   *
   * @param {MediaTrackConstraints} which camera, such as {facingMode: {ideal: 'user'}}
   * @param {() => void} onEnded called when the camera ends without `stop`, such as when it is unplugged
   * @returns {Promise<boolean>} whether the camera runs; false if it was stopped while starting.
   * @throws {UserError} there is no camera, or it is not allowed, in use or broken.
   */
  async start(which, onEnded) {
    if (!navigator.mediaDevices) {
      throw new UserError(
        'Browsers allow the camera only over HTTPS, or on pages of this machine itself. Photos work without it.',
      );
    }
    this.stop();
    const stopsBefore = this.stops;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({video: {...FORMAT, ...which}, audio: false});
      const [track] = stream.getVideoTracks();
      if (this.stops !== stopsBefore) {
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
      if (this.stops !== stopsBefore) return false;
      this.stop();
      const name = error instanceof DOMException ? error.name : '';
      throw new UserError(MESSAGES.get(name) ?? `The camera could not be started (${name || error}). Try again.`);
    }
  }

  /** Stops the camera, or a `start` that is waiting for one. */
  stop() {
    this.stops++;
    this.track?.stop(); // this fires no "ended" event
    this.track = undefined;
    this.video.srcObject = null;
  }

  /**
   * Returns the constraints of the camera to switch to: the camera on the other side of the device, or the next camera
   * in the list where cameras have no side.
   *
   * @returns {Promise<MediaTrackConstraints>}
   */
  async otherCamera() {
    const {facingMode, deviceId} = this.track?.getSettings() ?? {};
    if (facingMode) return {facingMode: {ideal: facingMode === 'user' ? 'environment' : 'user'}};
    const devices = await listCameras();
    const current = devices.findIndex((device) => device.deviceId === deviceId);
    // "exact", because with "ideal" the browser may prefer a camera whose size fits better.
    return {deviceId: {exact: devices[(current + 1) % devices.length].deviceId}};
  }

  /** Returns whether there is another camera to switch to. @returns {Promise<boolean>} */
  async hasOthers() {
    return (await listCameras()).length > 1;
  }

  /**
   * Waits for a new frame.
   *
   * @returns {Promise<ImageBitmap | undefined>} the frame; undefined if the camera was stopped.
   */
  async nextFrame() {
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

/** @returns {Promise<MediaDeviceInfo[]>} */
async function listCameras() {
  return (await navigator.mediaDevices.enumerateDevices()).filter(({kind}) => kind === 'videoinput');
}
