package ai.mmnet.matting;

import ai.mmnet.core.AlphaModel;

/** Compares what two runtimes compute for one model, with a drawn portrait: head, hair and shoulders before a wall. */
final class Trial {
    /** The largest mean difference of two alphas, in levels of 0–255. A constant alpha differs by about 80. */
    static final double LIMIT = 8;

    private static final int UNITS = 256; // the drawing's own height and width
    // Each ellipse: centre y, centre x, half the height, half the width, colour.
    private static final int[][] ELLIPSES = {
        {256, 128, 92, 104, 0x283C78}, {96, 128, 66, 54, 0x32221A}, {176, 128, 40, 22, 0xE0AC8C},
        {108, 128, 54, 42, 0xE0AC8C}, {98, 111, 4, 7, 0x281E1E}, {98, 145, 4, 7, 0x281E1E}, {134, 128, 4, 14, 0x963C3C}};
    private static final int WALL = 0x96AA96;
    private static final int WALL_SHADE = 8; // one level brighter for each so many units from the top

    private Trial() {
    }

    /** Returns why an accelerated model must not be used; null if its alpha is near enough to the reference's. */
    static String compare(AlphaModel reference, AlphaModel accelerated) {
        int size = reference.size();
        byte[] portrait = portrait(size);
        byte[] expected = new byte[size * size];
        byte[] found = new byte[size * size];
        reference.run(portrait, expected);
        accelerated.run(portrait, found);
        long difference = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.abs((expected[i] & 255) - (found[i] & 255));
        }
        double mean = (double) difference / expected.length;
        return mean <= LIMIT ? null
                : "its alpha differs from the CPU's by " + Math.round(mean) + " of 255 on average, the limit is " + LIMIT;
    }

    /** Returns the drawn portrait: 3 · size · size bytes, R, G, B of each pixel. */
    static byte[] portrait(int size) {
        byte[] rgb = new byte[3 * size * size];
        for (int row = 0; row < size; row++) {
            for (int column = 0; column < size; column++) {
                int y = row * UNITS / size;
                int x = column * UNITS / size;
                int colour = WALL + y / WALL_SHADE * 0x010101;
                for (int[] ellipse : ELLIPSES) {
                    int down = (y - ellipse[0]) * ellipse[3];
                    int right = (x - ellipse[1]) * ellipse[2];
                    int radius = ellipse[2] * ellipse[3];
                    if (down * down + right * right <= radius * radius) {
                        colour = ellipse[4];
                    }
                }
                int at = 3 * (row * size + column);
                rgb[at] = (byte) (colour >> 16);
                rgb[at + 1] = (byte) (colour >> 8);
                rgb[at + 2] = (byte) colour;
            }
        }
        return rgb;
    }
}
