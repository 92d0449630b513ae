package ai.mmnet.matting;

import ai.mmnet.core.AlphaModel;
import ai.mmnet.core.MattePipeline;
import ai.mmnet.core.Orientation;
import ai.mmnet.core.YuvFrame;
import android.media.Image;
import android.media.ImageReader;
import androidx.annotation.NonNull;
import androidx.annotation.Nullable;

/**
 * Mattes the frames of one camera. The crop that the model sees follows the people from frame to frame, and alphas are
 * smoothed over time, so each camera has an analyzer of its own. Buffers are allocated at the first frame, and again only
 * where the size or the orientation of the frames changes; no other frame allocates anything. One thread at a time may use
 * it: the one on which the {@link ImageReader} calls back.
 */
public final class FrameAnalyzer {
    private final AlphaModel model;
    private final MattingOptions options;
    private YuvFrame frame; // null before the first frame
    private MattePipeline pipeline; // null before the first frame
    private Matte matte; // null before the first frame
    private int maxHeight = Integer.MAX_VALUE;
    private int maxWidth = Integer.MAX_VALUE;
    private int preparedHeight; // the limits of the pipeline
    private int preparedWidth;

    FrameAnalyzer(AlphaModel model, MattingOptions options) {
        this.model = model;
        this.options = options;
    }

    /**
     * Makes the mattes of larger frames smaller: they fit inside a view, with the proportions of the frame. Colours are
     * averaged. The network sees its own size in any case, so this saves the time of pixels that nobody sees;
     * {@link Matte#fullImage} stays as large as the frame. It counts from the next frame on.
     *
     * @param width of the view in pixels; below 1, or before this call, mattes have the size of the upright frame.
     * @param height of the view in pixels; below 1 as for the width.
     */
    public void fitInside(int width, int height) {
        boolean isLimit = width > 0 && height > 0;
        maxWidth = isLimit ? width : Integer.MAX_VALUE;
        maxHeight = isLimit ? height : Integer.MAX_VALUE;
    }

    /**
     * Mattes the newest frame that waits in a reader. Older frames that wait are dropped. The reader needs three buffers,
     * and must not be closed before this returns.
     *
     * @param degrees the clockwise rotation that makes the frames upright; see {@link #uprightDegrees}.
     * @param mirrored whether the turned frame is mirrored left to right, as for a front camera.
     * @return the matte, which the next frame overwrites; null if no frame waits.
     * @throws IllegalArgumentException another rotation, or the format is not YUV_420_888.
     * @throws IllegalStateException the {@link Matting} is closed, or the model gave values that are not an alpha.
     */
    @Nullable
    public Matte analyzeLatest(@NonNull ImageReader reader, int degrees, boolean mirrored) {
        Image image;
        try {
            image = reader.acquireLatestImage();
        } catch (IllegalStateException error) { // all buffers are in use; a later call delivers a frame
            return null;
        }
        if (image == null) {
            return null;
        }
        try {
            return analyze(image, degrees, mirrored);
        } finally {
            image.close();
        }
    }

    /**
     * Mattes one frame, which the caller closes afterwards. The parameters, the result and the errors are those of
     * {@link #analyzeLatest}.
     *
     * @param image a frame of the format YUV_420_888.
     */
    @NonNull
    public Matte analyze(@NonNull Image image, int degrees, boolean mirrored) {
        Image.Plane[] planes = image.getPlanes();
        if (planes.length != 3) {
            throw new IllegalArgumentException("the frame has " + planes.length + " planes, not the 3 of YUV_420_888");
        }
        prepare(image.getHeight(), image.getWidth(), degrees, mirrored);
        frame.set(planes[0].getBuffer(), planes[0].getRowStride(), planes[0].getPixelStride(), planes[1].getBuffer(),
                planes[1].getRowStride(), planes[1].getPixelStride(), planes[2].getBuffer(), planes[2].getRowStride(),
                planes[2].getPixelStride());
        try {
            pipeline.run(frame);
        } finally {
            frame.clear();
        }
        return matte;
    }

    /**
     * Returns the clockwise rotation that makes the frames of a camera upright.
     *
     * @param sensorDegrees {@code CameraCharacteristics.SENSOR_ORIENTATION} of the camera.
     * @param displayDegrees the rotation of the display: 90 times {@code Display.getRotation()}.
     * @param front whether it is the camera on the side of the screen, whose frames are mirrored afterwards.
     */
    public static int uprightDegrees(int sensorDegrees, int displayDegrees, boolean front) {
        return (front ? sensorDegrees + displayDegrees : sensorDegrees - displayDegrees + 360) % 360;
    }

    /** Allocates what this frame needs, if the last frame did not need the same. */
    private void prepare(int height, int width, int degrees, boolean mirrored) {
        if (pipeline == null || frame.height() != height || frame.width() != width
                || pipeline.orientation.degrees != degrees || pipeline.orientation.mirrored != mirrored
                || preparedHeight != maxHeight || preparedWidth != maxWidth) {
            Orientation orientation = new Orientation(height, width, degrees, mirrored);
            frame = new YuvFrame(height, width);
            pipeline = new MattePipeline(orientation, maxHeight, maxWidth, model, options.fit, options.profile);
            if (options.smoothing) {
                pipeline.smoothOverTime();
            }
            matte = new Matte(pipeline, options.profile);
            preparedHeight = maxHeight;
            preparedWidth = maxWidth;
        }
    }
}
