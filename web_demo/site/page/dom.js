/** Elements of the page, and the line that says what went wrong. */

import {UserError} from '../engine/errors.js';

/** Returns an element of the page. @template {Element} [T=HTMLElement] @param {string} id @returns {T} */
export const byId = (id) => /** @type {any} */ (document.getElementById(id));

/** Returns an input of the page. @param {string} id @returns {HTMLInputElement} */
export const inputById = (id) => byId(id);

/** Enables buttons or other controls. @param {Iterable<Element>} controls */
export function enable(controls) {
  for (const control of controls) control.removeAttribute('disabled');
}

/** Runs an action of the user. If it fails, the page shows why and stays as it was. @param {() => unknown} action */
export async function run(action) {
  hideProblem();
  try {
    await action();
  } catch (error) {
    showProblem(problemOf(error));
  }
}

/** @param {unknown} error @returns {string} what the page says about it */
export function problemOf(error) {
  return error instanceof UserError ? error.message : `Something went wrong: ${messageOf(error)}.`;
}

/** @param {unknown} error @returns {string} */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {string} text */
export function showProblem(text) {
  byId('problem-text').textContent = text;
  byId('problem').hidden = false;
}

export function hideProblem() {
  byId('problem').hidden = true;
}
