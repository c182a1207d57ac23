"""Training options of neosr, traiNNer-redux and Real-ESRGAN as a configuration of ours (`task: restoration`)."""

import re
from typing import Any

from patina.exchange.conversion import Conversion
from patina.exchange.recipe_parts import tidy
from patina.exchange.second_order import DATASET_KEYS, DEFAULTS
from patina.exchange.sections import Section
from patina.exchange.training_losses import LossReader
from patina.exchange.training_networks import network_settings

_MIXINGS = ("mixup", "cutmix", "resizemix", "cutblur")

_SPEED = (
    "num_gpu", "use_channels_last", "fast_matmul", "compile_mode", "deterministic", "detect_anomaly", "dist_params",
    "default_scope", "auto_resume", "monitoring", "find_unused_parameters", "watch", "onnx", "queue_size", "gt_size",
    "high_order_degradation", "high_order_degradations_debug", "high_order_degradations_debug_limit", "model_type",
    "gt_usm", "dataroot_lq_prob",
)  # fmt: skip
"""Settings about speed, and about the degradation, which is a recipe of its own."""

_OF_LOADING = (
    "name", "type", "meta_info", "io_backend", "use_shuffle", "dataset_enlarge_ratio", "prefetch_mode", "pin_memory",
    "persistent_workers", "num_prefetch_queue", "prefetch_factor", "queue_size", "crop_pad_size", "filename_tmpl",
)  # fmt: skip

_OF_OTHER_METHODS = (
    "wavelet_guided", "wavelet_init", "sam", "sam_init", "eco", "eco_init", "eco_iters", "eco_schedule", "match_lq",
    "match_lq_colors", "adaptive_d", "ema_switch_iter",
)  # fmt: skip
"""Methods of training without a counterpart."""

_OF_LOGGING = (
    "use_tb_logger", "save_tb_img", "wandb", "save_checkpoint_format", "val_enabled", "save_img", "metrics",
    "metrics_enabled", "pbar", "suffix", "tile", "tile_size", "tile_overlap", "total_iter",
)  # fmt: skip
"""Settings of logs and validations that are fixed here, or read by name."""


_OPTIMISERS = {name: name for name in ("adam", "adamw", "adan", "lion", "soap", "muon")} | {
    "adamwsf": "adamw_schedulefree",
    "adamwschedulefree": "adamw_schedulefree",
    "radamschedulefree": "radam_schedulefree",
}


def is_training(root: Section) -> bool:
    """Return whether options describe a training: a network, how it learns, and how long."""
    places = [root.value(key) for key in ("train", "logger")]
    steps = any(isinstance(place, dict) and "total_iter" in place for place in places)
    return steps and "network_g" in root and "train" in root


def convert_training(root: Section, lq: str | None) -> Conversion:
    """Convert options to a configuration.

    Args:
        root: the file.
        lq: the recipe made of the options' degradation; None if they name a folder of LQ images.

    Raises:
        ConfigError: a value is invalid, or the network has no counterpart.
    """
    root.skip(*_SPEED, *DEFAULTS["trainner-redux"], *DEFAULTS["neosr"], "degradations")
    scale = int(root.number("scale", 4))
    network, train = _required(root, "network_g"), _required(root, "train")
    logger, val = root.section("logger"), root.section("val")
    name = re.sub(r"[^\w.-]", "-", root.text("name", root.source.stem))
    values: dict[str, Any] = {"task": "restoration", "name": name, "seed": int(root.number("manual_seed", 0))}
    values["model"] = network_settings(network, scale)
    values["data"] = data = _data(root, train, scale, lq)
    parts = _parts(_required(_required(root, "datasets"), "train"))
    if (pairs := _validation(root, val)) is not None:
        values["validation"] = pairs
    stage: dict[str, Any] = {"name": "train", "steps": _steps(train, logger)}
    stage |= {"accumulate": parts} if parts > 1 else {}
    stage |= _schedule(train) | _precision(root) | _start(root)
    for ours, section, key in (("log_every", logger, "print_freq"), ("save_every", logger, "save_checkpoint_freq"),
                               ("validate_every", val, "val_freq")):  # fmt: skip
        if section and key in section:
            stage[ours] = max(1, int(section.number(key)))
    sharpened = {kind: root.flag(f"{key}_gt_usm") for kind, key in
                 (("pixel", "l1"), ("perceptual", "percep"), ("gan", "gan"))}  # fmt: skip
    if root.flag("gt_usm"):
        sharpened["pixel"] = True
    stage["losses"] = LossReader(root, data["patch"], sharpened).read(train)
    values["stages"] = [stage]
    _name_the_rest(root, train, logger, val)
    root.finish()
    return Conversion(values, root.remarks.lines)


def _required(root: Section, key: str) -> Section:
    section = root.section(key)
    return section if section is not None else root.refuse(key, "a section")


def _data(root: Section, train: Section, scale: int, lq: str | None) -> dict[str, Any]:
    found = _required(_required(root, "datasets"), "train")
    found.skip(*_OF_LOADING, *DATASET_KEYS)
    data: dict[str, Any] = {"lq": lq or _folder(found, "dataroot_lq"), "gt": _folder(found, "dataroot_gt")}
    if lq and "dataroot_lq" in found:
        found.lost("dataroot_lq", what="(beside the recipe)")
    data["patch"] = _patch(root, found, scale)
    # Their batch is one of the parts that are accumulated, ours is divided into parts.
    data["batch"] = int(found.number("batch_size", found.number("batch_size_per_gpu", 16))) * _parts(found)
    if "num_worker_per_gpu" in found:
        data["workers"] = int(found.number("num_worker_per_gpu"))
    augment: dict[str, Any] = {"flip": 0.5 * found.flag("use_hflip", True), "rotate": 0.5 * found.flag("use_rot", True)}
    data["augment"] = augment | _mixings(found, train)
    return data


def _parts(train_set: Section) -> int:
    """Return the number of batches whose gradients are accumulated."""
    return max(1, int(train_set.number("accumulate", train_set.number("accum_iter", 1))))


def _folder(section: Section, key: str) -> str:
    """Return a folder; the first of several."""
    folders = section.names(key)
    if len(folders) > 1:
        section.differs(key, f"the first of {len(folders)} folders; put the images of all into one")
    return folders[0] if folders else str(section.refuse(key, "a folder"))


def _patch(root: Section, found: Section, scale: int) -> int:
    """Return the side of a crop of ground truth; `lq_size` and `patch_size` are those of LQ crops."""
    for key in ("lq_size", "patch_size"):
        if key in found:
            return int(found.number(key)) * scale
    if "gt_size" in found:
        return int(found.number("gt_size"))
    return int(root.number("gt_size", 128))


def _mixings(found: Section, train: Section) -> dict[str, float]:
    """Return how often pairs of a batch are mixed."""
    if "augmentation" in found:
        names, weights = found.names("augmentation"), found.numbers("aug_prob", [1.0])
        place, key = found, "augmentation"
    elif train.flag("use_moa"):
        names, weights = train.names("moa_augs"), train.numbers("moa_probs")
        place, key = train, "moa_augs"
    else:
        return {}
    weights = weights if len(weights) == len(names) else [1.0] * len(names)
    whole = sum(weights) or 1.0
    for name in set(names) - {"none", *_MIXINGS}:
        place.lost(key, what=name)
    return {name: tidy(weight / whole) for name, weight in zip(names, weights, strict=True) if name in _MIXINGS}


def _validation(root: Section, val: Section | None) -> dict[str, Any] | None:
    """Return the validation set, or all sets by name where there are several."""
    datasets = root.section("datasets")
    keys = [key for key in datasets or () if re.fullmatch(r"val(_\d+)?", key)]
    found: dict[str, Any] = {}
    for key, pairs in ((key, datasets.section(key)) for key in keys if datasets):
        if pairs is None:
            continue
        if val is not None and not val.flag("val_enabled", True):
            pairs.skip(*pairs)
            continue
        name = re.sub(r"[^\w.+-]", "-", pairs.text("name", key))
        pairs.skip(*_OF_LOADING)
        folders = {"lq": _folder(pairs, "dataroot_lq"), "gt": _folder(pairs, "dataroot_gt")}
        found[name if name not in found else key] = folders
    return next(iter(found.values())) if len(found) == 1 else found or None


def _steps(train: Section, logger: Section | None) -> int:
    """Return the number of steps, which newer neosr has with the logger."""
    section = train if "total_iter" in train or logger is None else logger
    return max(1, int(section.number("total_iter")))


def _schedule(train: Section) -> dict[str, Any]:
    """Return optimiser, learning rate and its schedule, EMA and clipping."""
    found: dict[str, Any] = {}
    optimiser = train.section("optim_g")
    if optimiser is not None:
        found["optimiser"] = name = _optimiser_name(optimiser)
        found["learning_rate"] = optimiser.number("lr", 1e-4)
        if "betas" in optimiser:
            if len(betas := optimiser.numbers("betas")) == (3 if name == "adan" else 2):
                found["betas"] = betas
            else:
                optimiser.lost("betas", what="of another optimiser")
        found["weight_decay"] = optimiser.number("weight_decay", 0.0)
        if "warmup_steps" in optimiser:
            found["warm_up"] = int(optimiser.number("warmup_steps"))
        if optimiser.value("schedule_free") and not name.endswith("_schedulefree"):
            optimiser.differs("schedule_free", "a constant learning rate instead")
        optimiser.skip("schedule_free", "fused")
    if train.number("warmup_iter", -1) > 0:
        found["warm_up"] = int(train.number("warmup_iter"))
    annealing = _annealing(train.section("scheduler"))
    if annealing and str(found.get("optimiser")).endswith("_schedulefree"):
        train.lost("scheduler", what="of a schedule-free optimiser")
    else:
        found |= annealing
    decay = train.number("ema_decay", train.number("ema", 0.0))
    if 0 < decay < 1:
        found["ema"] = decay
    if train.flag("grad_clip"):
        train.differs("grad_clip", "a norm of at most 1")
        found["clip_gradient"] = 1.0
    return found


def _optimiser_name(optimiser: Section) -> str:
    """Return the optimiser's name here, or that of the most similar one."""
    given = optimiser.text("type", "adam")
    name = given.lower().replace("_", "")
    if (ours := _OPTIMISERS.get(name)) is not None:
        return "adamw_schedulefree" if ours == "adamw" and optimiser.value("schedule_free") else ours
    ours = _OPTIMISERS.get(name.removesuffix("sf"), "adamw")
    optimiser.differs("type", f"{given}: {ours} instead, whose learning rate is often another")
    return ours


def _annealing(scheduler: Section | None) -> dict[str, Any]:
    if scheduler is None:
        return {}
    kind = scheduler.text("type").lower()
    if kind.startswith("multistep"):
        if scheduler.number("gamma", 0.5) != 0.5:
            scheduler.differs("gamma", "0.5 always")
        return {"milestones": [max(1, int(step)) for step in scheduler.numbers("milestones")]}
    if kind.startswith("cosine"):
        found: dict[str, Any] = {"lowest": scheduler.number("eta_min", 0.0)}
        if "periods" in scheduler:
            found |= {"periods": [int(period) for period in scheduler.numbers("periods")],
                      "restart_weights": scheduler.numbers("restart_weights", [1.0])}  # fmt: skip
        scheduler.skip("t_max", "T_max")
        return {"cosine": found}
    scheduler.skip(*scheduler)
    scheduler.lost("type", what=scheduler.text("type"))
    return {}


def _precision(root: Section) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if root.flag("use_amp"):
        if not (root.flag("bfloat16") or root.flag("amp_bf16")):
            root.differs("use_amp", "bf16 instead of fp16")
        found["precision"] = "bf16-mixed"
    root.skip("bfloat16", "amp_bf16")
    if root.value("compile") is True or root.value("use_compile") is True:
        found["compile"] = True
    return found


def _start(root: Section) -> dict[str, Any]:
    path = root.section("path")
    if path is None:
        return {}
    found: dict[str, Any] = {}
    if "pretrain_network_g" in path:
        found = {"init_from": path.text("pretrain_network_g"), "init_strict": path.flag("strict_load_g", True)}
    if "pretrain_network_d" in path:
        path.lost("pretrain_network_d")
    path.skip("param_key_g", "param_key_d", "strict_load_g", "strict_load_d", "resume_state", "experiments_root")
    return found


def _name_the_rest(root: Section, train: Section, logger: Section | None, val: Section | None) -> None:
    """Name methods without a counterpart; count as read what ours decides by itself."""
    train.lost(*_OF_OTHER_METHODS)
    train.skip(
        "net_d_iters", "net_d_init_iters", "moa_augs", "moa_probs", "moa_debug", "moa_debug_limit", "ema", "optim_d"
    )
    if not train.flag("use_moa"):
        train.skip("use_moa")
    for section in (logger, val):
        if section is not None:
            section.skip(*_OF_LOGGING)
    network = root.section("network_d")
    if network is not None:
        network.skip(*network)
