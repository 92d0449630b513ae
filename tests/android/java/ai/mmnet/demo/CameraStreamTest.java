package ai.mmnet.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;

import android.content.Context;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.media.ImageReader;
import java.util.ArrayList;
import java.util.List;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;

/** Tests of the order in which cameras open and close, with replacements for Android's classes. */
public class CameraStreamTest {
    private final Context context = new Context();
    private final CameraManager manager = new CameraManager();
    private final List<Integer> problems = new ArrayList<>();
    private final CameraStream.Listener listener = new CameraStream.Listener() {
        @Override
        public void onFrames(ImageReader reader) {
            frames++;
        }

        @Override
        public void onProblem(int message) {
            problems.add(message);
        }
    };
    private int frames;

    @Before
    public void addTheCameras() {
        context.services.put(Context.CAMERA_SERVICE, manager);
    }

    @After
    public void everythingIsClosed() {
        run();
        assertEquals(0, CameraDevice.open);
        assertEquals(0, CameraCaptureSession.running);
        assertEquals(0, ImageReader.OPEN.size());
        boolean[] isFree = new boolean[1];
        CameraThread.whenFree(() -> isFree[0] = true);
        assertEquals(true, isFree[0]);
    }

    private static void run() {
        CameraThread.handler().getLooper().runAll();
    }

    private CameraStream open() {
        return CameraStream.open(context, true, listener);
    }

    @Test
    public void anOpenCameraDeliversFramesUntilItIsClosed() {
        CameraStream stream = open();
        manager.asked.get(0).opens();
        run();
        assertEquals(1, CameraCaptureSession.running);
        ImageReader reader = ImageReader.OPEN.getFirst();
        assertEquals(1920, reader.width);
        reader.deliver();
        assertEquals(1, frames);
        stream.close();
        reader.deliver();
        assertEquals(1, frames);
    }

    @Test
    public void aCameraThatOpensAfterItsStreamWasClosedIsClosed() {
        open().close();
        manager.asked.get(0).opens();
        assertEquals(1, CameraDevice.open);
        run();
        assertEquals(0, CameraDevice.open);
        assertEquals(0, problems.size());
    }

    @Test
    public void aCameraWaitsForTheOneBeforeIt() {
        CameraStream first = open();
        CameraStream[] second = new CameraStream[1];
        first.close();
        CameraThread.whenFree(() -> problems.add(-1)); // replaced by the next
        CameraThread.whenFree(() -> second[0] = open());
        run();
        assertNull(second[0]);
        manager.asked.get(0).opens();
        run();
        assertNotNull(second[0]);
        assertEquals(0, CameraDevice.open);
        manager.asked.get(1).opens();
        run();
        assertEquals(1, CameraCaptureSession.running);
        second[0].close();
        assertEquals(0, problems.size());
    }

    @Test
    public void anErrorIsReportedOnceAndFreesTheThread() {
        open();
        manager.asked.get(0).fails(CameraDevice.StateCallback.ERROR_CAMERA_IN_USE);
        run();
        assertEquals(1, problems.size());
        assertEquals(R.string.camera_taken, (int) problems.get(0));
    }

    @Test
    public void anErrorOfAnOpenCameraClosesIt() {
        open();
        manager.asked.get(0).opens();
        run();
        manager.asked.get(0).fails(-1);
        run();
        assertEquals(1, problems.size());
        assertEquals(R.string.camera_failed, (int) problems.get(0));
    }

    @Test
    public void aCameraThatIsRefusedFreesTheThread() {
        manager.refusal = new CameraAccessException(CameraAccessException.MAX_CAMERAS_IN_USE);
        assertNull(open());
        assertEquals(R.string.camera_in_use, (int) problems.get(0));
    }
}
