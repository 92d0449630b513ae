/** The busy sign, and the line that screen readers read aloud. */

/** A sign that lists the work in progress until all of it has ended. */
export class BusySign {
  /** The work that has not ended, the oldest first. @type {{label: string, short: string}[]} */
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
    const entry = {label, short};
    this.work.push(entry);
    this.show();
    this.say(this.work.length === 1 ? `${label}…` : `${short} waits.`);
    try {
      return await work();
    } finally {
      this.work.splice(this.work.indexOf(entry), 1);
      this.show();
    }
  }

  /** Lets screen readers read a text aloud. @param {string} text */
  say(text) {
    this.announcement.textContent = text;
  }

  /** Shows the work in progress. */
  show() {
    const [first, ...others] = this.work;
    this.sign.hidden = first === undefined;
    if (!first) return;
    const next = others.length > 0 ? ` Next: ${others.map(({short}) => short).join(', ')}` : '';
    this.text.textContent = `${first.label}…${next}`;
  }
}
