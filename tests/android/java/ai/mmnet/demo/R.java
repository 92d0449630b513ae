package ai.mmnet.demo;

/** A replacement for the class that aapt2 writes: the strings of the camera. */
public final class R {
    private R() {
    }

    /** The numbers of strings. */
    public static final class string {
        public static final int no_camera = 1;
        public static final int no_permission = 2;
        public static final int camera_taken = 3;
        public static final int camera_in_use = 4;
        public static final int camera_disabled = 5;
        public static final int camera_failed = 6;

        private string() {
        }
    }
}
