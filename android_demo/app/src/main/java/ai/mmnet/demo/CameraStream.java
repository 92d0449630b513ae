package ai.mmnet.demo;

import android.content.Context;
import android.graphics.ImageFormat;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.CaptureRequest;
import android.hardware.camera2.params.StreamConfigurationMap;
import android.media.Image;
import android.media.ImageReader;
import android.os.Handler;
import android.util.Size;
import java.util.Collections;

/** One camera's frames. Everything happens on the handler's thread: callbacks, and {@link #close} is called there. */
final class CameraStream implements AutoCloseable {
    /** Hears frames, and at most one problem, after which the stream is closed. */
    interface Listener {
        /** Must read the image before it returns. */
        void onFrame(Image image);

        void onProblem(int message);
    }

    private static final int WIDTH = 640; // the network sees 256 pixels; more would cost without being seen
    private static final int HEIGHT = 480;
    private static final int BUFFERS = 3;

    /** Degrees clockwise from the sensor's frames to the device's natural orientation. */
    final int sensorDegrees;

    private final Handler handler;
    private final Listener listener;
    private ImageReader reader;
    private CameraDevice device;
    private CameraCaptureSession session;
    private boolean closed;

    private CameraStream(int sensorDegrees, Handler handler, Listener listener) {
        this.sensorDegrees = sensorDegrees;
        this.handler = handler;
        this.listener = listener;
    }

    /**
     * Opens a camera; frames follow later. The camera permission must have been granted.
     *
     * @return null where there is none that faces this way, or it cannot be had now: the listener has heard why.
     */
    static CameraStream open(Context context, boolean front, Handler handler, Listener listener) {
        CameraManager manager = (CameraManager) context.getSystemService(Context.CAMERA_SERVICE);
        int facing = front ? CameraCharacteristics.LENS_FACING_FRONT : CameraCharacteristics.LENS_FACING_BACK;
        try {
            for (String id : manager.getCameraIdList()) {
                CameraCharacteristics facts = manager.getCameraCharacteristics(id);
                Integer direction = facts.get(CameraCharacteristics.LENS_FACING);
                StreamConfigurationMap sizes = facts.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP);
                Integer degrees = facts.get(CameraCharacteristics.SENSOR_ORIENTATION);
                if (direction == null || direction != facing || sizes == null || degrees == null
                        || sizes.getOutputSizes(ImageFormat.YUV_420_888) == null) {
                    continue;
                }
                CameraStream stream = new CameraStream(degrees, handler, listener);
                stream.start(manager, id, nearest(sizes.getOutputSizes(ImageFormat.YUV_420_888)));
                return stream;
            }
            listener.onProblem(R.string.no_camera);
        } catch (CameraAccessException error) {
            listener.onProblem(messageOf(error));
        } catch (SecurityException error) {
            listener.onProblem(R.string.no_permission);
        } catch (IllegalArgumentException error) { // the camera was unplugged meanwhile
            listener.onProblem(R.string.no_camera);
        }
        return null;
    }

    @Override
    public void close() {
        closed = true;
        if (session != null) {
            session.close();
            session = null;
        }
        if (device != null) {
            device.close();
            device = null;
        }
        if (reader != null) {
            reader.close();
            reader = null;
        }
    }

    private void start(CameraManager manager, String id, Size size) throws CameraAccessException {
        reader = ImageReader.newInstance(size.getWidth(), size.getHeight(), ImageFormat.YUV_420_888, BUFFERS);
        reader.setOnImageAvailableListener(new ImageReader.OnImageAvailableListener() {
            @Override
            public void onImageAvailable(ImageReader source) {
                takeImage();
            }
        }, handler);
        boolean opened = false;
        try {
            manager.openCamera(id, new DeviceCallback(), handler);
            opened = true;
        } finally {
            if (!opened) {
                close();
            }
        }
    }

    /** The newest frame; those that came while one was computed are dropped. */
    private void takeImage() {
        if (closed) {
            return;
        }
        Image image;
        try {
            image = reader.acquireLatestImage();
        } catch (IllegalStateException error) { // all buffers are taken: the next frame comes
            return;
        }
        if (image == null) {
            return;
        }
        try {
            listener.onFrame(image);
        } finally {
            image.close();
        }
    }

    private void fail(int message) {
        if (!closed) {
            close();
            listener.onProblem(message);
        }
    }

    private final class DeviceCallback extends CameraDevice.StateCallback {
        @Override
        public void onOpened(CameraDevice camera) {
            if (closed) {
                camera.close();
                return;
            }
            device = camera;
            try {
                camera.createCaptureSession(Collections.singletonList(reader.getSurface()), new SessionCallback(),
                        handler);
            } catch (CameraAccessException error) {
                fail(messageOf(error));
            } catch (IllegalStateException error) {
                fail(R.string.camera_failed);
            }
        }

        @Override
        public void onDisconnected(CameraDevice camera) {
            camera.close();
            fail(R.string.camera_taken);
        }

        @Override
        public void onError(CameraDevice camera, int error) {
            camera.close();
            switch (error) {
                case ERROR_CAMERA_IN_USE:
                    fail(R.string.camera_taken);
                    break;
                case ERROR_MAX_CAMERAS_IN_USE:
                    fail(R.string.camera_in_use);
                    break;
                case ERROR_CAMERA_DISABLED:
                    fail(R.string.camera_disabled);
                    break;
                default:
                    fail(R.string.camera_failed);
                    break;
            }
        }
    }

    private final class SessionCallback extends CameraCaptureSession.StateCallback {
        @Override
        public void onConfigured(CameraCaptureSession configured) {
            if (closed) {
                configured.close();
                return;
            }
            session = configured;
            try {
                CaptureRequest.Builder request = device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW);
                request.addTarget(reader.getSurface());
                configured.setRepeatingRequest(request.build(), null, handler);
            } catch (CameraAccessException error) {
                fail(messageOf(error));
            } catch (IllegalStateException | IllegalArgumentException error) {
                fail(R.string.camera_failed);
            }
        }

        @Override
        public void onConfigureFailed(CameraCaptureSession failed) {
            failed.close();
            fail(R.string.camera_failed);
        }
    }

    private static int messageOf(CameraAccessException error) {
        switch (error.getReason()) {
            case CameraAccessException.CAMERA_DISABLED:
                return R.string.camera_disabled;
            case CameraAccessException.CAMERA_IN_USE:
                return R.string.camera_taken;
            case CameraAccessException.MAX_CAMERAS_IN_USE:
                return R.string.camera_in_use;
            case CameraAccessException.CAMERA_DISCONNECTED:
                return R.string.camera_taken;
            default:
                return R.string.camera_failed;
        }
    }

    /** The size nearest to what is wanted. */
    private static Size nearest(Size[] sizes) {
        Size best = sizes[0];
        for (Size size : sizes) {
            if (distance(size) < distance(best)) {
                best = size;
            }
        }
        return best;
    }

    private static int distance(Size size) {
        return Math.abs(size.getWidth() - WIDTH) + Math.abs(size.getHeight() - HEIGHT);
    }
}
