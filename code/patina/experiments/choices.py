"""What the experiments compare and on which images, unless told otherwise; light to import, for help texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from patina.degradations.knobs import Span
from patina.shipped import work_root

FIT = "fit"
"""The method that stands for the default families to fit."""

BICUBIC, WIDE, TRUE = "bicubic", "wide", "true"
GAP_METHODS = (BICUBIC, WIDE, FIT, TRUE)
"""What `patina gap` compares."""

CAMERA_NAMES = ("demo", "lens", "shake", "film", "colour", "raw", "phone", "low-light", "web", "none")
"""The cameras that `patina gap` compares by default."""

MORE_CAMERA_NAMES = (
    "jpeglow", "oversharp", "defocus", "enlarged", "median", "webp", "strong", "smear", "ellipse", "poisson", "cast",
    "nearest", "banding", "impulse", "rawdark",
)  # fmt: skip
"""Others that it knows."""

SHORT_CAMERAS, SHORT_STEPS = ("demo", "shake", "raw", "phone", "web"), 300
"""Cameras and training steps of its short form."""

LUDDIF, RESTORED = "LUD-DIF", "LUD-DIF-restorer"
TOY_METHODS = (FIT, LUDDIF, RESTORED)
"""What `patina toy` compares."""

TOY_NOISE_NAMES = ("gaussian", "mixture", "poisson", "salt-pepper")
"""The noises of `patina toy`."""

SETS = work_root() / "datasets" / "polyu"


@dataclass(frozen=True)
class Pictures:
    """The folders of an experiment.

    Attributes:
        clean, real: unpaired pictures to train on.
        test_real, test_clean: true pairs, matched by stem.
    """

    clean: Path = SETS / "train_clean"
    real: Path = SETS / "train_real"
    test_real: Path = SETS / "test_real"
    test_clean: Path = SETS / "test_clean"


@dataclass(frozen=True)
class Method:
    """A degradation of an experiment.

    Attributes:
        name: in tables and file names.
        given: a model file or run folder, with ``{seed}`` where its name holds the seed; or a configuration, a recipe,
            a family to fit, or "fit" for the default ones.
        knobs: values of a learned degradation's knobs.
    """

    name: str
    given: str
    knobs: Mapping[str, Span] = field(default_factory=dict)
