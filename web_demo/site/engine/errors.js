/** Errors that the page shows to the user. */

/**
 * An error that the user can understand or fix. Its message is shown as it is. Any other error is a defect of the page.
 */
export class UserError extends Error {
  /** Marks the error in messages from the worker, where the class is lost. */
  forUser = true;
}
