/**
 * Zoom and pan of the image.
 *
 * @typedef {{down(x: number, y: number): void, move(x: number, y: number): void, up(): void, cancel(): void}} Tool what
 *   a pointer does to the image instead of moving it; x and y are in units of the image's longer side.
 */

const LARGEST = 16; // times the size that fits
const STEP = 1.25; // one press of a key or button
const DOUBLE_CLICK = 3; // times the size that fits
const PAN = 60; // CSS pixels that an arrow key moves the image

/** The frame that shows a part of the image, and moves it by mouse, touch and keyboard. */
export class Viewport {
  scale = 1;
  /** Position of the image in the frame, in CSS pixels, relative to its place at scale 1. */
  x = 0;
  y = 0;
  /** The pointers that are down: id → position. @type {Map<number, {x: number, y: number}>} */
  pointers = new Map();
  /** @type {Tool | undefined} */
  tool;
  /** Called after each change. @type {() => void} */
  onChange = () => {};

  /**
   * @param {HTMLElement} frame
   * @param {HTMLElement} view the image in the frame
   */
  constructor(frame, view) {
    this.frame = frame;
    this.view = view;
    frame.addEventListener('wheel', (event) => this.wheel(event), {passive: false});
    frame.addEventListener('dblclick', (event) => {
      if (!this.tool) this.zoom(this.scale > 1 ? 1 / this.scale : DOUBLE_CLICK, event.clientX, event.clientY);
    });
    frame.addEventListener('pointerdown', (event) => this.down(event));
    frame.addEventListener('pointermove', (event) => this.move(event));
    frame.addEventListener('pointerup', (event) => this.up(event, false));
    frame.addEventListener('pointercancel', (event) => this.up(event, true));
    // Two fingers zoom the image, not the page.
    frame.addEventListener('touchstart', (event) => event.touches.length > 1 && event.preventDefault(), {
      passive: false,
    });
    frame.addEventListener('keydown', (event) => this.key(event));
    new ResizeObserver(() => this.apply()).observe(frame);
  }

  /** Shows the whole image. */
  reset() {
    [this.scale, this.x, this.y] = [1, 0, 0];
    this.apply();
  }

  /**
   * Zooms about a point, which stays where it is.
   *
   * @param {number} factor
   * @param {number} [clientX] in CSS pixels of the page; the middle of the frame if there is none.
   * @param {number} [clientY]
   */
  zoom(factor, clientX, clientY) {
    const {left, top, width, height} = this.frame.getBoundingClientRect();
    const scale = Math.min(LARGEST, Math.max(1, this.scale * factor));
    const ratio = scale / this.scale;
    const x = (clientX ?? left + width / 2) - left - this.view.offsetLeft;
    const y = (clientY ?? top + height / 2) - top - this.view.offsetTop;
    [this.x, this.y] = [x - (x - this.x) * ratio, y - (y - this.y) * ratio];
    this.scale = scale;
    this.apply();
  }

  /** Zooms in by one step. */
  zoomIn() {
    this.zoom(STEP);
  }

  /** Zooms out by one step. */
  zoomOut() {
    this.zoom(1 / STEP);
  }

  /** Moves the image. @param {number} dx in CSS pixels @param {number} dy */
  pan(dx, dy) {
    [this.x, this.y] = [this.x + dx, this.y + dy];
    this.apply();
  }

  /** Keeps the image in the frame, and shows it. */
  apply() {
    const {view, frame, scale} = this;
    this.x = limit(this.x, view.offsetLeft, scale * view.offsetWidth, frame.clientWidth);
    this.y = limit(this.y, view.offsetTop, scale * view.offsetHeight, frame.clientHeight);
    view.style.transform = scale === 1 ? '' : `translate(${this.x}px, ${this.y}px) scale(${scale})`;
    frame.style.setProperty('--height', `${frame.clientHeight}px`);
    frame.classList.toggle('zoomed', scale > 1);
    this.onChange();
  }

  /**
   * Returns where a point of the page lies on the image.
   *
   * @param {number} clientX
   * @param {number} clientY
   * @returns {[number, number]} in units of the image's longer side
   */
  locate(clientX, clientY) {
    const {left, top, width, height} = this.view.getBoundingClientRect();
    const unit = Math.max(width, height) || 1;
    return [(clientX - left) / unit, (clientY - top) / unit];
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (this.view.hidden || (this.scale === 1 && event.deltaY > 0)) return; // the page scrolls
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.002; // a touchpad sends a pinch as a wheel with Ctrl
    this.zoom(Math.exp(-event.deltaY * unit * speed), event.clientX, event.clientY);
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (this.view.hidden || event.button > 0) return;
    if (event.target instanceof Element && event.target.closest('button, input')) return;
    this.frame.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, {x: event.clientX, y: event.clientY});
    if (this.pointers.size === 1) this.tool?.down(...this.locate(event.clientX, event.clientY));
    else if (this.pointers.size === 2) this.tool?.cancel();
  }

  /** @param {PointerEvent} event */
  move(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    const [x, y] = [event.clientX, event.clientY];
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, {x, y});
    if (!other) {
      if (!this.tool) return this.pan(x - last.x, y - last.y);
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length > 0 ? events : [event])
        this.tool.move(...this.locate(each.clientX, each.clientY));
      return;
    }
    const before = Math.hypot(last.x - other.x, last.y - other.y);
    this.pan((x - last.x) / 2, (y - last.y) / 2);
    if (before > 0) this.zoom(Math.hypot(x - other.x, y - other.y) / before, (x + other.x) / 2, (y + other.y) / 2);
  }

  /** @param {PointerEvent} event @param {boolean} cancelled */
  up(event, cancelled) {
    if (!this.pointers.delete(event.pointerId) || this.pointers.size > 0) return;
    if (cancelled) this.tool?.cancel();
    else this.tool?.up();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.target !== this.frame || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => void>} */
    const actions = {
      '+': () => this.zoomIn(),
      '=': () => this.zoomIn(),
      '-': () => this.zoomOut(),
      0: () => this.reset(),
      ArrowLeft: () => this.pan(PAN, 0),
      ArrowRight: () => this.pan(-PAN, 0),
      ArrowUp: () => this.pan(0, PAN),
      ArrowDown: () => this.pan(0, -PAN),
    };
    const action = actions[event.key];
    if (!action || (event.key.startsWith('Arrow') && (this.scale === 1 || this.tool))) return;
    event.preventDefault();
    action();
  }
}

/**
 * Returns a position at which the image covers the frame, or is in its middle where it is smaller.
 *
 * @param {number} position relative to `offset`
 * @param {number} offset of the image in the frame at scale 1
 * @param {number} size of the scaled image
 * @param {number} frame size of the frame
 * @returns {number}
 */
function limit(position, offset, size, frame) {
  if (size <= frame) return (frame - size) / 2 - offset;
  return Math.min(-offset, Math.max(frame - size - offset, position));
}
