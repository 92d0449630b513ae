"""The command `mmnet matte`: photos, videos or a camera in, mattes or composites out."""

from __future__ import annotations

from mmnet.cli.matte.options import (
    AudioOption,
    CameraOption,
    CrfOption,
    DurationOption,
    ForceOption,
    JsonOption,
    OutputOption,
    RecursiveOption,
    SalvageOption,
    SkipOption,
    SmoothingOption,
    Sources,
    ThreadsOption,
)
from mmnet.cli.options import (
    AcceleratorOption,
    BackgroundOption,
    FitOption,
    ForegroundOption,
    IfNobodyOption,
    ModelOption,
    ProfileOption,
    UpsamplingOption,
)
from mmnet.runtime.imaging.fit import DEFAULT_FIT
from mmnet.runtime.imaging.nobody import IfNobody
from mmnet.runtime.profiles import DEFAULT_PROFILE


def matte(
    sources: Sources = None,
    output: OutputOption = None,
    background: BackgroundOption = None,
    model: ModelOption = None,
    threads: ThreadsOption = None,
    accelerator: AcceleratorOption = None,
    profile: ProfileOption = DEFAULT_PROFILE,
    upsampling: UpsamplingOption = None,
    foreground: ForegroundOption = None,
    fit: FitOption = DEFAULT_FIT,
    if_nobody: IfNobodyOption = IfNobody.KEEP,
    recursive: RecursiveOption = False,
    skip_existing: SkipOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
    camera: CameraOption = None,
    duration: DurationOption = None,
    crf: CrfOption = None,
    audio: AudioOption = True,
    smoothing: SmoothingOption = True,
    salvage: SalvageOption = False,
) -> None:
    """Compute the alpha matte of the person in photos and videos, cut the person out, or change the background.

    \b
    Examples:
      mmnet matte photo.jpg                   (writes photo-alpha.png)
      mmnet matte photo.jpg -b blur           (writes photo-composite.jpg)
      mmnet matte photo.jpg -b transparent -o me.png
      mmnet matte photo.jpg -b '#00ff00' -o green.jpg
      mmnet matte photo.jpg -b beach.jpg --model mmnet-1.0-256-int8.tflite
      mmnet matte photo.jpg --fit stretch     (one look at the whole photo)
      mmnet matte holiday/ -o mattes/ --json
      mmnet matte holiday/ -o mattes/ --recursive --skip-existing
      mmnet matte holiday/ -o mattes/ --if-nobody transparent
    \b
      mmnet matte clip.mp4 -b blur            (writes clip-composite.mp4, with its audio)
      mmnet matte clip.mp4 -b '#00ff00' -o green.mp4
      mmnet matte clip.mp4 -b transparent -o clip.mov    (ProRes 4444; .webm is VP9, both with alpha)
      mmnet matte clip.mp4 -o alpha.mkv       (the alpha itself, without loss)
      mmnet matte clip.mp4 -b transparent -o frames/%06d.png
      mmnet matte --camera 0 -b blur -o me.mp4 --duration 10
      mmnet matte - -b blur < photo.jpg > blurred.jpg    (standard input and output)

    One bad file does not stop the others. The exit code is 1 if any failed. Ctrl-C ends a video early and leaves a
    file that plays; the exit code is 130 then.
    """
    # Imported here, so that the help needs neither NumPy nor OpenCV.
    from mmnet.cli.matte.run import run_matte

    run_matte(
        sources=sources,
        output=output,
        background=background,
        model=model,
        threads=threads,
        accelerator=accelerator,
        profile=profile,
        upsampling=upsampling,
        foreground=foreground,
        fit=fit,
        if_nobody=if_nobody,
        recursive=recursive,
        skip_existing=skip_existing,
        force=force,
        as_json=as_json,
        camera=camera,
        duration=duration,
        crf=crf,
        audio=audio,
        smoothing=smoothing,
        salvage=salvage,
    )
