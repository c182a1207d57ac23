"""How much of the gap between bicubic and true pairs a method closes, on cameras whose ground truth is known.

The fraction of the gap = (PSNR of the network trained on the method's pairs - on bicubic pairs) / (on true pairs - on
bicubic pairs), on held-out pictures of the camera. It is what a user gains, in one number.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from patina.errors import PatinaError, counted, require_range
from patina.experiments.choices import BICUBIC, CAMERA_NAMES, GAP_METHODS, SHORT_CAMERAS, SHORT_STEPS, TRUE
from patina.experiments.gap_folders import SCALE, GapFolders
from patina.experiments.gap_methods import GapMethod, gap_method
from patina.experiments.gap_photographs import choose_scenes, take_photographs
from patina.experiments.gap_table import GapScores, gap_report, write_gap
from patina.experiments.known_cameras import ALL_CAMERAS
from patina.experiments.parallel_training import processes, require_finished
from patina.hints import nearest
from patina.imaging.sources import list_sources
from patina.pipelines.evaluation import evaluate_folders
from patina.pipelines.training_run import train_config
from patina.pipelines.upscaling import UpscaleRequest, upscale
from patina.runs.made_by import MadeBy
from patina.runs.output_folder import OutputFolder
from patina.runs.worker_processes import checked_workers
from patina.specs.configuration import load_config
from patina.specs.paired_data import LQSettings
from patina.specs.restoration_spec import RestorationConfig
from patina.system.telling import tell

COUNTS = (60, 40, 20)
"""Most clean pictures, photos by the camera, and held-out pictures."""


@dataclass(frozen=True)
class GapRequest:
    """What to compare.

    Attributes:
        out: a folder for everything that the experiment writes.
        pictures: folder of clean photographs; None for those that come with scikit-image.
        cameras: names, see `CAMERA_NAMES` and `MORE_CAMERA_NAMES`.
        methods: names, see `gap_method`; bicubic and true pairs are always among them.
        seeds: of the networks; each is trained on a draw of pairs of its own.
        seed: of the photographs and the fit.
        steps: of each network's training; None for the configuration's own.
        config: the networks' configuration.
        device: where to compute.
    """

    out: Path
    pictures: Path | None = None
    cameras: tuple[str, ...] = CAMERA_NAMES
    methods: tuple[str, ...] = GAP_METHODS
    seeds: tuple[int, ...] = (0, 1, 2)
    seed: int = 0
    steps: int | None = None
    config: str = "SR-demo"
    device: str = "auto"

    def shortened(self) -> "GapRequest":
        """Return the short form: the first seed, few steps unless they are given, and few cameras instead of all."""
        return replace(
            self,
            cameras=SHORT_CAMERAS if self.cameras == CAMERA_NAMES else self.cameras,
            seeds=self.seeds[:1],
            steps=self.steps or SHORT_STEPS,
        )


def run_gap(request: GapRequest) -> str:
    """Measure every method on every camera; what an earlier call has finished is kept.

    Returns:
        The table, Markdown.

    Raises:
        PatinaError: a camera or method is unknown, the folder holds another experiment, or a training was interrupted.
    """
    methods = _checked_methods(request)
    sources = list_sources(request.pictures) if request.pictures else []
    settings = {"seed": request.seed, "steps": request.steps, "config": request.config}
    made_by = MadeBy("gap", settings)
    with OutputFolder.open(request.out, made_by, source=request.pictures, sources=sources) as folder:
        tell(f"photographs of {counted(len(request.cameras), 'camera')}")
        scenes = choose_scenes(request.pictures, COUNTS, request.seed)
        take_photographs(folder, scenes, request.cameras, request.seeds, request.seed, checked_workers(None))
        _train(request, methods)
        scores = _scores(request, methods)
        folders = GapFolders(request.out)
        write_gap(folder, folders, scores, [*scenes.held_out])
        folder.finish()
    return gap_report(scores)


def _checked_methods(request: GapRequest) -> list[GapMethod]:
    if request.steps is not None:
        require_range("steps", request.steps, 1)
    _network_config(request)
    for camera in request.cameras:
        if camera not in ALL_CAMERAS:
            raise PatinaError(f"there is no camera {camera!r}, {nearest(camera, ALL_CAMERAS)}")
    methods = [gap_method(name) for name in dict.fromkeys([BICUBIC, *request.methods, TRUE])]
    names = [method.name for method in methods]
    if twice := {name for name in names if names.count(name) > 1}:
        raise PatinaError(f"two methods are named {', '.join(sorted(twice))}; rename one of their files")
    return methods


def _train(request: GapRequest, methods: Sequence[GapMethod]) -> None:
    """Make the pairs of all methods and train a network on each, while the next pairs are made."""
    folders = GapFolders(request.out)
    with processes() as pool:
        trainings = [training for method in methods if not method.knows_camera
                     for training in _begun(pool, request, folders, request.cameras[0], method)]  # fmt: skip
        for camera in request.cameras:
            for method in methods:
                if method.knows_camera:
                    tell(f"{camera}: {method.name} pairs")
                    trainings += _begun(pool, request, folders, camera, method)
        tell("wait for the networks")
        for training in trainings:
            require_finished(training.result())


def _begun(
    pool: ProcessPoolExecutor, request: GapRequest, folders: GapFolders, camera: str, method: GapMethod
) -> list[Future[bool]]:
    draw = method.prepare(folders, camera, request.seed, request.device)
    configs = (_network(request, folders, camera, method, seed, draw(seed)) for seed in request.seeds)
    return [pool.submit(train_config, config, request.device) for config in configs]


def _network(
    request: GapRequest, folders: GapFolders, camera: str, method: GapMethod, seed: int, lq: Path | None = None
) -> RestorationConfig:
    """Return the configuration of one network; all differ in their pairs alone."""
    config = _network_config(request)
    sources = config.data.lq if lq is None else (LQSettings(path=lq),)
    data = config.data.model_copy(update={"lq": sources, "gt": folders.clean})
    steps = {} if request.steps is None else {"steps": request.steps}
    stages = tuple(stage.model_copy(update=steps) for stage in config.stages)
    runs = folders.runs(camera if method.knows_camera else None)
    name = f"{method.name}-seed{seed}"
    return config.model_copy(update={"name": name, "data": data, "stages": stages, "seed": seed, "runs": runs})


def _network_config(request: GapRequest) -> RestorationConfig:
    config = load_config(request.config)
    if not isinstance(config, RestorationConfig):
        raise PatinaError(f"-config is {request.config}, expected the configuration of a super-resolution network")
    if config.model.scale != SCALE:
        raise PatinaError(f"-config is {request.config} of scale {config.model.scale}, expected scale {SCALE}")
    return config


def _scores(request: GapRequest, methods: Sequence[GapMethod]) -> GapScores:
    """Upscale the held-out photographs by every network and return the PSNR by camera, method and seed."""
    folders, scores = GapFolders(request.out), GapScores(request.seeds)
    for camera, method, seed in _rows(request, methods):
        model = _network(request, folders, camera, method, seed).final_model()
        out = folders.upscaled(camera, method.name, seed)
        report = upscale(UpscaleRequest(model, folders.held_out_lq(camera), out, device=request.device))
        report.require_complete()
        means = evaluate_folders(out, folders.held_out, crop=SCALE, metrics=("psnr",)).means
        scores.add(camera, method.name, float(means["psnr"] or 0))
    return scores


def _rows(request: GapRequest, methods: Sequence[GapMethod]) -> Iterator[tuple[str, GapMethod, int]]:
    for camera in request.cameras:
        for method in methods:
            for seed in request.seeds:
                yield camera, method, seed
