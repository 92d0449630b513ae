package ai.mmnet.core;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;

/** Answers requests from standard input until it ends: a length, then that many bytes, both ways. */
final class AnswerServer {
    private AnswerServer() {
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
            byte[] answer = Answers.answer(request);
            out.writeInt(answer.length);
            out.write(answer);
            out.flush();
        }
    }
}
