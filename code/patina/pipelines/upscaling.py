"""Upscale a folder of pictures with a super-resolution model or an interpolation."""

from dataclasses import dataclass
from dataclasses import replace as replace_fields
from functools import partial
from pathlib import Path

import numpy as np

from patina.imaging.picture_files import Picture
from patina.imaging.sources import Source, list_sources
from patina.imaging.written_formats import PNG, WrittenFormat
from patina.pipelines.continued_backend import continued_backend
from patina.pipelines.huge_upscaling import HugeUpscaling
from patina.pipelines.picture_job import OnCluster, Output, PictureWork, Pixels, make_results
from patina.pipelines.ray_cluster import ClusterChoice
from patina.pipelines.upscaler import OWN_SAMPLING, Sampling, Upscaler
from patina.pipelines.upscalers import open_upscaler
from patina.runs.folder_job import JobReport, output_names
from patina.runs.journal import Wanted
from patina.runs.output_folder import Replace
from patina.runs.shards import Shard
from patina.runs.tar_target import TarLimits


@dataclass(frozen=True)
class UpscaleRequest:
    """A folder of pictures to upscale, and how to do it.

    Attributes:
        model: a model file, or one of `INTERPOLATIONS`.
        source: a folder of pictures, or one picture.
        out: output folder, or a pattern of tars, see `TarTarget`.
        scale, tile, overlap, sampling, device, precision, backend: as in `open_upscaler`.
        recursive: include pictures in subfolders of `source`.
        shard: the part of the pictures to upscale, into its own folder `out`; None for all.
        form: the format of the results.
        limits: when a tar is full.
        all_frames: take all images of animated and multi-page files.
        cluster: where to compute; None for this process.
        images_only: keep the log beside the folder; see `OutputFolder.open`.
    """

    model: str | Path
    source: Path
    out: Path
    scale: int | None = None
    tile: int | None = None
    overlap: int | None = None
    sampling: Sampling = OWN_SAMPLING
    device: str = "auto"
    precision: str = "32"
    recursive: bool = False
    shard: Shard | None = None
    form: WrittenFormat = PNG
    limits: TarLimits = TarLimits()  # noqa: RUF009 - frozen
    all_frames: bool = False
    cluster: ClusterChoice | None = None
    backend: str = "torch"
    images_only: bool = False


def upscale(request: UpscaleRequest) -> JobReport[Path]:
    """Upscale a folder, or one picture, to files of the same names with the suffix of a format.

    EXIF data stay, apart from what no longer holds, and so does the ICC profile of colours, which are not converted.
    The bit depth is kept where the format holds it, and grey pictures stay grey. Partly transparent ones are enlarged
    by `Upscaler.with_alpha`.
    Results that are up to date are not made again.

    Returns:
        The report; its results are the files written by this call.

    Raises:
        PatinaError: the model or a setting cannot be used, or `out` holds results of another model or setting.
    """
    request = continuing(request)
    if request.cluster is not None and request.backend == "auto":
        request = replace_fields(request, backend="torch")  # this machine says little about those of a cluster
    upscaler, on_cluster = opened_upscaler(request), None
    if request.cluster is not None:
        chosen = str(upscaler.made_by.settings.get("precision", request.precision))
        same = replace_fields(request, precision=chosen)  # chosen once, not by every actor
        device = request.device if upscaler.made_by.models else "cpu"
        on_cluster = OnCluster(request.cluster, partial(_in_actor, same), device)
    return upscale_pictures(
        upscaler, request.source, request.out, recursive=request.recursive, shard=request.shard, form=request.form,
        limits=request.limits, on_cluster=on_cluster, all_frames=request.all_frames,
        images_only=request.images_only,
    )  # fmt: skip


def continuing(request: UpscaleRequest) -> UpscaleRequest:
    """Return a request whose backend is that of the results that it continues; errors as `continued_backend`."""
    if request.backend != "auto":
        return request
    return replace_fields(request, backend=continued_backend(request.out, request.model))


def opened_upscaler(request: UpscaleRequest) -> Upscaler:
    """Open the model of a request; errors as `open_upscaler`."""
    return open_upscaler(
        request.model,
        scale=request.scale,
        tile=request.tile,
        overlap=request.overlap,
        device=request.device,
        precision=request.precision,
        sampling=request.sampling,
        backend=request.backend,
    )


def _in_actor(request: UpscaleRequest) -> PictureWork:
    """Return the work of a request in an actor of a cluster."""
    return _work(opened_upscaler(request), request.form)


def upscale_pictures(
    upscaler: Upscaler,
    source: Path,
    out: Path,
    *,
    recursive: bool = False,
    replace: Replace = "never",
    shard: Shard | None = None,
    form: WrittenFormat = PNG,
    limits: TarLimits = TarLimits(),  # noqa: B008 - frozen
    on_cluster: OnCluster | None = None,
    all_frames: bool = False,
    images_only: bool = False,
) -> JobReport[Path]:
    """Upscale a folder, or one picture, with an open model; see `upscale`.

    Args:
        upscaler: the model.
        source, out, recursive, shard, form, limits: as in `UpscaleRequest`.
        replace: which earlier results to remove, see `OutputFolder.open`.
        on_cluster: computes elsewhere, with the same model.
        all_frames, images_only: as in `UpscaleRequest`.
    """
    sources = list_sources(source, recursive, "lq", all_frames)
    names = output_names(sources, out, form.suffix)
    wanted = [Wanted(name, picture.name) for name, picture in zip(names, sources, strict=True)]

    stored = {} if form == PNG else {"format": form.name, "quality": form.quality}
    made_by = replace_fields(upscaler.made_by, settings={**upscaler.made_by.settings, **stored})
    output = Output(source, sources, out, made_by, recursive, shard, replace, limits, images_only)
    return make_results(output, wanted, _work(upscaler, form), on_cluster=on_cluster)


def _work(upscaler: Upscaler, form: WrittenFormat) -> PictureWork:
    def enlarge(_source: Source, _details: object, picture: Picture) -> Pixels:
        if picture.alpha is None:
            pixels, alpha = upscaler(picture.pixels), None
        else:
            pixels, alpha = upscaler.with_alpha(picture.pixels, picture.alpha)
        if picture.gray:
            pixels = np.rint(pixels.mean(axis=2)).astype(pixels.dtype)
        return Pixels(pixels, alpha, profile=picture.profile)

    return PictureWork(enlarge, form=form, keep_exif=True, huge=HugeUpscaling(upscaler, form))
