package ai.mmnet.core;

/** What becomes of a picture that is not square (PREPROCESSING.md, section 3). */
public enum Fit {
    /** The whole picture fills the square, as MMNet was trained. */
    STRETCH,
    /** The largest central square of the picture fills the square; the rest is background. */
    CROP,
    /** The whole picture in its own proportions, centred, black beside it. */
    LETTERBOX
}
