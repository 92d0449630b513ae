"""Opening of video files: containers of videos alone, which can name no other file.

FFmpeg also opens still images, texts and playlists as videos. An image would become a video of one frame. A playlist
(`.m3u8`, an ffconcat script, also under the name `.mp4`) reads other files and addresses, which whoever sent the file
chose.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from mmnet.runtime.imaging.decoders import OPTIONAL_EXTENSIONS
from mmnet.runtime.imaging.headers.signatures import BEGINNING, GIF, image_format, unread_image
from mmnet.runtime.video.ffmpeg import VideoError, pyav, reason

# FFmpeg's names of the containers and streams of video that are read.
FORMATS = (
    "3g2,3gp,4xm,amv,apv,asf,asf_o,av1,avi,avs,avs2,avs3,bink,cavsvideo,cdxl,cine,dhav,dirac,dnxhd,dv,dxa,ea,evc,"
    "film_cpk,flic,flv,gif,gxf,h261,h263,h264,hevc,ifv,ipu,ivf,ivr,kux,live_flv,lmlm4,lxf,m4a,m4v,matroska,mj2,mjpeg,"
    "mjpeg_2000,mlv,mov,mp4,mpeg,mpegts,mpegtsraw,mpegvideo,mpjpeg,mtv,mv,mxf,mxf_opatom,nsv,nut,nuv,obu,ogg,pmp,pva,"
    "r3d,rm,roq,rpl,ser,smjpeg,smk,swf,thp,ty,usm,vc1,vc1test,vivo,vmd,vvc,webm,wsvqa,wtv,xmv,yuv4mpegpipe"
)
_FILE_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file,pipe,fd"}
_LIVE_SECONDS = (30, 15)  # time limits for a live source: to open, and to give the next packet
# Beginning of a file that names others -> its kind, for messages.
_PLAYLISTS = {
    b"ffconcat": "an ffconcat script",
    b"#EXTM3U": "an HLS playlist",
    b"<?xml": "a document",
    b"<MPD": "a DASH playlist",
}


def open_video(source: Path | str) -> Any:
    """Open a video with FFmpeg.

    Args:
        source: a file, or as a string a file, a pipe, or an address (`rtsp://…`), which alone may use the network.

    Returns:
        An `av.container.InputContainer`.

    Raises:
        VideoError: it cannot be opened, or is no video.
        MissingExtraError: PyAV is not installed.
    """
    av = pyav()
    address = isinstance(source, str) and "://" in source and not source.startswith("file:")
    beginning = b"" if address else _beginning(Path(str(source).removeprefix("file:")))
    image = unread_image(beginning)
    if image is not None and not beginning.startswith(GIF):
        raise VideoError(f"{source}: {image}")
    if image_format(beginning) in OPTIONAL_EXTENSIONS:  # FFmpeg would read one tile of it, or all of it, as a video
        raise VideoError(f"{source}: {_what_it_is(beginning)}")
    try:
        return av.open(
            f"file:{source}" if isinstance(source, Path) else source,
            metadata_errors="replace",
            container_options={} if address else _FILE_OPTIONS,
            timeout=_LIVE_SECONDS if isinstance(source, str) else None,
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{source}: {_what_it_is(beginning) or _open_error(error, beginning)}") from error


def _beginning(path: Path) -> bytes:
    """Return the first bytes of a regular file; none of a pipe, whose bytes can be read only once."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(BEGINNING)
    except OSError:
        return b""  # FFmpeg says why


def _what_it_is(beginning: bytes) -> str | None:
    """Return what to say of a file that is no video, by its first bytes; None if that is unknown."""
    image = image_format(beginning)
    if image is not None:
        extension = OPTIONAL_EXTENSIONS[image][0] if image in OPTIONAL_EXTENSIONS else f".{image.lower()}"
        return f"is a{'n' if image == 'AVIF' else ''} {image} image, not a video; give it the extension {extension}"
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = next((kind for magic, kind in _PLAYLISTS.items() if text.startswith(magic)), None)
    return f"is {kind}, not a video; name the video files themselves" if kind else None


def _open_error(error: BaseException, beginning: bytes) -> str:
    av = pyav()
    damaged = isinstance(error, (av.error.InvalidDataError, av.error.ArgumentError))
    # FFmpeg's "busy" is about cameras; of a file that could be read, it means a frame size that no video has.
    if damaged or (beginning and isinstance(error, OSError) and error.errno == errno.EBUSY):
        return "is not a video that is read, or is truncated or damaged"
    return f"cannot be opened: {reason(error)}"
