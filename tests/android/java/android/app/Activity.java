package android.app;

import android.content.Context;
import android.content.pm.PackageManager;
import android.os.Bundle;
import android.view.View;

/** A replacement for Android's class that runs on the JVM, for the screen of a guide. It has all permissions. */
public class Activity extends Context {
    public View content; // null before the screen sets it

    protected void onCreate(Bundle state) {
    }

    protected void onDestroy() {
    }

    public void onRequestPermissionsResult(int request, String[] permissions, int[] results) {
    }

    public void setContentView(View view) {
        content = view;
    }

    public int checkSelfPermission(String permission) {
        return PackageManager.PERMISSION_GRANTED;
    }

    public final void requestPermissions(String[] permissions, int request) {
        throw new AssertionError("the permission is granted");
    }

    public final void runOnUiThread(Runnable action) {
        action.run();
    }
}
