package ai.mmnet.demo;

import android.content.Context;
import android.graphics.Bitmap;
import android.media.Image;
import android.os.Handler;
import android.os.HandlerThread;
import android.os.SystemClock;
import android.view.Display;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import ai.mmnet.core.Fit;
import ai.mmnet.core.MattePipeline;
import ai.mmnet.core.Orientation;
import ai.mmnet.core.YuvFrame;

/**
 * Camera → matte → view, on a thread of its own, from {@code new} to {@link #close}. What has the size of a frame is
 * allocated when the first frame comes, and again only when the frame's size, the orientation or the choice changes.
 */
final class LiveSession implements CameraStream.Listener {
    /** Hears what the user should see; on the session's thread. */
    interface Listener {
        void onTimes(String text);

        void onProblem(String message);
    }

    private static final long REPORT_MILLIS = 500;
    private static final double MILLIS = 1e-6;

    private final Context context;
    private final Display display;
    private final MatteView view;
    private final Listener listener;
    private final ModelStore models;
    private final HandlerThread thread = new HandlerThread("matte");
    private final Handler handler;

    // The rest belongs to the thread.
    private final boolean front;
    private CameraStream camera;
    private LiteRtModel model;
    private String modelName;
    private Background.Kind kind;
    private Bitmap picture;

    private int degrees = -1;
    private YuvFrame frame;
    private MattePipeline pipeline;
    private Background background;
    private int[] argb;

    private long reported; // when; 0 before the first frame
    private int frames; // since then
    private final double[] millis = new double[4]; // of the stages, summed since the last report

    /** Starts; frames follow when the model is loaded and the camera open. The camera permission must be granted. */
    LiveSession(Context context, Display display, MatteView view, boolean front, final Background.Kind kind,
            final Bitmap picture, Listener listener) {
        this.context = context;
        this.display = display;
        this.view = view;
        this.front = front;
        this.kind = kind;
        this.picture = picture;
        this.listener = listener;
        models = new ModelStore(context);
        thread.start();
        handler = new Handler(thread.getLooper());
        handler.post(new Runnable() {
            @Override
            public void run() {
                open();
            }
        });
    }

    /** Takes another background, from the next frame on. */
    void setBackground(final Background.Kind newKind, final Bitmap newPicture) {
        handler.post(new Runnable() {
            @Override
            public void run() {
                kind = newKind;
                picture = newPicture;
                background = null;
            }
        });
    }

    /** Closes the camera and the model, and waits until they are. */
    void close() {
        handler.post(new Runnable() {
            @Override
            public void run() {
                release();
                thread.quit();
            }
        });
        try {
            thread.join();
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void onFrame(Image image) {
        try {
            prepare(image);
            matte(image);
        } catch (OutOfMemoryError error) {
            fail(context.getString(R.string.out_of_memory));
        } catch (IllegalArgumentException | IllegalStateException error) {
            fail(modelName + ": " + error.getMessage()); // the model, or a camera whose planes are not what they say
        }
    }

    @Override
    public void onProblem(int message) {
        camera = null;
        fail(context.getString(message));
    }

    private void open() {
        modelName = models.chosen();
        if (modelName == null) {
            fail(context.getString(R.string.no_model));
            return;
        }
        try {
            model = new LiteRtModel(models.read(modelName).direct(), threads());
        } catch (ModelException error) {
            fail(modelName + ": " + error.getMessage());
            return;
        }
        camera = CameraStream.open(context, front, handler, this);
    }

    /** The network is small: beyond four threads it only gets hotter. */
    static int threads() {
        return Math.min(4, Runtime.getRuntime().availableProcessors());
    }

    private void prepare(Image image) {
        int height = image.getHeight();
        int width = image.getWidth();
        int turn = uprightDegrees();
        if (pipeline == null || turn != degrees || frame.height() != height || frame.width() != width) {
            degrees = turn;
            frame = new YuvFrame(height, width);
            pipeline = new MattePipeline(new Orientation(height, width, turn, front), model, Fit.STRETCH);
            argb = new int[height * width];
            background = null;
        }
        if (background == null) {
            int h = pipeline.orientation.height;
            int w = pipeline.orientation.width;
            boolean missing = kind == Background.Kind.PICTURE && picture == null;
            byte[] behind = kind == Background.Kind.PICTURE && !missing ? Pictures.cover(picture, h, w) : null;
            background = new Background(missing ? Background.Kind.BLUR : kind, behind, h, w);
        }
    }

    private void matte(Image image) {
        Image.Plane[] planes = image.getPlanes();
        ByteBuffer y = planes[0].getBuffer();
        ByteBuffer u = planes[1].getBuffer();
        ByteBuffer v = planes[2].getBuffer();
        frame.set(y, planes[0].getRowStride(), planes[0].getPixelStride(), u, planes[1].getRowStride(),
                planes[1].getPixelStride(), v, planes[2].getRowStride(), planes[2].getPixelStride());
        try {
            pipeline.run(frame);
        } finally {
            frame.clear();
        }
        long start = System.nanoTime();
        background.compose(pipeline.image, pipeline.alpha, argb);
        view.show(argb, pipeline.orientation.height, pipeline.orientation.width);
        millis[0] += pipeline.preprocessNanos() * MILLIS;
        millis[1] += pipeline.invokeNanos() * MILLIS;
        millis[2] += pipeline.postprocessNanos() * MILLIS;
        millis[3] += (System.nanoTime() - start) * MILLIS;
        frames++;
        long now = SystemClock.elapsedRealtime();
        if (reported == 0) { // its predecessor's time is not known
            forget(now);
        } else if (now - reported >= REPORT_MILLIS) {
            report(now);
            forget(now);
        }
    }

    private void report(long now) {
        listener.onTimes(String.format(Locale.ROOT,
                "%5.1f fps%n%5.1f ms preprocess%n%5.1f ms model%n%5.1f ms postprocess%n%5.1f ms composite%n%s",
                1000.0 * frames / (now - reported), millis[0] / frames, millis[1] / frames, millis[2] / frames,
                millis[3] / frames, modelName));
    }

    private void forget(long now) {
        reported = now;
        frames = 0;
        Arrays.fill(millis, 0);
    }

    /** How far the sensor's frames must be turned clockwise, before a front camera's are mirrored. */
    private int uprightDegrees() {
        int turned = 90 * display.getRotation(); // Surface.ROTATION_0 … ROTATION_270 are 0 … 3
        int sensor = camera.sensorDegrees;
        return (front ? sensor + turned : sensor - turned + 360) % 360;
    }

    private void fail(String message) {
        release();
        listener.onProblem(message);
    }

    private void release() {
        if (camera != null) {
            camera.close();
            camera = null;
        }
        if (model != null) {
            model.close();
            model = null;
        }
        pipeline = null;
        background = null;
    }
}
