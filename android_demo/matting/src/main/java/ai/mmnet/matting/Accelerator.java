package ai.mmnet.matting;

/** The part of the device that runs the network. */
public enum Accelerator {
    /** The processor: LiteRT's interpreter with XNNPACK. Every device has it. */
    CPU,
    /** The graphics processor: LiteRT's CompiledModel. The app needs LiteRT's artifact {@code litert-gpu}, too. */
    GPU,
    /** The neural processor: LiteRT's CompiledModel. The app needs the device maker's runtime libraries, too. */
    NPU
}
