package ai.mmnet.core;

/**
 * The crop that the model sees of each frame of one video (preprocessing.md, section 8). For each frame, call
 * {@link #start}, {@link #refine} and {@link #finish} in this order. The first frame is treated as a photo whose people get
 * one crop. A frame allocates nothing. The rectangles that it returns are its own, and the next frame changes them. One
 * thread at a time may use it.
 */
final class CropTracker {
    private static final int LOOK = 30; // frames from one look at the whole frame to the next
    private static final int PAUSE = 8; // frames after a look in which only the loss of everybody causes another
    private static final int MARGIN = 5; // the margin is 1/5 of the longer side, so that people who move stay inside
    private static final int FURTHER = 8; // where people touch a side, the goal is 1/8 of its longer side further out
    // A side stays where it is if the goal is this part of its longer side further out, or further in.
    private static final int DEAD_OUTWARDS = 32;
    private static final int DEAD_INWARDS = 8;
    private static final int INWARDS = 8; // a side goes 1/8 of its way inwards in a frame; outwards it goes all of it

    private final PeopleFinder finder;
    private final int size;
    private final Rectangle whole = new Rectangle();
    private final Rectangle crop = new Rectangle();
    private final Rectangle goal = new Rectangle();
    private final Rectangle found = new Rectangle(); // what the finder has found in this frame
    private boolean isFirst;
    private boolean isLook;
    private boolean isLost;
    private boolean jumped;
    private int since;

    /** Begins a video, for a model whose alpha has {@code size} × {@code size} pixels. */
    CropTracker(int size) {
        this.size = size;
        finder = new PeopleFinder(size);
        restart();
    }

    /** Begins another video. */
    void restart() {
        whole.set(0, 0, 0, 0); // the first frame has another size
        crop.set(whole);
        goal.set(whole);
        isLost = true;
        since = 0;
    }

    /** Returns whether the crop of the last frame lies elsewhere than that of the frame before it. */
    boolean jumped() {
        return jumped;
    }

    /** Begins the next frame, of {@code height} × {@code width} pixels, and returns what the model sees first of it. */
    Rectangle start(int height, int width) {
        isFirst = height != whole.height || width != whole.width;
        if (isFirst) {
            whole.set(0, 0, height, width);
        }
        isLook = isFirst || isLost || crop.isSame(whole) || since >= LOOK;
        jumped = false;
        if (isLook) {
            return whole;
        }
        moveTo(goal);
        return crop;
    }

    /** Takes the first alpha of the frame; returns what the model sees next, or null where this alpha stands. */
    Rectangle refine(byte[] alpha) {
        if (!isLook) {
            return null;
        }
        since = 0;
        if (!finder.findCrop(alpha, whole, whole, found)) {
            found.set(whole);
        }
        if (isFirst || !isNear(crop, found)) {
            jumped = !isFirst;
            crop.set(found);
        } else {
            moveTo(found);
        }
        return crop.isSame(whole) ? null : crop;
    }

    /** Ends the frame; {@code alpha} is the one that stands. */
    void finish(byte[] alpha) {
        since++;
        Rectangle box = found;
        if (!finder.findBounds(alpha, box)) {
            isLost = true;
            return;
        }
        goal.set(box);
        finder.widen(goal, crop, whole, MARGIN);
        int further = Math.max(goal.height, goal.width) / FURTHER;
        int top = goal.top;
        int left = goal.left;
        int bottom = goal.top + goal.height;
        int right = goal.left + goal.width;
        boolean atBorder = false;
        if (box.top == 0 && crop.top > 0) {
            top = Math.max(0, top - further);
            atBorder = true;
        }
        if (box.left == 0 && crop.left > 0) {
            left = Math.max(0, left - further);
            atBorder = true;
        }
        if (box.top + box.height == size && crop.top + crop.height < whole.height) {
            bottom = Math.min(whole.height, bottom + further);
            atBorder = true;
        }
        if (box.left + box.width == size && crop.left + crop.width < whole.width) {
            right = Math.min(whole.width, right + further);
            atBorder = true;
        }
        goal.set(top, left, bottom - top, right - left);
        if (PeopleFinder.fills(goal.pixels(), whole)) {
            goal.set(whole);
        }
        isLost = since > PAUSE && (atBorder || !isNear(crop, goal));
    }

    /** Moves the sides of the crop towards those of another rectangle. */
    private void moveTo(Rectangle other) {
        int longer = Math.max(other.height, other.width);
        int top = crop.top - step(crop.top - other.top, longer);
        int left = crop.left - step(crop.left - other.left, longer);
        int bottom = crop.top + crop.height;
        bottom += step(other.top + other.height - bottom, longer);
        int right = crop.left + crop.width;
        right += step(other.left + other.width - right, longer);
        crop.set(top, left, bottom - top, right - left);
    }

    /** Returns how far a side moves outwards; negative is inwards. The goal is {@code outwards} pixels further out. */
    private static int step(int outwards, int longer) {
        if (outwards >= 0) {
            return Math.max(0, outwards - longer / DEAD_OUTWARDS);
        }
        return -(Math.max(0, -outwards - longer / DEAD_INWARDS + INWARDS - 1) / INWARDS);
    }

    /** Returns whether two rectangles have at least a third of their union in common. */
    private static boolean isNear(Rectangle one, Rectangle other) {
        int rows = Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top);
        int columns = Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left);
        long common = (long) Math.max(0, rows) * Math.max(0, columns);
        return 4 * common >= one.pixels() + other.pixels();
    }
}
