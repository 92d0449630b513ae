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
import android.media.ImageReader;
import android.os.Handler;
import android.util.Size;
import java.util.Collections;

/**
 * The stream of frames from one camera. The camera calls back on the {@link CameraThread}, and {@link #close} must be
 * called there. A camera that opens after its stream was closed is closed at once.
 */
final class CameraStream implements AutoCloseable {
    /** Receives the frames, and at most one problem, after which the stream is closed. */
    interface Listener {
        /** Learns that frames wait in a reader, which stays open until this method returns. */
        void onFrames(ImageReader reader);

        /** Receives the string resource of a message for the user. */
        void onProblem(int message);
    }

    // What is shown is reduced to the size of the view, and the network sees a small square. A captured frame is full.
    private static final int PREFERRED_WIDTH = 1920;
    private static final int PREFERRED_HEIGHT = 1080;
    private static final int BUFFERS = 3;

    /** The clockwise rotation in degrees that turns the sensor's frames to the device's natural orientation. */
    final int sensorDegrees;

    private final Handler handler;
    private final Listener listener;
    private ImageReader reader;
    private CameraDevice device;
    private CameraCaptureSession session;
    private boolean closed;
    private boolean ended; // whether the camera itself is closed

    private CameraStream(int sensorDegrees, Handler handler, Listener listener) {
        this.sensorDegrees = sensorDegrees;
        this.handler = handler;
        this.listener = listener;
    }

    /**
     * Opens a camera. Its frames arrive at the listener later. The app must have the camera permission.
     *
     * @param front whether to open the camera on the side of the screen, or the one on the back.
     * @return null if there is no such camera or it cannot be opened now; the listener has then received the reason.
     */
    static CameraStream open(Context context, boolean front, Listener listener) {
        CameraManager manager = (CameraManager) context.getSystemService(Context.CAMERA_SERVICE);
        int facing = front ? CameraCharacteristics.LENS_FACING_FRONT : CameraCharacteristics.LENS_FACING_BACK;
        try {
            for (String id : manager.getCameraIdList()) {
                CameraCharacteristics camera = manager.getCameraCharacteristics(id);
                Integer direction = camera.get(CameraCharacteristics.LENS_FACING);
                StreamConfigurationMap sizes = camera.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP);
                Integer degrees = camera.get(CameraCharacteristics.SENSOR_ORIENTATION);
                if (direction == null || direction != facing || sizes == null || degrees == null
                        || sizes.getOutputSizes(ImageFormat.YUV_420_888) == null) {
                    continue;
                }
                CameraStream stream = new CameraStream(degrees, CameraThread.handler(), listener);
                stream.start(manager, id, nearest(sizes.getOutputSizes(ImageFormat.YUV_420_888)));
                return stream;
            }
            listener.onProblem(R.string.no_camera);
        } catch (CameraAccessException error) {
            listener.onProblem(messageOf(error));
        } catch (SecurityException error) {
            listener.onProblem(R.string.no_permission);
        } catch (IllegalArgumentException error) { // the camera was unplugged in the meantime
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
                if (!closed) {
                    listener.onFrames(source);
                }
            }
        }, handler);
        boolean opened = false;
        CameraThread.begin();
        try {
            manager.openCamera(id, new DeviceCallback(), handler);
            opened = true;
        } finally {
            if (!opened) {
                close();
                end();
            }
        }
    }

    /** Tells the thread that the camera is closed. */
    private void end() {
        if (!ended) {
            ended = true;
            CameraThread.end();
        }
    }

    private void fail(int message) {
        if (!closed) {
            close();
            listener.onProblem(message);
        }
    }

    /** Receives the camera device, and starts a capture session on it. */
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
        public void onClosed(CameraDevice camera) {
            end();
        }

        @Override
        public void onDisconnected(CameraDevice camera) {
            camera.close();
            end();
            fail(R.string.camera_taken);
        }

        @Override
        public void onError(CameraDevice camera, int error) {
            camera.close();
            end();
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

    /** Receives the capture session, and requests a continuous stream of frames from it. */
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

    /** Returns the string resource of a message for the user. */
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

    /** Returns the size that is nearest to the preferred size. */
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
        return Math.abs(size.getWidth() - PREFERRED_WIDTH) + Math.abs(size.getHeight() - PREFERRED_HEIGHT);
    }
}
