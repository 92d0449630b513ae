package ai.mmnet.demo;

import android.content.Context;
import android.content.SharedPreferences;
import android.database.Cursor;
import android.net.Uri;
import android.provider.OpenableColumns;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The models of this app: those among its assets, and those imported from storage. Their names end in .tflite. */
final class ModelStore {
    private static final String EXTENSION = ".tflite";
    private static final String CHOSEN = "model";
    private static final int MAX_BYTES = 64 << 20;

    private final Context context;
    private final File imported;
    private final SharedPreferences preferences;

    /** Opens the app's models. */
    ModelStore(Context context) {
        this.context = context.getApplicationContext();
        imported = new File(context.getFilesDir(), "models");
        preferences = context.getSharedPreferences("mmnet", Context.MODE_PRIVATE);
    }

    /** The name and the bytes of a model file. */
    static final class ModelFile {
        final String name;
        final byte[] bytes;

        ModelFile(String name, byte[] bytes) {
            this.name = name;
            this.bytes = bytes;
        }

        /** Returns the SHA-256 hash of the bytes in hexadecimal digits. */
        String sha256() {
            try {
                StringBuilder text = new StringBuilder();
                for (byte value : MessageDigest.getInstance("SHA-256").digest(bytes)) {
                    text.append(Character.forDigit(value >> 4 & 15, 16)).append(Character.forDigit(value & 15, 16));
                }
                return text.toString();
            } catch (NoSuchAlgorithmException impossible) { // every Android version has SHA-256
                throw new IllegalStateException(impossible);
            }
        }
    }

    /** Returns the sorted names of all models. An imported model replaces an asset of the same name. */
    List<String> names() {
        List<String> names = new ArrayList<>();
        try {
            add(names, context.getAssets().list(""));
        } catch (IOException error) {
            // Assets that cannot be listed cannot be read: only imported models remain.
        }
        add(names, imported.list());
        String[] sorted = names.toArray(new String[0]);
        Arrays.sort(sorted);
        return Arrays.asList(sorted);
    }

    /** Returns the name of the model that was chosen last, or of the first model; null if there is no model. */
    String chosen() {
        List<String> names = names();
        String name = preferences.getString(CHOSEN, null);
        if (names.contains(name)) {
            return name;
        }
        return names.isEmpty() ? null : names.get(0);
    }

    /** Stores the name of the model that the user chose. */
    void choose(String name) {
        preferences.edit().putString(CHOSEN, name).apply();
    }

    /**
     * Reads a model.
     *
     * @param name the name of a file in the app's external folder, the name of an imported model, a path, or the name
     *     of an asset. They are tried in this order.
     * @throws ModelException there is no such model, or it cannot be read.
     */
    ModelFile read(String name) throws ModelException {
        try (InputStream in = open(name)) {
            return new ModelFile(new File(name).getName(), Streams.readAll(in, MAX_BYTES));
        } catch (FileNotFoundException error) {
            throw new ModelException(context.getString(R.string.model_missing, name), error);
        } catch (IOException error) {
            throw new ModelException(context.getString(R.string.model_not_read, name, error.getMessage()), error);
        }
    }

    /**
     * Reads a file that the user chose from storage. {@link #save} makes it a model of this app.
     *
     * @throws ModelException the file cannot be read.
     */
    ModelFile read(Uri uri) throws ModelException {
        String name = displayName(uri);
        try (InputStream in = context.getContentResolver().openInputStream(uri)) {
            if (in == null) {
                throw new ModelException(context.getString(R.string.model_missing, name));
            }
            return new ModelFile(name, Streams.readAll(in, MAX_BYTES));
        } catch (IOException | SecurityException error) {
            throw new ModelException(context.getString(R.string.model_not_read, name, error.getMessage()), error);
        }
    }

    /**
     * Stores a model in the app and chooses it.
     *
     * @throws ModelException it cannot be stored.
     */
    void save(ModelFile model) throws ModelException {
        String name = model.name.endsWith(EXTENSION) ? model.name : model.name + EXTENSION;
        try {
            if (!imported.isDirectory() && !imported.mkdirs()) {
                throw new IOException("the folder for models cannot be created");
            }
            Streams.write(new File(imported, name), model.bytes);
        } catch (IOException error) {
            throw new ModelException(context.getString(R.string.model_not_stored, name, error.getMessage()), error);
        }
        choose(name);
    }

    private InputStream open(String name) throws IOException {
        File external = context.getExternalFilesDir(null);
        File[] places = {external == null ? null : new File(external, name), new File(imported, name), new File(name)};
        for (File place : places) {
            if (place != null && place.isFile()) {
                return new FileInputStream(place);
            }
        }
        return context.getAssets().open(name);
    }

    /** Returns the display name of a file, without parts of a path, so that it stays in the folder for models. */
    private String displayName(Uri uri) {
        String name = null;
        String[] columns = {OpenableColumns.DISPLAY_NAME};
        try (Cursor cursor = context.getContentResolver().query(uri, columns, null, null, null)) {
            if (cursor != null && cursor.moveToFirst()) {
                name = cursor.getString(0);
            }
        } catch (RuntimeException error) {
            // The provider of another app failed to give the name; a default name takes its place.
        }
        String plain = name == null ? "model" : new File(name).getName();
        return plain.isEmpty() || plain.startsWith(".") ? "model" : plain;
    }

    private static void add(List<String> names, String[] found) {
        if (found == null) {
            return;
        }
        for (String name : found) {
            if (name.endsWith(EXTENSION) && !names.contains(name)) {
                names.add(name);
            }
        }
    }
}
