package com.example.live;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import ai.mmnet.matting.MattingOptions;
import android.Manifest;
import android.content.Context;
import android.content.pm.PackageManager;
import android.graphics.Bitmap;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.media.Image;
import android.media.ImageReader;
import android.os.HandlerThread;
import android.os.Looper;
import android.widget.ImageView;
import android.widget.TextView;
import org.junit.After;
import org.junit.Test;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Interpreter;

/** Tests of the screen of the guide "From an empty project to a live matte", which the build copies from the page. */
public class MainActivityTest {
    private static final byte[] MODEL = {0, 0, 0, 0, 'T', 'F', 'L', '3', 16, (byte) DataType.UINT8.ordinal(),
        (byte) DataType.UINT8.ordinal(), 3, Interpreter.NO_FAULT};

    private final CameraManager manager = new CameraManager();
    private final MainActivity screen = new MainActivity();
    private Looper looper;

    @After
    public void everythingIsClosed() {
        looper.runAll();
        assertEquals(0, CameraDevice.open);
        assertEquals(0, CameraCaptureSession.running);
        assertEquals(0, ImageReader.OPEN.size());
        assertEquals(0, Interpreter.open);
        assertTrue(looper.isQuit());
    }

    private void create() {
        Interpreter.open = 0;
        screen.services.put(Context.CAMERA_SERVICE, manager);
        screen.getAssets().files.put(MattingOptions.DEFAULT_MODEL, MODEL);
        screen.onCreate(null);
        looper = HandlerThread.latest.getLooper();
    }

    private CameraDevice open() {
        create();
        screen.onStart();
        looper.runAll();
        return manager.asked.get(0);
    }

    private void leave() {
        screen.onStop();
        screen.onDestroy();
    }

    private String message() {
        return ((TextView) screen.content).shown.toString();
    }

    private Bitmap frame() {
        ImageReader reader = ImageReader.OPEN.getFirst();
        reader.waiting.add(new Image(480, 640, 0, 128, 128)); // black: nobody
        reader.deliver();
        return ((ImageView) screen.content).shown;
    }

    @Test
    public void aFrameIsShownBeforeGreen() {
        open().opens();
        looper.runAll();
        Bitmap shown = frame();
        assertNotNull(shown);
        assertEquals(480, shown.getWidth()); // the front camera's frames are turned by a quarter
        int[] pixel = new int[1];
        shown.getPixels(pixel, 0, 1, 7, 9, 1, 1);
        assertEquals(0xFF00B140, pixel[0]);
        leave();
    }

    @Test
    public void aHiddenScreenGivesTheCameraBackAndTakesItAgain() {
        open().opens();
        looper.runAll();
        screen.onStop();
        looper.runAll();
        assertEquals(0, CameraDevice.open);
        assertEquals(0, ImageReader.OPEN.size());
        assertEquals(1, Interpreter.open); // the network stays loaded
        screen.onStart();
        looper.runAll();
        assertEquals(2, manager.asked.size());
        manager.asked.get(1).opens();
        looper.runAll();
        assertEquals(1, CameraCaptureSession.running);
        assertNotNull(frame());
        leave();
    }

    @Test
    public void aScreenThatComesBackWhileTheCameraClosesWaitsForIt() {
        open().opens();
        looper.runAll();
        screen.onStop();
        screen.onStart();
        assertEquals(1, manager.asked.size());
        looper.runAll();
        assertEquals(0, CameraDevice.open);
        assertEquals(2, manager.asked.size());
        leave();
        looper.runAll();
        manager.asked.get(1).opens();
    }

    @Test
    public void aScreenThatComesBackWhileTheCameraOpensUsesIt() {
        CameraDevice camera = open();
        screen.onStop();
        screen.onStart();
        looper.runAll();
        camera.opens();
        looper.runAll();
        assertEquals(1, manager.asked.size());
        assertEquals(1, CameraCaptureSession.running);
        leave();
    }

    @Test
    public void aCameraThatOpensAfterTheScreenWasClosedIsClosed() {
        CameraDevice camera = open();
        leave();
        looper.runAll();
        camera.opens();
    }

    @Test
    public void aCameraThatFailsIsClosedAndTheScreenSaysIt() {
        CameraDevice camera = open();
        camera.opens();
        camera.fails(CameraDevice.StateCallback.ERROR_CAMERA_DISABLED);
        looper.runAll();
        assertEquals(0, CameraDevice.open);
        assertEquals(1, manager.asked.size()); // not asked for again by itself
        assertTrue(message().contains("camera failed"));
        leave();
    }

    @Test
    public void aCameraThatIsRefusedIsSaid() {
        manager.refusal = new CameraAccessException(CameraAccessException.MAX_CAMERAS_IN_USE);
        create();
        screen.onStart();
        looper.runAll();
        assertEquals(0, manager.asked.size());
        assertEquals(TextView.class, screen.content.getClass());
        leave();
    }

    @Test
    public void aDeniedPermissionIsSaidAndAskedForAgain() {
        create();
        screen.permission = PackageManager.PERMISSION_DENIED;
        screen.onStart();
        assertEquals(1, screen.requests);
        answer(PackageManager.PERMISSION_DENIED);
        looper.runAll();
        assertTrue(message().contains("Allow it in Android's settings"));
        assertEquals(0, manager.asked.size());
        screen.onStop();
        screen.onStart();
        assertEquals(2, screen.requests);
        answer(PackageManager.PERMISSION_GRANTED);
        looper.runAll();
        assertEquals(1, manager.asked.size());
        manager.asked.get(0).opens();
        looper.runAll();
        assertNotNull(frame());
        leave();
    }

    private void answer(int result) {
        screen.permission = result;
        screen.onRequestPermissionsResult(0, new String[] {Manifest.permission.CAMERA}, new int[] {result});
    }
}
