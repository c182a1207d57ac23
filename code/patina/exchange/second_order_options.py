"""The degradation in the option files of Real-ESRGAN, neosr and traiNNer-redux, as a recipe."""

from collections.abc import Mapping
from typing import Any

from patina.exchange.conversion import Block, Conversion
from patina.exchange.recipe_parts import names_or_name, quality, span, tidy
from patina.exchange.second_order import (
    CUTOFF,
    CUTOFF_OF_SMALL,
    DEFAULTS,
    FIXED_FILTERS,
    KERNEL_SIDES,
    KERNELS,
    REDUX_FILTERS,
    USM,
    Tool,
    odd_ends,
    usm_sigma,
)
from patina.exchange.sections import Section

_SILENT = (
    "name", "num_gpu", "manual_seed", "deterministic", "queue_size", "gt_size", "high_order_degradation",
    "high_order_degradations_debug", "high_order_degradations_debug_limit", "model_type", "use_amp", "amp_bf16",
    "bfloat16", "use_channels_last", "fast_matmul", "use_compile", "compile", "compile_mode", "detect_anomaly",
    "dist_params", "default_scope", "monitoring", "find_unused_parameters", "watch", "is_train", "dist", "launcher",
    "auto_resume",
)  # fmt: skip
"""Settings that change no image: names, speed, debugging."""

_OF_TRAINING = (
    "network_g", "network_d", "network_ae", "path", "train", "val", "logger", "onnx", "input_pixel_format",
    "output_pixel_format", "l1_gt_usm", "percep_gt_usm", "gan_gt_usm",
)  # fmt: skip

_OF_DATASET = (
    "name", "type", "dataroot_gt", "dataroot_lq", "meta_info", "io_backend", "gt_size", "lq_size", "patch_size",
    "use_hflip", "use_rot", "use_shuffle", "num_worker_per_gpu", "batch_size_per_gpu", "batch_size", "accum_iter",
    "accumulate", "dataset_enlarge_ratio", "prefetch_mode", "augmentation", "aug_prob", "queue_size", "pin_memory",
    "persistent_workers", "num_prefetch_queue", "prefetch_factor", "filename_tmpl", "crop_pad_size",
)  # fmt: skip


class _Options:
    """A file's settings of the degradation, wherever they are."""

    def __init__(self, root: Section, tool: Tool, training: bool):
        datasets = root.section("datasets")
        train = datasets.section("train") if datasets else None
        self.root, self.tool, self.training = root, tool, training
        self.places = [place for place in (root, root.section("degradations"), train) if place is not None]
        self.datasets, self.train = datasets, train
        self.defaults = DEFAULTS[tool]

    def place(self, key: str) -> Section:
        """Return the section that has a key; if none has it, the default goes into a remark."""
        for place in self.places:
            if key in place:
                return place
        if self.tool != "trainner-redux":
            self.root.remarks.add(f"{key}: missing, set to {self.defaults[key]}")
        return self.root

    def number(self, key: str) -> float:
        """Return a number."""
        return self.place(key).number(key, self.defaults[key])

    def ends(self, key: str) -> tuple[float, float]:
        """Return a range."""
        low, high = self.defaults[key]
        return self.place(key).ends(key, (low, high))

    def weights(self, names_key: str, weights_key: str, known: Mapping[str, str]) -> dict[str, float]:
        """Return weights by our names, of a list of names and a list of probabilities."""
        place = self.place(names_key)
        names = place.names(names_key, self.defaults[names_key])
        weights = self.place(weights_key).numbers(weights_key, self.defaults[weights_key])
        if len(names) != len(weights):
            self.place(weights_key).refuse(weights_key, f"{len(names)} numbers, as {names_key} has as many names")
        found: dict[str, float] = {}
        for name, weight in zip(names, weights, strict=True):
            if name not in known:
                place.remarks.lost(f"{place.named(names_key)} {name}", place.line_of(names_key))
            elif weight > 0:
                found[known[name]] = found.get(known[name], 0) + tidy(weight)
        return found


def convert_second_order(root: Section, tool: Tool, *, training: bool = False) -> Conversion:
    """Convert the degradation of an option file.

    Args:
        root: the file.
        tool: whose it is.
        training: whether what is about the training is converted, too; otherwise it is named.
    """
    options = _Options(root, tool, training)
    steps = [*_sharpening(options), *_stage(options, ""), *_stage(options, "2"), _last(options)]
    scale = root.number("scale", 4)
    if scale < 1 or scale != int(scale):
        root.refuse("scale", "a whole number of at least 1")
    _other_settings(options)
    root.finish()
    return Conversion({"scale": int(scale), "steps": steps}, root.remarks.lines)


def _sharpening(options: _Options) -> list[Block]:
    if options.tool == "realesrgan":
        # Its GAN model degrades sharpened images always; its network without a GAN, if the option says so.
        usual = options.root.value("model_type", "RealESRGANModel") != "RealESRNetModel"
        sharpened = options.root.flag("gt_usm", usual)
        told = "sharpened targets are a setting of the training's losses (`sharpened: true`), not of a recipe"
        for key in ("l1_gt_usm", "percep_gt_usm", "gan_gt_usm"):
            if options.root.value(key) and not options.training:
                options.root.differs(key, told)
        return [{"unsharp_mask": dict(USM)}] if usual or sharpened else []
    if options.tool == "trainner-redux" and options.root.flag("lq_usm"):
        sigma = [usm_sigma(radius) for radius in options.ends("lq_usm_radius_range")]
        return [{"unsharp_mask": {**USM, "sigma": span(*(max(0.05, end) for end in sigma))}}]
    options.root.skip("lq_usm", "lq_usm_radius_range")
    return []


def _stage(options: _Options, n: str) -> list[Block]:
    """Return blur, resize and noise of a stage, and the JPEG of the first one."""
    redux = options.tool == "trainner-redux"
    blur_key = f"blur_prob{n}" if redux else "second_blur_prob"
    blurred = options.number(blur_key) if redux or n else 1.0
    steps = [_blur(options, n, blurred)] if blurred > 0 else []
    if not blurred:
        _skip(options, [f"{key}{n}" for key in ("kernel_list", "kernel_prob", "kernel_range", "sinc_prob", "blur_sigma",
                                                "betag_range", "betap_range")])  # fmt: skip
    steps += [_resize(options, n), *_noise(options, n)]
    return steps if n else [*steps, *_jpeg(options, n)]


def _blur(options: _Options, n: str, probability: float) -> Block:
    redux = options.tool == "trainner-redux"
    sides = odd_ends(options.ends(f"kernel_range{n}")) if redux else list(KERNEL_SIDES)
    sinc = options.number(f"sinc_prob{n}")
    kinds = options.weights(f"kernel_list{n}", f"kernel_prob{n}", KERNELS)
    ringing = {"sinc": {"size": sides, "cutoff": list(CUTOFF), "cutoff_small": list(CUTOFF_OF_SMALL)}}
    low, high = options.ends(f"blur_sigma{n}")
    kernel = {
        "gaussian_blur": {
            "kind": kinds or {"isotropic": 1},
            "size": sides,
            "sigma": span(max(0.01, low), max(0.01, high)),
            "beta_generalised": span(*options.ends(f"betag_range{n}")),
            "beta_plateau": span(*options.ends(f"betap_range{n}")),
        }
    }
    parts = [(sinc, ringing), (1 - sinc, kernel)]
    choices = [{"weight": tidy(weight), "steps": [step]} for weight, step in parts if weight > 0]
    certain = {} if probability >= 1 else {"probability": tidy(probability)}
    return {"one_of": {**certain, "choices": choices}}


def _resize(options: _Options, n: str) -> Block:
    """Return a resize up, down or neither; that of the second stage is relative to the target size."""
    weights = options.place(f"resize_prob{n}").numbers(f"resize_prob{n}", options.defaults[f"resize_prob{n}"])
    if len(weights) != 3:
        options.place(f"resize_prob{n}").refuse(f"resize_prob{n}", "three numbers, for up, down and keep")
    low, high = options.ends(f"resize_range{n}")
    common = {"filter": _filters(options, n), **({"of": "target"} if n else {})}
    ranges = [(1.0, max(1.0, high)), (min(1.0, low), 1.0)]
    found = [
        {"weight": tidy(weight), "steps": [{"resize": {**common, "factor": span(*ends)}}]}
        for weight, ends in zip(weights, ranges, strict=False)
        if weight > 0
    ]
    if weights[2] > 0:
        # traiNNer-redux's keep leaves the size as it is, also in the second stage.
        resized = bool(n) and options.tool != "trainner-redux"
        found.append({"weight": tidy(weights[2]), "steps": [{"resize": dict(common)}] if resized else []})
    return {"one_of": {"choices": found}}


def _filters(options: _Options, n: str) -> Any:
    if options.tool != "trainner-redux":
        return list(FIXED_FILTERS)
    weights = options.weights(f"resize_mode_list{n}", f"resize_mode_prob{n}", REDUX_FILTERS)
    if len(set(weights.values())) <= 1:
        return names_or_name(weights or ["linear"])
    return weights


def _noise(options: _Options, n: str) -> list[Block]:
    """Return Gaussian or Poisson noise; one of no strength is left out."""
    gaussian = min(1.0, max(0.0, options.number(f"gaussian_noise_prob{n}")))
    sigma, scale = options.ends(f"noise_range{n}"), options.ends(f"poisson_scale_range{n}")
    share = options.number(f"gray_noise_prob{n}")
    gray = {"gray": tidy(share)} if share else {}
    white: Block = {"gaussian_noise": {"sigma": span(*sigma), **gray}}
    shot: Block = {"poisson_noise": {"scale": span(*scale), **gray}}
    parts = [(gaussian, [white] if sigma[1] > 0 else []), (1 - gaussian, [shot] if scale[1] > 0 else [])]
    present = [(weight, steps) for weight, steps in parts if weight > 0]
    if not any(steps for _, steps in present):
        return []
    if len(present) == 1:
        return present[0][1]
    if gaussian == 0.5:
        return [{"one_of": {"choices": [steps[0] if steps else {"steps": []} for _, steps in present]}}]
    return [{"one_of": {"choices": [{"weight": tidy(weight), "steps": steps} for weight, steps in present]}}]


def _jpeg(options: _Options, n: str) -> list[Block]:
    probability = options.number(f"jpeg_prob{n}") if options.tool == "trainner-redux" else 1.0
    ends = quality(*options.ends(f"jpeg_range{n}"))
    certain = {} if probability >= 1 else {"probability": tidy(probability)}
    return [{"jpeg": {"quality": ends, **certain}}] if probability > 0 else []


def _last(options: _Options) -> Block:
    """Return the last resize, sinc filter and JPEG, in either order."""
    redux = options.tool == "trainner-redux"
    resize = {"resize": {"filter": _filters(options, "3"), "of": "target"}}
    sides = odd_ends(options.ends("final_kernel_range")) if redux else list(KERNEL_SIDES)
    ringing = options.number("final_sinc_prob")
    certain = {} if ringing >= 1 else {"probability": tidy(ringing)}
    sinc = [{"sinc": {"size": sides, "cutoff": list(CUTOFF_OF_SMALL), **certain}}] if ringing > 0 else []
    jpeg = _jpeg(options, "2")
    if not jpeg:
        return {"one_of": {"choices": [{"steps": [resize, *sinc]}]}}
    return {"one_of": {"choices": [{"steps": [resize, *sinc, *jpeg]}, {"steps": [*jpeg, resize, *sinc]}]}}


def _skip(options: _Options, keys: list[str]) -> None:
    for place in options.places:
        place.skip(*keys)


def _other_settings(options: _Options) -> None:
    """Name what belongs to the training; count what is fixed as read."""
    root = options.root
    root.skip(*_SILENT)
    _skip(options, ["blur_kernel_size", "blur_kernel_size2"])
    for key in ("thicklines_prob", "dataroot_lq_prob"):
        if root.number(key, 0) > 0:
            root.lost(key)
    for key in _OF_TRAINING[: -3 if options.tool == "realesrgan" else None]:
        if options.training:
            root.skip(key)
        elif key in root:
            root.differs(key, "about the training, not used")
    if options.train:
        options.train.skip(*_OF_DATASET)
    for name in options.datasets or ():
        if name != "train" and options.datasets:
            if options.training:
                options.datasets.skip(name)
            else:
                options.datasets.differs(name, "about the training, not used")
