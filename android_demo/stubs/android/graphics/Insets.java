package android.graphics;

/** A compile-only stub of the part of Android's class, of API 29, that the app uses. It is never packed into the app. */
public final class Insets {
    public final int left;
    public final int top;
    public final int right;
    public final int bottom;

    private Insets() {
        throw new UnsupportedOperationException();
    }
}
