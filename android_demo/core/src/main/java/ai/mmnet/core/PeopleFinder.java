package ai.mmnet.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * Finds the people that an alpha shows, and the crops of the image around them (preprocessing.md, section 7). One object
 * serves alphas of one size; finding the one crop of a frame allocates nothing. One thread at a time may use it.
 */
final class PeopleFinder {
    private static final int PERSON = 128; // an alpha from here on is a pixel of a person
    private static final int KEPT = 8; // components with 1/8 of the pixels of the largest are people, too
    private static final int LEAST = 1024; // a person has at least 1/1024 of the alpha's pixels
    static final int MARGIN = 10; // the margin is 1/10 of the longer side of the people's rectangle
    private static final int ASPECT = 2; // a side is at most so many times the other
    private static final int MOST_CROPS = 4; // people in more places are seen in one crop: each is one more run
    private static final int FIELDS = 5; // of a component: its pixels, then top, left, bottom and right, ends exclusive

    private static final Comparator<Rectangle> BY_TOP_AND_LEFT = new Comparator<Rectangle>() {
        @Override
        public int compare(Rectangle one, Rectangle other) {
            return one.top != other.top ? Integer.compare(one.top, other.top) : Integer.compare(one.left, other.left);
        }
    };

    private final int size;
    private final boolean[] waiting; // pixels of people that no component has yet
    private final int[] front; // pixels whose neighbours are still to be visited
    private int[] components = new int[64 * FIELDS];
    private final Rectangle person = new Rectangle();

    /** Prepares for alphas of {@code size} × {@code size} pixels. */
    PeopleFinder(int size) {
        this.size = size;
        waiting = new boolean[size * size];
        front = new int[size * size];
    }

    /**
     * Returns the crops of a photo that hold its people, with a margin: one for each group that stands apart. They are
     * at most {@link #MOST_CROPS}, no two share a pixel, and they are ordered by top, then by left. There is none where
     * alpha shows nobody, or people fill the photo.
     *
     * @param alpha of the whole photo: size · size bytes.
     */
    List<Rectangle> findCrops(byte[] alpha, Rectangle whole) {
        List<Rectangle> crops = new ArrayList<Rectangle>();
        int count = find(alpha);
        for (int number = 0; number < count; number++) {
            Rectangle crop = new Rectangle();
            setPerson(number, crop);
            widen(crop, whole, whole, MARGIN);
            addMerged(crop, crops);
        }
        if (crops.size() > MOST_CROPS) {
            Rectangle joined = crops.get(0);
            for (Rectangle crop : crops) {
                joined.join(crop);
            }
            crops = Collections.singletonList(joined);
        } else {
            Collections.sort(crops, BY_TOP_AND_LEFT);
        }
        long pixels = 0;
        for (Rectangle crop : crops) {
            pixels += crop.pixels();
        }
        return fills(pixels, whole) ? Collections.<Rectangle>emptyList() : crops;
    }

    /** Adds a rectangle to others that do not overlap, after it was joined with all that it overlaps. */
    private static void addMerged(Rectangle merged, List<Rectangle> apart) {
        for (int i = 0; i < apart.size();) {
            if (apart.get(i).overlaps(merged)) {
                merged.join(apart.remove(i));
                i = 0; // it may overlap others now
            } else {
                i++;
            }
        }
        apart.add(merged);
    }

    /**
     * Finds the one crop of an image that holds all its people, with a margin.
     *
     * @param alpha of the rectangle {@code seen} of the image: size · size bytes.
     * @param crop receives the crop.
     * @return whether the crop is to be seen; false where the whole image is.
     */
    boolean findCrop(byte[] alpha, Rectangle seen, Rectangle whole, Rectangle crop) {
        if (!findBounds(alpha, crop)) {
            return false;
        }
        widen(crop, seen, whole, MARGIN);
        return !fills(crop.pixels(), whole);
    }

    /**
     * Finds the smallest rectangle of an alpha that holds all its people.
     *
     * @param alpha size · size bytes.
     * @param bounds receives the rectangle.
     * @return whether there is anybody.
     */
    boolean findBounds(byte[] alpha, Rectangle bounds) {
        int count = find(alpha);
        if (count == 0) {
            return false;
        }
        setPerson(0, bounds);
        for (int number = 1; number < count; number++) {
            setPerson(number, person);
            bounds.join(person);
        }
        return true;
    }

    /** Finds the people in an alpha of size · size bytes, and returns their number; {@link #setPerson} gives each. */
    private int find(byte[] alpha) {
        for (int i = 0; i < waiting.length; i++) {
            waiting[i] = (alpha[i] & 255) >= PERSON;
        }
        int least = size * size / LEAST;
        int count = 0;
        int largest = 0;
        for (int i = 0; i < waiting.length; i++) {
            if (waiting[i]) {
                if (FIELDS * (count + 1) > components.length) {
                    components = Arrays.copyOf(components, 2 * components.length);
                }
                int pixels = visit(i, FIELDS * count);
                largest = Math.max(largest, pixels);
                if ((long) pixels * KEPT >= Math.max(largest, least)) { // else, it is too small already
                    count++;
                }
            }
        }
        if (largest < least) {
            return 0;
        }
        int kept = 0;
        for (int number = 0; number < count; number++) {
            if ((long) components[FIELDS * number] * KEPT >= largest) {
                System.arraycopy(components, FIELDS * number, components, FIELDS * kept, FIELDS);
                kept++;
            }
        }
        return kept;
    }

    /** Sets a rectangle to what a person covers of the alpha. */
    private void setPerson(int number, Rectangle box) {
        int at = FIELDS * number;
        int top = components[at + 1];
        int left = components[at + 2];
        box.set(top, left, components[at + 3] - top, components[at + 4] - left);
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
     * Makes the rectangle of people the crop around them: in the image, with a margin, and not too narrow.
     *
     * @param box the rectangle of people in the alpha; receives the crop.
     * @param seen the rectangle of the image that the alpha belongs to.
     * @param part the margin is so small a part of the longer side: 10 for a tenth.
     */
    void widen(Rectangle box, Rectangle seen, Rectangle whole, int part) {
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
        box.set(top, left, Math.min(whole.height, bottom) - top, Math.min(whole.width, right) - left);
    }

    /** Returns whether crops of so many pixels have four fifths of those of their image or more. */
    static boolean fills(long pixels, Rectangle whole) {
        return 5 * pixels >= 4 * whole.pixels();
    }
}
