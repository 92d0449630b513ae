package ai.mmnet.matting;

import ai.mmnet.core.Compositor;
import ai.mmnet.core.MattePipeline;
import ai.mmnet.core.PngWriter;
import ai.mmnet.core.Presence;
import ai.mmnet.core.Profile;
import android.graphics.Bitmap;
import androidx.annotation.NonNull;
import java.io.IOException;
import java.io.OutputStream;

/**
 * An upright image and its alpha, which have the same size. The matte of a {@link Bitmap} stays as it is; the one of a camera
 * frame is overwritten by the next frame of its {@link FrameAnalyzer}. {@code ai.mmnet.core.Compositor} and
 * {@code ai.mmnet.core.BlurredBackground} composite it over a colour, an image or its own blurred background.
 */
public final class Matte {
    private final MattePipeline pipeline;
    private final Profile profile;

    Matte(MattePipeline pipeline, Profile profile) {
        this.pipeline = pipeline;
        this.profile = profile;
    }

    /** Returns the height of the upright image in pixels. */
    public int height() {
        return pipeline.height;
    }

    /** Returns the width of the upright image in pixels. */
    public int width() {
        return pipeline.width;
    }

    /** Returns the height of the full image in pixels. */
    public int fullHeight() {
        return pipeline.orientation.height;
    }

    /** Returns the width of the full image in pixels. */
    public int fullWidth() {
        return pipeline.orientation.width;
    }

    /**
     * Returns the upright image at the size that the camera gave, which is larger than {@link #image} after
     * {@link FrameAnalyzer#fitInside}: 3 · fullHeight · fullWidth bytes, R, G, B of each pixel. The array is not copied.
     */
    @NonNull
    public byte[] fullImage() {
        return pipeline.fullImage;
    }

    /** Returns the upright image: 3 · height · width bytes, R, G, B of each pixel. The array is not copied. */
    @NonNull
    public byte[] image() {
        return pipeline.image;
    }

    /** Returns the alpha: height · width bytes, 0 is background, 255 is foreground. The array is not copied. */
    @NonNull
    public byte[] alpha() {
        return pipeline.alpha;
    }

    /** Returns whether the model is not sure of anybody in the image. */
    public boolean isNobody() {
        return Presence.isNobody(pipeline.confidence());
    }

    /** Returns the nanoseconds that colours, orientation and scaling to the model's input took. */
    public long preprocessNanos() {
        return pipeline.preprocessNanos();
    }

    /** Returns the nanoseconds that the network took. */
    public long invokeNanos() {
        return pipeline.invokeNanos();
    }

    /** Returns the nanoseconds that scaling the alpha to the image took. */
    public long postprocessNanos() {
        return pipeline.postprocessNanos();
    }

    /**
     * Returns the cut-out: the colours of the foreground with straight alpha.
     *
     * @return height · width pixels, 0xAARRGGBB.
     */
    @NonNull
    public int[] cutOut() {
        int[] argb = new int[pipeline.alpha.length];
        new Compositor(height(), width(), profile).cutOut(pipeline.image, pipeline.alpha, argb);
        return argb;
    }

    /** Returns the cut-out for the screen. A bitmap's alpha is premultiplied: colours where alpha is low are coarse. */
    @NonNull
    public Bitmap cutOutBitmap() {
        return Bitmap.createBitmap(cutOut(), width(), height(), Bitmap.Config.ARGB_8888);
    }

    /**
     * Writes the cut-out as a PNG file with straight alpha. The stream stays open.
     *
     * @throws IOException the stream cannot be written.
     */
    public void writeCutOut(@NonNull OutputStream out) throws IOException {
        PngWriter.write(cutOut(), height(), width(), true, out);
    }
}
