"""`import patina` is fast, and gives the public API on first use."""

import json
import subprocess
import sys

import pytest

import patina
from patina import api

PROBE = """
import json, sys
import patina
before = sorted({name.split(".")[0] for name in sys.modules})
recipe = patina.load_recipe("real-esrgan")
print(json.dumps([before, sorted({name.split(".")[0] for name in sys.modules}), "upscale" in dir(patina)]))
"""


@pytest.mark.slow
def test_importing_the_package_loads_neither_numpy_nor_torch():
    finished = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    before, after, listed = json.loads(finished.stdout)
    assert not {"numpy", "torch", "cv2", "pydantic", "yaml"} & set(before)
    assert "torch" not in after
    assert listed


def test_the_package_offers_every_function_of_the_api():
    functions = {name for name in api.__all__ if name[0].islower()}
    assert functions == set(patina.__all__) - {"PatinaError", "__version__"}
    assert all(getattr(patina, name) is getattr(api, name) for name in functions)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'patina' has no attribute 'degrade'"):
        _ = patina.degrade
