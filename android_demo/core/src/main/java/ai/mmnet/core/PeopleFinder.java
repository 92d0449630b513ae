package ai.mmnet.core;

import java.util.Arrays;

/**
 * Finds the people that an alpha shows, and the crop of the image around them (preprocessing.md, section 7). One object
 * serves alphas of one size. One thread at a time may use it.
 */
final class PeopleFinder {
    private static final int PERSON = 128; // an alpha from here on is a pixel of a person
    private static final int KEPT = 8; // components with 1/8 of the pixels of the largest are people, too
    private static final int LEAST = 1024; // a person has at least 1/1024 of the alpha's pixels
    static final int MARGIN = 10; // the margin is 1/10 of the longer side of the people's rectangle
    private static final int ASPECT = 2; // a side is at most so many times the other
    private static final int FIELDS = 5; // of a component: its pixels, then top, left, bottom and right, ends exclusive

    private final int size;
    private final boolean[] waiting; // pixels of people that no component has yet
    private final int[] front; // pixels whose neighbours are still to be visited
    private int[] components = new int[16 * FIELDS];

    /** Prepares for alphas of {@code size} × {@code size} pixels. */
    PeopleFinder(int size) {
        this.size = size;
        waiting = new boolean[size * size];
        front = new int[size * size];
    }

    /**
     * Returns the crop of an image that holds its people, with a margin; null where the whole image is to be seen.
     *
     * @param alpha of the rectangle {@code seen} of the image: size · size bytes.
     */
    Rectangle findCrop(byte[] alpha, Rectangle seen, Rectangle whole) {
        Rectangle box = find(alpha);
        if (box == null) {
            return null;
        }
        Rectangle crop = widen(box, seen, whole, MARGIN);
        return fills(crop, whole) ? null : crop;
    }

    /** Returns the rectangle that people cover in an alpha of size · size bytes; null where there is nobody. */
    Rectangle find(byte[] alpha) {
        for (int i = 0; i < waiting.length; i++) {
            waiting[i] = (alpha[i] & 255) >= PERSON;
        }
        int count = 0;
        int largest = 0;
        for (int i = 0; i < waiting.length; i++) {
            if (waiting[i]) {
                if (FIELDS * (count + 1) > components.length) {
                    components = Arrays.copyOf(components, 2 * components.length);
                }
                largest = Math.max(largest, visit(i, FIELDS * count));
                count++;
            }
        }
        if (largest == 0 || largest < size * size / LEAST) {
            return null;
        }
        int top = size;
        int left = size;
        int bottom = 0;
        int right = 0;
        for (int at = 0; at < FIELDS * count; at += FIELDS) {
            if ((long) components[at] * KEPT >= largest) {
                top = Math.min(top, components[at + 1]);
                left = Math.min(left, components[at + 2]);
                bottom = Math.max(bottom, components[at + 3]);
                right = Math.max(right, components[at + 4]);
            }
        }
        return new Rectangle(top, left, bottom - top, right - left);
    }

    /** Visits the component of a pixel, writes its fields from index {@code at} on, and returns its pixels. */
    private int visit(int pixel, int at) {
        int pixels = 0;
        int top = size;
        int left = size;
        int bottom = 0;
        int right = 0;
        int fronts = 0;
        front[fronts++] = pixel;
        waiting[pixel] = false;
        while (fronts > 0) {
            int here = front[--fronts];
            int y = here / size;
            int x = here % size;
            pixels++;
            top = Math.min(top, y);
            left = Math.min(left, x);
            bottom = Math.max(bottom, y + 1);
            right = Math.max(right, x + 1);
            fronts = add(y > 0, here - size, fronts);
            fronts = add(y + 1 < size, here + size, fronts);
            fronts = add(x > 0, here - 1, fronts);
            fronts = add(x + 1 < size, here + 1, fronts);
        }
        components[at] = pixels;
        components[at + 1] = top;
        components[at + 2] = left;
        components[at + 3] = bottom;
        components[at + 4] = right;
        return pixels;
    }

    private int add(boolean isInside, int pixel, int fronts) {
        if (!isInside || !waiting[pixel]) {
            return fronts;
        }
        waiting[pixel] = false;
        front[fronts] = pixel;
        return fronts + 1;
    }

    /**
     * Returns the crop around people: their rectangle in the image, with a margin, and not too narrow.
     *
     * @param box the rectangle of people in the alpha.
     * @param seen the rectangle of the image that the alpha belongs to.
     * @param part the margin is so small a part of the longer side: 10 for a tenth.
     */
    Rectangle widen(Rectangle box, Rectangle seen, Rectangle whole, int part) {
        int top = seen.top + box.top * seen.height / size;
        int bottom = seen.top + ((box.top + box.height) * seen.height + size - 1) / size;
        int left = seen.left + box.left * seen.width / size;
        int right = seen.left + ((box.left + box.width) * seen.width + size - 1) / size;
        int margin = Math.max(bottom - top, right - left) / part;
        top -= margin;
        bottom += margin;
        left -= margin;
        right += margin;
        int rows = bottom - top;
        int columns = right - left;
        if (rows > ASPECT * columns) {
            int across = (rows - ASPECT * columns + 3) / 4;
            left -= across;
            right += across;
        } else if (columns > ASPECT * rows) {
            int down = (columns - ASPECT * rows + 3) / 4;
            top -= down;
            bottom += down;
        }
        top = Math.max(0, top);
        left = Math.max(0, left);
        return new Rectangle(top, left, Math.min(whole.height, bottom) - top, Math.min(whole.width, right) - left);
    }

    /** Returns whether a crop has four fifths of the pixels of its image or more. */
    static boolean fills(Rectangle crop, Rectangle whole) {
        return 5L * crop.height * crop.width >= 4L * whole.height * whole.width;
    }
}
