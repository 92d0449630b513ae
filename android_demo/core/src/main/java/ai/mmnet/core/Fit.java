package ai.mmnet.core;

/** The ways to place an image that is not square in the model's square input (preprocessing.md, section 3). */
public enum Fit {
    /** Stretches the whole image to the square; MMNet was trained like this. */
    STRETCH,
    /** Takes the largest central square of the image; the rest gets alpha 0. */
    CROP,
    /** Places the whole image in its own proportions at the centre, with black on both sides. */
    LETTERBOX,
    /** Stretches the whole image first, and then the crops around the people that its alpha shows (sections 7 and 8). */
    AUTO
}
