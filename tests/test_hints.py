"""Which name was meant."""

import pytest

from patina.hints import nearest, nearest_name

CONFIGURATIONS = ["DeFlow-Our-RWSR", "DeFlow-polyu", "ESRGAN-DeFlow-Our-RWSR", "RealESRGAN", "SR3", "SR-demo"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("deflow-our-rwsr", "DeFlow-Our-RWSR"),
        ("DeFlow_OurRWSR", "DeFlow-Our-RWSR"),
        ("DeFlow-Our", "DeFlow-Our-RWSR"),
        ("DeFlow-Our-RWS", "DeFlow-Our-RWSR"),
        ("real_esrgan", "RealESRGAN"),
        ("polyu", "DeFlow-polyu"),
        ("sr_3", "SR3"),
        ("xyz", None),
        ("", None),
    ],
)
def test_the_name_that_was_meant(given, meant):
    assert nearest_name(given, CONFIGURATIONS) == meant


def test_without_a_near_name_all_are_listed():
    assert nearest("blr", ["blur", "noise"]) == "did you mean blur?"
    assert nearest("zzz", ["blur", "noise"]) == "expected one of blur, noise"
