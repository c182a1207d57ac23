"""What a fit found, in one or two plain sentences."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from patina.fitting.agreement import Agreement, is_poor
from patina.fitting.file_compression import CODEC_NAMES, FileCompression
from patina.fitting.number_words import title_in_sentence
from patina.fitting.photo import Photo
from patina.fitting.profiles import NumberFinding
from patina.fitting.stuck_pixels import impulse_words

_SIZE = "resize.factor"
_Words = Callable[[Mapping[str, NumberFinding]], str | None]


def nothing_found(photos: Sequence[Photo]) -> str:
    """Say that the photos measure like the clean images."""
    told = "; ".join([*_impulses(photos), "nothing else found" if _impulses(photos) else "nothing found"])
    return f"{told[0].upper()}{told[1:]}: the photos measure like the clean images."


def sentence(found: Sequence[NumberFinding], photos: Sequence[Photo], agreed: Sequence[Agreement]) -> str:
    """Say what was found, and how near it comes to the photos."""
    by_name = {finding.number.name: finding for finding in found}
    told = [words for tell in _PARTS if (words := tell(by_name)) is not None]
    told += _impulses(photos)
    told += (earlier := _earlier(found))
    told += _compression([photo.compression for photo in photos])
    others = [finding for name, finding in by_name.items() if name.split(".")[0] not in _TOLD_OPERATIONS]
    others = [finding for finding in others if _is_known(finding) and not (earlier and finding.number.name == _SIZE)]
    told += [f"{title_in_sentence(finding.number)} {_span(finding)}" for finding in others]
    close = [agreement for agreement in agreed if agreement.is_close]
    text = f"{'; '.join(told) or 'Nothing found'}."
    text = text[0].upper() + text[1:]
    missed = [agreement.group for agreement in agreed if not agreement.is_close]
    text += _limits(found)
    text += f" Fitted images match the photos in {len(close)} of {len(agreed)} properties."
    text += f" They differ in {', '.join(missed)}." if missed else ""
    return f"{text} Do not rely on these numbers." if is_poor(agreed) else text


def no_closer(after: Sequence[Agreement], before: Sequence[Agreement], *, can_shrink: bool) -> str:
    """Warn if a fit brings the clean images no closer to the photos in most properties; an empty text otherwise.

    Args:
        after: of the fitted images.
        before: of the clean images as they are.
        can_shrink: whether the clean images are large enough for the scale at half their size, too.
    """
    pairs = list(zip(after, before, strict=True))
    further = [new.group for new, plain in pairs if not new.is_close and new.fitted >= plain.fitted]
    if len(further) <= len(pairs) / 2:
        return ""
    if len(further) < len(pairs):
        return (
            f"In {len(further)} of {len(pairs)} properties the recipe takes the clean images further from the photos "
            f"than they are without it: {', '.join(further)}. Usually the two folders show too different things, or "
            "the photos are out of focus or processed in a way that the family lacks: see what -recipe and --learn do."
        )
    way = "Downscale them by 2 and fit again." if can_shrink else "Use cleaner ones; these are too small to downscale."
    return (
        "The recipe brings the clean images no closer to the photos than they are without it. Usually they are not "
        f"clean enough: their own noise or compression exceeds the photos'. {way}"
    )


def _limits(found: Sequence[NumberFinding]) -> str:
    """Name the numbers that the photos may need more of than their ranges allow."""
    ends = [f"{title_in_sentence(item.number)} ({item.number.high:g})" for item in found if item.at_limit]
    if not ends:
        return ""
    return f" At the end of the range that was tried: {', '.join(ends)}; give -recipe a family with a wider one."


def _noise(found: Mapping[str, NumberFinding]) -> str | None:
    sigma, raw = found.get("sensor_noise.sigma"), found.get("raw_camera.sigma")
    if raw is not None and raw.high >= 0.5:
        return f"sensor noise of std {_span(raw)} at mid-grey, before the camera's processing"
    if sigma is None or sigma.high < 0.5:
        return None
    text = f"noise of std {_span(sigma)}"
    if (grain := found.get("sensor_noise.grain")) is not None and grain.decided and grain.middle >= 0.3:
        text += f", grain of {grain.middle:.1f} pixels"
    if (gain := found.get("sensor_noise.gain")) is not None and gain.decided and abs(gain.middle) > 0.2:
        text += ", stronger in bright areas" if gain.middle > 0 else ", stronger in dark areas"
    if (chroma := found.get("sensor_noise.chroma")) is not None and chroma.decided and chroma.middle > 0.3:
        text += f", and colour noise with {chroma.middle:.1f} times this std"
    return text


def _lines(found: Mapping[str, NumberFinding]) -> str | None:
    parts = []
    for name in ("rows", "columns"):
        lines = found.get(f"line_noise.{name}")
        if lines is not None and _is_known(lines) and lines.high >= 0.5:
            parts.append(f"{name} brighter or darker by a std of {_span(lines)}")
    return " and ".join(parts) or None


def _blur(found: Mapping[str, NumberFinding]) -> str | None:
    x, y = found.get("ellipse_blur.sigma_x"), found.get("ellipse_blur.sigma_y")
    if x is None or y is None or max(x.middle, y.middle) < 0.3:
        return None
    scale = x.number.scale
    if max(x.middle, y.middle) > 1.5 * min(x.middle, y.middle):
        seen = f" ({x.middle / scale:.1f} and {y.middle / scale:.1f} in the photos)" if scale > 1 else ""
        return f"blur of {x.middle:.1f} pixels along x and {y.middle:.1f} along y{seen}"
    middle = (x.middle + y.middle) / 2
    return f"blur of {middle:.1f} pixels" + (f" ({middle / scale:.1f} in the photos)" if scale > 1 else "")


def _processing(found: Mapping[str, NumberFinding]) -> str | None:
    parts = []
    if (denoise := found.get("bilateral.strength")) is not None and denoise.decided and denoise.middle > 5:
        parts.append(f"denoising of strength {denoise.middle:.0f}")
    if (sharp := found.get("unsharp_mask.amount")) is not None and sharp.decided and sharp.middle > 0.2:
        parts.append(f"sharpening by {sharp.middle:.1f}")
    return " and ".join(parts) or None


def _impulses(photos: Sequence[Photo]) -> list[str]:
    found = [photo.impulses for photo in photos if photo.impulses]
    if not found:
        return []
    text = impulse_words(float(np.median(found)))
    return [text if len(found) == len(photos) else f"{text} in {len(found)} photos"]


def _earlier(found: Sequence[NumberFinding]) -> list[str]:
    """Tell of a compression before the files' own, which is the last, and of the images' size then."""
    sizes = [f" at {_span(item)} times the size" for item in found if item.number.name == _SIZE and _is_known(item)]
    qualities = [item for item in found if item.number.is_quality][:-1]
    return [
        f"compressed before{''.join(sizes[:1])}, with {CODEC_NAMES[item.number.operation]} "
        f"{_range(f'{item.low:.0f}', f'{item.high:.0f}')}"
        for item in qualities
        if _is_known(item) and item.number.operation in CODEC_NAMES
    ]


def _is_known(finding: NumberFinding) -> bool:
    return finding.decided and finding.use == "used"


def _compression(compressions: Sequence[FileCompression]) -> list[str]:
    told = []
    for format, name in CODEC_NAMES.items():
        qualities = [
            compression.quality
            for compression in compressions
            if compression.format == format and not compression.shows_in_chroma_alone
        ]
        if qualities:
            low, high = (round(float(np.quantile(qualities, q))) for q in (0.1, 0.9))
            text = f"{name} {_range(str(low), str(high))}"
            if any(compression.tables for compression in compressions if compression.format == format):
                text = f"{text} with quantisation tables of its own"
            told.append(text if len(qualities) == len(compressions) else f"{text} in {len(qualities)} photos")
    if halved := sum(compression.shows_in_chroma_alone for compression in compressions):
        told.append(f"chroma of half the horizontal resolution, as in a camera's JPEG 4:2:2, in {halved} photos")
    if earlier := [compression.former.quality for compression in compressions if compression.former is not None]:
        quality = _range(str(min(earlier)), str(max(earlier)))
        told.append(f"{len(earlier)} of {len(compressions)} photos compressed before, with JPEG {quality}")
    return told


_PARTS: tuple[_Words, ...] = (_noise, _lines, _blur, _processing)
_TOLD_OPERATIONS = {
    "sensor_noise",
    "line_noise",
    "raw_camera",
    "ellipse_blur",
    "bilateral",
    "unsharp_mask",
    "jpeg",
    "jpeg_tables",
    "webp",
}


def _span(finding: NumberFinding) -> str:
    return _range(f"{finding.low:.2g}", f"{finding.high:.2g}")


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"
