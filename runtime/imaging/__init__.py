"""Images: photo files and camera frames to arrays, and the preprocessing that every platform shares."""
