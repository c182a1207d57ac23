"""Parts of networks by path and class."""

import pytest
from torch import nn

from patina.layers.submodules import Modules, bias_of, submodule


def test_a_submodule_has_the_wanted_class():
    network = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()))
    assert submodule(network, "0.0", nn.Conv2d) is network[0][0]
    with pytest.raises(TypeError, match=r"Sequential\.0\.1 is a ReLU, expected a Conv2d"):
        submodule(network, "0.1", nn.Conv2d)
    with pytest.raises(AttributeError):
        submodule(network, "1", nn.Conv2d)


def test_a_convolution_without_bias_is_refused():
    layer = nn.Conv2d(1, 2, 3)
    assert bias_of(layer) is layer.bias
    with pytest.raises(TypeError, match="no bias"):
        bias_of(nn.Conv2d(1, 2, 3, bias=False))


def test_a_typed_list_of_modules_has_the_state_of_torchs():
    layers = [nn.Linear(1, 1), nn.Linear(1, 1)]
    assert list(Modules(layers).state_dict()) == list(nn.ModuleList(layers).state_dict())
