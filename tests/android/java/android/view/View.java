package android.view;

/** A replacement for Android's class that runs on the JVM. */
public class View {
    public void setKeepScreenOn(boolean isOn) {
    }
}
