package ai.mmnet.core;

/** A rectangle of whole pixels: rows top to top + height − 1, columns left to left + width − 1. */
public final class Rectangle {
    /** First row. */
    public final int top;
    /** First column. */
    public final int left;
    /** Number of rows. */
    public final int height;
    /** Number of columns. */
    public final int width;

    /** Describes a rectangle by its first row and column and its size. */
    public Rectangle(int top, int left, int height, int width) {
        this.top = top;
        this.left = left;
        this.height = height;
        this.width = width;
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

    /** Returns the smallest rectangle that holds this one and another. */
    Rectangle joinedWith(Rectangle other) {
        int firstRow = Math.min(top, other.top);
        int firstColumn = Math.min(left, other.left);
        int endRow = Math.max(top + height, other.top + other.height);
        int endColumn = Math.max(left + width, other.left + other.width);
        return new Rectangle(firstRow, firstColumn, endRow - firstRow, endColumn - firstColumn);
    }
}
