package ai.mmnet.core;

/**
 * A rectangle of whole pixels: rows top to top + height − 1, columns left to left + width − 1. It is changed in place, so
 * that the frames of a video need no new ones.
 */
final class Rectangle {
    /** First row. */
    int top;
    /** First column. */
    int left;
    /** Number of rows. */
    int height;
    /** Number of columns. */
    int width;

    /** Makes a rectangle without pixels. */
    Rectangle() {
    }

    /** Makes a rectangle of its first row and column and its size. */
    Rectangle(int top, int left, int height, int width) {
        set(top, left, height, width);
    }

    /** Changes the rectangle. */
    void set(int newTop, int newLeft, int newHeight, int newWidth) {
        top = newTop;
        left = newLeft;
        height = newHeight;
        width = newWidth;
    }

    /** Makes this rectangle the same as another one. */
    void set(Rectangle other) {
        set(other.top, other.left, other.height, other.width);
    }

    /** Returns whether a rectangle covers the same pixels. */
    boolean isSame(Rectangle other) {
        return top == other.top && left == other.left && height == other.height && width == other.width;
    }

    /** Returns whether a rectangle has a pixel in common with this one. */
    boolean overlaps(Rectangle other) {
        return top < other.top + other.height && other.top < top + height
                && left < other.left + other.width && other.left < left + width;
    }

    /** Makes this rectangle the smallest one that holds it and another. */
    void join(Rectangle other) {
        int firstRow = Math.min(top, other.top);
        int firstColumn = Math.min(left, other.left);
        int endRow = Math.max(top + height, other.top + other.height);
        int endColumn = Math.max(left + width, other.left + other.width);
        set(firstRow, firstColumn, endRow - firstRow, endColumn - firstColumn);
    }

    /** Returns the number of pixels. */
    long pixels() {
        return (long) height * width;
    }
}
