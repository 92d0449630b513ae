package android.app;

import android.content.Context;
import android.content.pm.PackageManager;
import android.os.Bundle;
import android.view.View;

/** A replacement for Android's class that runs on the JVM, for the screen of a guide. The test answers requests. */
public class Activity extends Context {
    public View content; // null before the screen sets it
    public int permission = PackageManager.PERMISSION_GRANTED; // of all permissions
    public int requests; // for permissions

    protected void onCreate(Bundle state) {
    }

    protected void onStart() {
    }

    protected void onStop() {
    }

    protected void onDestroy() {
    }

    public void onRequestPermissionsResult(int request, String[] permissions, int[] results) {
    }

    public void setContentView(View view) {
        content = view;
    }

    public int checkSelfPermission(String name) {
        return permission;
    }

    public final void requestPermissions(String[] permissions, int request) {
        requests++;
    }

    public final void runOnUiThread(Runnable action) {
        action.run();
    }
}
