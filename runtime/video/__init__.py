"""Videos and cameras: reading, writing, streaming, temporal smoothing.

PyAV brings FFmpeg and is loaded only when a video is opened. `reader`, `writer`, `audio` and `colour` need it, and so
does `camera`, except for the cameras of this machine. All else works without it.

The door of this room:

- `reader.VideoInput`, `camera.Camera`: a video file or a camera -> `reader.TimedFrame`s.
- `opening`, `spans`, `deinterlacing`: which files are opened, whether they are whole, and how woven frames are parted.
- `writer.write_video`, `writer.write_images`: rendered frames -> a video file or numbered images.
- `formats`: which extensions are read, and how each kind of result is encoded.
- `stream`: what `PortraitMatter` keeps and gives over time (`Matte`, `StreamState`, `LiveStream`).
- `pipeline.pipelined`: stages that run at the same time, each in a thread.
- `smoothing.TemporalSmoother`: smooths the alphas of one video.
"""
