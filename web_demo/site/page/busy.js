/** The busy sign, and the line that screen readers read aloud. */

/** @typedef {{label: string, short: string, quiet: boolean}} Work */

/** A sign that lists the work in progress until all of it has ended. */
export class BusySign {
  /** The work that has not ended, the oldest first. @type {Work[]} */
  work = [];

  /**
   * @param {HTMLElement} sign element that is hidden while there is no work
   * @param {HTMLElement} text element in it that says what the work is
   * @param {HTMLElement} announcement live region
   */
  constructor(sign, text, announcement) {
    this.sign = sign;
    this.text = text;
    this.announcement = announcement;
  }

  /**
   * Shows the sign until some work has ended.
   *
   * @template T
   * @param {string} label what is done, such as 'Cutting out me.jpg'
   * @param {string} short what it is called while it waits for earlier work, such as 'me.jpg'
   * @param {() => Promise<T>} work
   * @returns {Promise<T>} the result of the work
   */
  async during(label, short, work) {
    const entry = this.begin(label, short);
    this.say(this.work.length === 1 ? `${label}…` : `${short} waits.`);
    try {
      return await work();
    } finally {
      this.end(entry);
    }
  }

  /**
   * Adds work to the sign.
   *
   * @param {string} label
   * @param {string} short
   * @param {boolean} [quiet] whether the sign stays hidden until other work waits for this.
   * @returns {Work}
   */
  begin(label, short, quiet = false) {
    const entry = {label, short, quiet};
    this.work.push(entry);
    this.show();
    return entry;
  }

  /** @param {Work} entry @param {string} label what is done now */
  relabel(entry, label) {
    entry.label = label;
    this.show();
  }

  /** @param {Work} entry which has ended. */
  end(entry) {
    this.work.splice(this.work.indexOf(entry), 1);
    this.show();
  }

  /** Lets screen readers read a text aloud. @param {string} text */
  say(text) {
    this.announcement.textContent = text;
  }

  /** Shows the work in progress. */
  show() {
    const [first, ...others] = this.work;
    this.sign.hidden = this.work.every(({quiet}) => quiet);
    if (!first) return;
    const next = others.length > 0 ? ` Next: ${others.map(({short}) => short).join(', ')}` : '';
    this.text.textContent = `${first.label}…${next}`;
  }
}
