"""Noise of wtp_dataset_destroyer as operations of a recipe."""

import math

from patina.exchange.conversion import Block
from patina.exchange.destroyer_chain import DestroyerChain
from patina.exchange.recipe_parts import span, to_8bit
from patina.exchange.sections import Section

_STD = 0.25
"""Std of its Gaussian noise before it is scaled by `alpha`."""

_FIELD_STD = 0.25
"""Std of fields of gradient noise with values from -1 to 1, about."""

_FIELDS = {
    "perlinsuflet": "perlin_noise", "perlin": "perlin_noise", "opensimplex": "simplex_noise",
    "simplex": "simplex_noise", "supersimplex": "simplex_noise",
}  # fmt: skip

_WITHOUT = ("clip", "scale", "motion", "lqhq")
"""Settings without a counterpart: noise on some brightnesses only, enlarged, moved, or on clean images, too."""


def noise(section: Section, chain: DestroyerChain) -> list[Block]:
    """Convert noise; `y_noise` of the images have it in their luma, `uv_noise` of the others in their chroma."""
    low, high = section.ends("alpha", (1, 1))
    luma = section.number("y_noise", 0.0)
    chroma = (1 - luma) * section.number("uv_noise", 0.0)
    for key in _WITHOUT:
        if section.value(key) not in (None, False):
            section.lost(key)
    if section.ends("bias", (0, 0)) != (0, 0):
        section.lost("bias")
    kinds = section.names("type_noise", ["uniform"])
    found: list[Block] = []
    for kind in kinds:
        if kind == "gauss":
            block = {"gaussian_noise": {"sigma": span(to_8bit(_STD * low), to_8bit(_STD * high))}}
            found.append(_split(block, _STD, low, high, luma, chroma))
        elif kind == "uniform":
            block = {"uniform_noise": {"amplitude": span(to_8bit(low), to_8bit(high))}}
            found.append(_split(block, 1 / math.sqrt(3), low, high, luma, chroma))
        elif kind == "salt_and_pepper":
            share = [min(1.0, 2 * end) for end in section.ends("probability_salt_or_pepper", (0, 0.5))]
            found.append({"salt_and_pepper": {"share": span(*share), "gray": luma}})
        elif kind in _FIELDS:
            found.append(_field(section, kind, low, high, luma))
        else:
            section.lost("type_noise", what=kind)
    if chroma and set(kinds) & {"salt_and_pepper", *_FIELDS}:
        section.differs("uv_noise", "of Gaussian and uniform noise only")
    section.skip("normalize", "octaves", "frequency", "lacunarity", "probability_salt_or_pepper", "uv_noise")
    return found


def _split(block: Block, std: float, low: float, high: float, luma: float, chroma: float) -> Block:
    """Return noise of all channels or the luma, and of the chroma with its probability."""
    [(name, settings)] = block.items()
    gray = {"gray": round(min(1.0, luma / (1 - chroma)), 6)} if luma and chroma < 1 else {}
    everywhere = {name: {**settings, **gray}}
    if not chroma:
        return everywhere
    colour = {"chroma_noise": {"sigma": span(to_8bit(std * low), to_8bit(std * high))}}
    parts = [(1 - chroma, everywhere), (chroma, colour)]
    choices = [{"weight": round(weight, 6), "steps": [step]} for weight, step in parts if weight > 0]
    return {"one_of": {"choices": choices}}


def _field(section: Section, kind: str, low: float, high: float, luma: float) -> Block:
    """Return Perlin or simplex noise: its cells have 1 / frequency pixels."""
    frequencies = section.ends("frequency", (0.8, 0.9))
    first, last = section.ends("octaves", (1, 2))
    cells = [min(4096.0, max(2.0, 1 / max(1e-4, end))) for end in reversed(frequencies)]
    ours = _FIELDS[kind].replace("_", " ")
    told = f"{kind}: {ours} of about the same strength, with cells of 1 / frequency pixels, halved every octave"
    section.differs("type_noise", told)
    settings: Block = {"sigma": span(to_8bit(_FIELD_STD * low), to_8bit(_FIELD_STD * high)), "scale": span(*cells)}
    settings["octaves"] = span(min(8, max(1, int(first))), min(8, max(1, int(last))))
    return {_FIELDS[kind]: {**settings, **({"gray": luma} if luma else {})}}
