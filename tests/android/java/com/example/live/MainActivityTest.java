package com.example.live;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import ai.mmnet.matting.MattingOptions;
import android.content.Context;
import android.graphics.Bitmap;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.media.Image;
import android.media.ImageReader;
import android.os.HandlerThread;
import android.os.Looper;
import android.widget.ImageView;
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

    private CameraDevice open() {
        Interpreter.open = 0;
        screen.services.put(Context.CAMERA_SERVICE, manager);
        screen.getAssets().files.put(MattingOptions.DEFAULT_MODEL, MODEL);
        screen.onCreate(null);
        looper = HandlerThread.latest.getLooper();
        looper.runAll();
        return manager.asked.get(0);
    }

    @Test
    public void aFrameIsShownBeforeGreen() {
        open().opens();
        looper.runAll();
        ImageReader reader = ImageReader.OPEN.getFirst();
        reader.waiting.add(new Image(480, 640, 0, 128, 128)); // black: nobody
        reader.deliver();
        Bitmap shown = ((ImageView) screen.content).shown;
        assertNotNull(shown);
        assertEquals(480, shown.getWidth()); // the front camera's frames are turned by a quarter
        int[] pixel = new int[1];
        shown.getPixels(pixel, 0, 1, 7, 9, 1, 1);
        assertEquals(0xFF00B140, pixel[0]);
        screen.onDestroy();
    }

    @Test
    public void aCameraThatOpensAfterTheScreenWasClosedIsClosed() {
        CameraDevice camera = open();
        screen.onDestroy();
        looper.runAll();
        camera.opens();
    }

    @Test
    public void aCameraThatFailsIsClosed() {
        CameraDevice camera = open();
        camera.opens();
        camera.fails(CameraDevice.StateCallback.ERROR_CAMERA_DISABLED);
        looper.runAll();
        assertEquals(0, CameraDevice.open);
        screen.onDestroy();
    }
}
