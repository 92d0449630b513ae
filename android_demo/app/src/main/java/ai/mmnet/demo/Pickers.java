package ai.mmnet.demo;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Intent;

/** Lets the user choose a file. The activity's {@code onActivityResult} receives its URI. */
final class Pickers {
    private static final String PHOTO_PICKER = "android.provider.action.PICK_IMAGES"; // of MediaStore, since API 33

    private Pickers() {
    }

    /**
     * Opens the system's photo picker, or the one for files where a device has none.
     *
     * @return whether the device has either.
     */
    static boolean pickImage(Activity activity, int request) {
        Intent intent = new Intent(PHOTO_PICKER);
        intent.setType("image/*");
        return start(activity, intent, request) || pickFile(activity, "image/*", request);
    }

    /** Opens the picker for files of a MIME type, and returns whether the device has one. */
    static boolean pickFile(Activity activity, String type, int request) {
        Intent intent = new Intent(Intent.ACTION_OPEN_DOCUMENT);
        intent.addCategory(Intent.CATEGORY_OPENABLE);
        intent.setType(type);
        return start(activity, intent, request);
    }

    /** Opens the dialog that makes a PNG file, and returns whether the device has one. */
    static boolean createPng(Activity activity, String name, int request) {
        Intent intent = new Intent(Intent.ACTION_CREATE_DOCUMENT);
        intent.addCategory(Intent.CATEGORY_OPENABLE);
        intent.setType("image/png");
        intent.putExtra(Intent.EXTRA_TITLE, name);
        return start(activity, intent, request);
    }

    private static boolean start(Activity activity, Intent intent, int request) {
        try {
            activity.startActivityForResult(intent, request);
            return true;
        } catch (ActivityNotFoundException error) {
            return false;
        }
    }
}
