import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from patina import torchvision_shim
from patina.errors import PatinaError, WeightsMissing
from patina.metrics.lpips import WEIGHTS, Lpips


@pytest.fixture
def alexnet(hub):
    torchvision_shim.ensure()
    from torchvision.models import alexnet

    torch.manual_seed(0)
    features = alexnet().features
    weights = {f"features.{name}": value for name, value in features.state_dict().items()}
    torch.save(weights, hub / WEIGHTS)
    return features


def pictures(height=48, width=56):
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(2)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_equals_the_lpips_package(alexnet):
    import lpips

    reference = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    for name, module in reference.net.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            module.load_state_dict(alexnet[int(name.split(".")[1])].state_dict())
    a, b = pictures()
    tensors = [torch.from_numpy(p).permute(2, 0, 1)[None] / 127.5 - 1 for p in (a, b)]
    measured = Lpips()(a, b)
    assert measured == pytest.approx(reference(*tensors).item(), rel=1e-5)
    assert measured > 1e-4


@pytest.mark.slow
def test_equal_pictures_and_crop(alexnet):
    metric = Lpips()
    a, b = pictures()
    assert metric(a, a) == 0
    assert metric(a, b, crop=4) == pytest.approx(metric(a[4:-4, 4:-4], b[4:-4, 4:-4]), rel=1e-6)


@pytest.mark.slow
def test_too_small_pictures_are_refused(alexnet):
    metric = Lpips()
    assert metric(*pictures(31, 31)) > 0
    with pytest.raises(PatinaError, match="31 pixels"):
        metric(*pictures(30, 40))


def test_missing_weights_name_file_and_folder_in_one_line(hub):
    with pytest.raises(WeightsMissing, match=rf"{re.escape(str(hub))}.*{WEIGHTS}.*is not there") as caught:
        Lpips()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a model", "other"])
def test_damaged_weights_are_named(hub, content):
    if isinstance(content, bytes):
        (hub / WEIGHTS).write_bytes(content)
    else:
        torch.save({"features.0.weight": torch.zeros(3)}, hub / WEIGHTS)
    with pytest.raises(WeightsMissing, match="is damaged"):
        Lpips()


@pytest.mark.slow
def test_shim_mends_the_import_in_a_fresh_interpreter():
    code = "from patina.torchvision_shim import ensure; ensure(); ensure(); import torchvision, spandrel, lpips"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_shim_hides_no_other_failure(monkeypatch):
    def fail(_name):
        raise RuntimeError("something else")

    monkeypatch.setattr(torchvision_shim.importlib, "import_module", fail)
    with pytest.raises(RuntimeError, match="something else"):
        torchvision_shim.ensure()
