package ai.mmnet.core;

/** How much is computed at the image's size (full-resolution.md). */
public enum Profile {
    /** The alpha is guided by the image, and composites and cut-outs have the estimated colours of the foreground. */
    FINE,
    /** The alpha is scaled bilinearly, and composites and cut-outs have the image's own colours. */
    FAST
}
