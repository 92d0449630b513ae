package ai.mmnet.core;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;

/**
 * A program that reads requests from standard input and writes the answers to standard output, until the input ends.
 * Each request and each answer is a length in bytes, a big-endian int, and then its bytes.
 */
final class RequestServer {
    private RequestServer() {
    }

    public static void main(String[] arguments) throws IOException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
        while (true) {
            int length;
            try {
                length = in.readInt();
            } catch (EOFException end) {
                return;
            }
            byte[] request = new byte[length];
            in.readFully(request);
            byte[] answer = RequestHandler.answer(request);
            out.writeInt(answer.length);
            out.write(answer);
            out.flush();
        }
    }
}
