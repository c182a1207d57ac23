"""A recipe with variants, and how commands are given."""

from patina.cli.main import main

VALUES = {
    "scale": 2,
    "blocks": {
        "blur": {"lens_blur": {"radius": [0.5, 2]}},
        "noise": {"gaussian_noise": {"sigma": [2, 20]}},
        "shrink": {"resize": {"filter": ["box", "lanczos"], "of": "target"}},
        "compress": {"one_of": {"choices": [{"jpeg": {"quality": [40, 90]}}, {"webp": {"quality": [40, 90]}}]}},
    },
    "variants": {"plain": ["shrink"], "bad": ["blur", "noise", "shrink", "compress", "compress"]},
    "mixed": "random",
}


def run(*arguments) -> int:
    return main([str(argument) for argument in arguments])
