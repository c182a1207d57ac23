"""LZW data are checked code by code: whole ones pass, damaged ones never reach a decoder."""

import imagecodecs
import numpy as np
import pytest

from patina.imaging.lzw_check import CLEAR, END, lzw_damage

CONTENTS = {
    "noise": np.random.default_rng(0).integers(0, 256, 40_000).astype(np.uint8).tobytes(),
    "few levels": np.random.default_rng(1).integers(0, 3, 60_000).astype(np.uint8).tobytes(),
    "flat": bytes(300_000),
    "runs": np.repeat(np.arange(256, dtype=np.uint8), 37).tobytes(),
    "one byte": b"a",
}


def packed(codes: list[int]) -> bytes:
    bits = "".join(format(code, "09b") for code in codes)
    return bytes(int(bits[start : start + 8].ljust(8, "0"), 2) for start in range(0, len(bits), 8))


@pytest.mark.parametrize("name", CONTENTS)
def test_what_an_encoder_writes_is_whole(name: str) -> None:
    content = CONTENTS[name]
    stored = imagecodecs.lzw_encode(content)
    assert lzw_damage(stored, len(content)) == ""
    assert lzw_damage(stored, len(content) + 1) != ""
    assert len(content) == 1 or lzw_damage(stored, len(content) - 3000) != ""


@pytest.mark.parametrize("tail", [b"", b"\0" * 40, b"\x12\x34"])
def test_the_end_may_be_missing_or_padded(tail: bytes) -> None:
    assert lzw_damage(packed([CLEAR, 65, 66, 258]) + tail, 4) == ""
    assert lzw_damage(packed([CLEAR, 65, 66, 258, END]) + b"what is behind the end counts for nothing", 4) == ""


@pytest.mark.parametrize(
    "codes",
    [
        [CLEAR, 258],
        [CLEAR, 285],
        [CLEAR, 65, CLEAR, 300],
        [CLEAR, 65, 259],
        [CLEAR, 65, 66, 300],
        [65, 66],
        [CLEAR],
        [0],
    ],
)
def test_codes_that_crash_decoders_are_damage(codes: list[int]) -> None:
    assert lzw_damage(packed(codes), 900) != ""
    assert lzw_damage(packed(codes) + bytes(900), 900) != ""


def test_the_entry_that_is_just_being_made_may_be_used() -> None:
    stored = packed([CLEAR, 65, 258, END])
    assert imagecodecs.lzw_decode(stored) == b"AAA"
    assert lzw_damage(stored, 3) == ""


def test_data_that_pass_decode_to_their_size() -> None:
    rng, content = np.random.default_rng(2), CONTENTS["runs"]
    stored = imagecodecs.lzw_encode(content)
    passed = 0
    for _ in range(3000):
        damaged = bytearray(stored)
        place = int(rng.integers(0, len(stored)))
        damaged[place] ^= 1 << int(rng.integers(0, 8))
        if not lzw_damage(damaged, len(content)):
            passed += 1
            assert len(imagecodecs.lzw_decode(bytes(damaged), out=len(content))) == len(content)
    assert passed < 1500
