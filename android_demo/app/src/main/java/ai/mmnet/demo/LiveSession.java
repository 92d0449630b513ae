package ai.mmnet.demo;

import android.content.Context;
import android.graphics.Bitmap;
import android.media.ImageReader;
import android.os.Handler;
import android.os.SystemClock;
import android.view.Display;
import java.util.Arrays;
import ai.mmnet.core.Compositor;
import ai.mmnet.core.Profile;
import ai.mmnet.matting.FrameAnalyzer;
import ai.mmnet.matting.Matte;
import ai.mmnet.matting.Matting;
import ai.mmnet.matting.MattingException;
import ai.mmnet.matting.MattingOptions;

/**
 * The live matte of one camera: composites of its frames appear in a view, until {@link #close}. The quality is
 * that of {@link Profile#FINE}, at the size at which the view shows them. Buffers are allocated at the first frame, and
 * again only when the size of the frames or the view, the orientation or the background changes.
 */
final class LiveSession implements CameraStream.Listener {
    /** Receives texts for the user. It is called on the {@link CameraThread}. */
    interface Listener {
        /** Receives the frames per second and the mean time of each stage. */
        void onTimes(LiveSession from, String text);

        /** Receives why there are no more frames. */
        void onProblem(LiveSession from, String message);

        /** Receives the upright frame after {@link #capture}, at the camera's size: its pixels, 0xFFRRGGBB. */
        void onCapture(LiveSession from, int[] argb, int height, int width);
    }

    private static final long REPORT_INTERVAL_MILLIS = 500;
    private static final double MILLIS_PER_NANO = 1e-6;

    private final Context context;
    private final Display display;
    private final MatteView view;
    private final Listener listener;
    private final ModelStore models;
    private final Handler handler = CameraThread.handler();
    private volatile boolean closed;

    // Only the camera thread uses the fields below.
    private final boolean front;
    private CameraStream camera;
    private Matting matting;
    private FrameAnalyzer analyzer;
    private String modelName;
    private Background.Kind kind;
    private Bitmap backgroundImage;

    private Background background;
    private int[] argb;
    private boolean isCaptureWanted;

    private long reportMillis; // time of the last report; 0 before the first frame
    private int frames; // since the last report
    private final double[] millis = new double[4]; // sum of each stage since the last report

    /**
     * Begins the session. Frames appear once the model is loaded and the camera is open. The app must have the camera
     * permission.
     */
    LiveSession(Context context, Display display, MatteView view, boolean front, final Background.Kind kind,
            final Bitmap backgroundImage, Listener listener) {
        this.context = context;
        this.display = display;
        this.view = view;
        this.front = front;
        this.kind = kind;
        this.backgroundImage = backgroundImage;
        this.listener = listener;
        models = new ModelStore(context);
        handler.post(new Runnable() {
            @Override
            public void run() {
                open();
            }
        });
    }

    /** Changes the background, from the next frame on. */
    void setBackground(final Background.Kind newKind, final Bitmap newBackgroundImage) {
        handler.post(new Runnable() {
            @Override
            public void run() {
                kind = newKind;
                backgroundImage = newBackgroundImage;
                background = null;
            }
        });
    }

    /** Gives the next frame to the listener. */
    void capture() {
        handler.post(new Runnable() {
            @Override
            public void run() {
                isCaptureWanted = true;
            }
        });
    }

    /** Ends the session: the thread closes the camera and the model soon. The view gets no more frames. */
    void close() {
        closed = true;
        handler.post(new Runnable() {
            @Override
            public void run() {
                release();
            }
        });
    }

    @Override
    public void onFrames(ImageReader reader) {
        try {
            int displayed = 90 * display.getRotation(); // Surface.ROTATION_0 to ROTATION_270 are 0 to 3
            int degrees = FrameAnalyzer.uprightDegrees(camera.sensorDegrees, displayed, front);
            analyzer.fitInside(view.shownWidth(), view.shownHeight());
            Matte matte = analyzer.analyzeLatest(reader, degrees, front);
            if (matte != null) {
                show(matte);
            }
        } catch (OutOfMemoryError error) {
            fail(context.getString(R.string.out_of_memory));
        } catch (IllegalArgumentException | IllegalStateException error) {
            // The model gives wrong values, or the camera's buffers are shorter than their strides need.
            fail(context.getString(R.string.model_refused, modelName, error.getMessage()));
        }
    }

    @Override
    public void onProblem(int message) {
        camera = null;
        fail(context.getString(message));
    }

    private void open() {
        if (closed) {
            return;
        }
        modelName = models.chosen();
        if (modelName == null) {
            fail(context.getString(R.string.no_model));
            return;
        }
        try {
            MattingOptions options = new MattingOptions().modelBytes(models.read(modelName).bytes);
            matting = Matting.create(context, options);
            analyzer = matting.analyzer();
        } catch (ModelException error) {
            fail(error.getMessage());
            return;
        } catch (MattingException error) {
            fail(context.getString(R.string.model_refused, modelName, error.getMessage()));
            return;
        }
        CameraThread.whenFree(new Runnable() {
            @Override
            public void run() {
                if (!closed) {
                    camera = CameraStream.open(context, front, LiveSession.this);
                }
            }
        });
    }

    /** Allocates what this frame's background needs, if the last frame did not need the same. */
    private void prepare(Matte matte) {
        int height = matte.height();
        int width = matte.width();
        if (background == null || background.height != height || background.width != width) {
            boolean missing = kind == Background.Kind.IMAGE && backgroundImage == null;
            byte[] pixels = kind == Background.Kind.IMAGE && !missing ? Images.cover(backgroundImage, height, width)
                    : null;
            background = new Background(missing ? Background.Kind.BLUR : kind, pixels, height, width);
            argb = new int[height * width];
        }
    }

    /** Composites a matted frame and shows it. */
    private void show(Matte matte) {
        long start = System.nanoTime();
        prepare(matte);
        background.composite(matte.image(), matte.alpha(), argb);
        if (closed) {
            return;
        }
        if (isCaptureWanted) {
            isCaptureWanted = false;
            int[] pixels = new int[matte.fullHeight() * matte.fullWidth()];
            Compositor.opaque(matte.fullImage(), pixels);
            listener.onCapture(this, pixels, matte.fullHeight(), matte.fullWidth());
        }
        view.show(argb, matte.height(), matte.width());
        millis[0] += matte.preprocessNanos() * MILLIS_PER_NANO;
        millis[1] += matte.invokeNanos() * MILLIS_PER_NANO;
        millis[2] += matte.postprocessNanos() * MILLIS_PER_NANO;
        millis[3] += (System.nanoTime() - start) * MILLIS_PER_NANO;
        frames++;
        long now = SystemClock.elapsedRealtime();
        if (reportMillis == 0) { // the first frame: the time since the frame before it is unknown
            restartReport(now);
        } else if (now - reportMillis >= REPORT_INTERVAL_MILLIS) {
            report(now);
            restartReport(now);
        }
    }

    private void report(long now) {
        listener.onTimes(this, context.getString(R.string.live_times, 1000.0 * frames / (now - reportMillis),
                millis[0] / frames, millis[1] / frames, millis[2] / frames, millis[3] / frames, modelName));
    }

    private void restartReport(long now) {
        reportMillis = now;
        frames = 0;
        Arrays.fill(millis, 0);
    }

    private void fail(String message) {
        release();
        listener.onProblem(this, message);
    }

    private void release() {
        if (camera != null) {
            camera.close();
            camera = null;
        }
        if (matting != null) {
            matting.close();
            matting = null;
        }
        analyzer = null;
        background = null;
    }
}
