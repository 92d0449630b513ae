package ai.mmnet.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertTrue;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.junit.Test;

/** Tests that Java computes the bytes that Python wrote to golden.bin (tests/make_java_golden.py). */
public class GoldenTest {
    @Test
    public void everyAnswerHasTheBytesOfPython() throws IOException {
        int cases = 0;
        try (InputStream file = getClass().getResourceAsStream("/golden.bin")) {
            DataInputStream in = new DataInputStream(file);
            for (int left = in.readInt(); left > 0; left--) {
                String name = in.readUTF();
                byte[] request = read(in);
                byte[] expected = read(in);
                assertArrayEquals(name, expected, RequestHandler.answer(request));
                cases++;
            }
        }
        assertTrue("golden.bin has only " + cases + " cases", cases >= 20);
    }

    private static byte[] read(DataInputStream in) throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return bytes;
    }
}
