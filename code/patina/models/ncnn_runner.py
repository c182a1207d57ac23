"""Runs a network of ncnn in a process of its own: the library ends its process on some files, without a message."""

import sys

import numpy as np

from patina.models.ncnn_names import INPUT, OUTPUT

REFUSED = 3
"""Exit code of a file that ncnn itself refuses."""


def main() -> None:
    """Run ``PARAM BIN IMAGE RESULT``: the image and the result are ``.npy`` files, float32 ``[3, H, W]``."""
    import os

    import ncnn

    param, weights, image, result = sys.argv[1:]
    net = ncnn.Net()
    for name in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):  # else it depends on the processor
        setattr(net.opt, f"use_{name}", False)
    if net.load_param(param) or net.load_model(weights):
        sys.exit(REFUSED)
    extractor = net.create_extractor()
    pixels = np.ascontiguousarray(np.load(image))  # ncnn does not keep it alive
    extractor.input(INPUT, ncnn.Mat(pixels).clone())
    code, found = extractor.extract(OUTPUT)
    if code:
        sys.exit(REFUSED)
    np.save(result, np.array(found))
    os._exit(0)  # its memory pools must not be taken down in Python's order
