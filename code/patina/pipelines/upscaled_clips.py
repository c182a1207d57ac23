"""Upscale clips frame by frame; time stamps and sound stay."""

from dataclasses import replace
from pathlib import Path

from patina.errors import PatinaError
from patina.imaging.interpolation import Interpolation
from patina.imaging.sources import Source, folder_of
from patina.imaging.video_files import list_clips, require_video
from patina.imaging.written_formats import PNG
from patina.pipelines.clip_job import make_clip, require_plain_folder
from patina.pipelines.upscaling import UpscaleRequest, continuing, opened_upscaler, upscale
from patina.runs.fingerprint import digest_of, file_digest
from patina.runs.folder_job import JobReport, output_names, run_folder_job
from patina.runs.journal import Result, Wanted
from patina.runs.output_folder import OutputFolder
from patina.runs.worker_processes import checked_workers


def upscale_anything(request: UpscaleRequest) -> JobReport[Path]:
    """Upscale images, or clips where the source is a clip or a folder of clips without images.

    Raises:
        PatinaError: as `upscale`, or a setting is not for clips.
    """
    if request.source.exists() and (clips := list_clips(request.source)):
        return _upscale_clips(request, clips)
    return upscale(request)


def _upscale_clips(request: UpscaleRequest, clips: list[Path]) -> JobReport[Path]:
    require_video()
    if request.form != PNG:
        raise PatinaError("-format applies to images only; clips are written as H.264 in MP4")
    require_plain_folder(request.source, request.out, request.shard, request.cluster)
    upscaler = opened_upscaler(continuing(request))
    sources = {path.name: Source(path, path.name) for path in clips}
    names = output_names(list(sources.values()), request.out, ".mp4")
    wanted = [Wanted(output, name) for output, name in zip(names, sources, strict=True)]
    made_by = replace(upscaler.made_by, settings={**upscaler.made_by.settings, "clips": True})
    listed, source = list(sources.values()), folder_of(request.source)
    with OutputFolder.open(
        request.out, made_by, source=source, sources=listed, images_only=request.images_only
    ) as folder:
        todo = folder.outdated(wanted)
        folder.begin(todo)

        def work(item: Wanted) -> Path:
            source = sources[str(item.source)]
            digest = file_digest(source.path)
            parts = digest_of(f"{digest} {item.output} {sorted(made_by.settings.items())} {made_by.models}".encode())
            overlaps = isinstance(upscaler.enlarge, Interpolation)  # a model works on one frame at a time
            make_clip(
                source.path, folder.path / item.output, lambda _number, pixels: upscaler(pixels),
                folder=folder.path, digest=parts, workers=checked_workers(None) if overlaps else 1,
            )  # fmt: skip
            folder.record([Result(item.output, item.source, digest)])
            return folder.path / item.output

        report = run_folder_job(
            todo, work, description="upscale", name=lambda item: str(sources[str(item.source)].path)
        )
        folder.finish()
    return replace(report, noun="clip")
