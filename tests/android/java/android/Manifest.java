package android;

/** A replacement for Android's class that runs on the JVM. */
public final class Manifest {
    private Manifest() {
    }

    /** The names of permissions. */
    public static final class permission {
        public static final String CAMERA = "android.permission.CAMERA";

        private permission() {
        }
    }
}
