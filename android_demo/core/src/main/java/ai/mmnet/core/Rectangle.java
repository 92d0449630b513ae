package ai.mmnet.core;

/** Whole pixels: rows top … top + height − 1, columns left … left + width − 1. */
public final class Rectangle {
    public final int top;
    public final int left;
    public final int height;
    public final int width;

    public Rectangle(int top, int left, int height, int width) {
        this.top = top;
        this.left = left;
        this.height = height;
        this.width = width;
    }

    /** The index of the first pixel in a picture of {@code pictureWidth} columns. */
    int offset(int pictureWidth) {
        return top * pictureWidth + left;
    }
}
