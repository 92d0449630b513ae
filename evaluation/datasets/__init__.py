"""Images with known alpha mattes on disk: found, checked and read.

- `pairs`: photos with their mattes (`load_pairs`), or photos alone (`load_images`).
- `sequences`: frame sequences with their mattes, as images or as two videos (`load_sequences`).

Listing a folder reads no image. `check_pairs` and `check_sequences` read all of them once, report every image that
cannot be used, and return a hash that identifies the images.
"""
