"""What the two tools of umzi2, wtp_dataset_destroyer and PepeDD, have in common: a chain of degradations with types."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from patina.errors import ConfigError
from patina.exchange.conversion import Block, Conversion
from patina.exchange.recipe_parts import one_of
from patina.exchange.sections import Section

ABOUT_FILES = (
    "input", "output", "size", "dataset_size", "shuffle_dataset", "num_workers", "map_type", "debug", "only_lq",
    "real_name", "out_clear", "output_clear", "seed",
)  # fmt: skip
"""Settings about files and speed; the command line covers them."""


@dataclass
class DestroyerChain:
    """A chain under conversion.

    Attributes:
        scale: downscaling factor of the chain's resize; None until it is found.
        depth: how many logical operators enclose the degradation that is being converted.
    """

    families: "Mapping[str, Family]"
    scale: int | None = field(default=None)
    depth: int = 0

    def steps(self, degradations: list[Section]) -> list[Block]:
        """Convert degradations in their order."""
        return [step for degradation in degradations for step in self.step(degradation)]

    def step(self, degradation: Section) -> list[Block]:
        """Convert one degradation; the list is empty if it has no counterpart."""
        kind = degradation.text("type")
        options = degradation.section("options") or degradation
        options.name = degradation.name = kind
        options.skip("type", "seed")
        if kind not in self.families:
            options.skip(*options, "options")
            degradation.remarks.lost(f"degradation {kind}", degradation.line)
            return []
        probability = options.number("probability", 1.0)
        if not 0 <= probability <= 1:
            options.refuse("probability", "a number from 0 to 1")
        choices = self.families[kind](options, self)
        if kind == "resize" and choices and probability < 1:
            options.differs("probability", "set to 1, as all images of a set must have one size")
            probability = 1.0
        return [one_of(choices, probability)] if choices else []


Family = Callable[[Section, DestroyerChain], list[Block]]
"""Converts the settings of one type of degradation to the choices that it draws from."""


def convert_chain(root: Section, degradations: str, families: Mapping[str, Family]) -> Conversion:
    """Convert a whole file.

    Args:
        root: the file.
        degradations: key of its list of degradations.
        families: by type.

    Raises:
        ConfigError: nothing of it has a counterpart, or a value is invalid.
    """
    root.skip(*ABOUT_FILES)
    if (tile := root.section("tile")) is not None:
        root.differs("tile", "cut tiles by `patina prepare -mode tiles` instead")
        tile.skip(*tile)
    for key in ("gray", "gray_or_color"):
        if root.value(key):
            root.lost(key)
    if root.number("replays", 1) != 1:
        root.lost("replays")
    root.lost("laplace_filter", what="(leaving out images with little detail)")
    chain = DestroyerChain(families)
    steps = chain.steps(root.sections(degradations))
    if not steps:
        raise ConfigError(
            f"{root.source}: no degradation in it has a counterpart in recipes, so there is nothing to convert"
        )
    root.finish()
    return Conversion({"scale": chain.scale or 1, "steps": steps}, root.remarks.lines)
