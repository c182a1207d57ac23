"""Measure how long every shipped configuration trains, and write it into the configuration.

    python docs/make_training_times.py                      # all of them, on an idle machine
    python docs/make_training_times.py RealPLKSR SR3        # some
    python docs/make_training_times.py -device cuda         # on this machine's GPU

Every stage is trained at its full size for 100 steps, or for 20 seconds if that is less, on bundled photographs that
are enlarged and cut to fit; losses with published weights get random ones, which take the same time. The speed, times
the number of steps, becomes a line at the head of the file, one for the CPU and one for the GPU. Where epochs are
counted, the time is that of 1000 images. Each configuration is measured in a process of its own, so that one that
needs more memory than there is ends alone.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from skimage import data

from patina.imaging.matlab_resize import imresize
from patina.imaging.picture_files import write_picture
from patina.metrics import backbones, dists
from patina.pipelines.multiscale_set import prepare
from patina.shipped import shipped_root
from patina.specs.configuration import find_config, parse_config
from patina.specs.experiment import TrainableConfig
from patina.specs.optimisation import make_fabric
from patina.specs.restoration_spec import RestorationConfig, restoration_task
from patina.specs.sr3_spec import SR3Config
from patina.system.machine import Processor
from patina.system.yaml_files import read_yaml
from patina.training.batch_parts import BatchParts
from patina.training.loader import loaded_batches

STEPS, LONGEST = 100, 20.0
"""Measured steps, and seconds after which fewer are enough."""

SCALES = (1, 2, 4, 8)
SIDE = 1024
IMAGES = 1000
"""Images of an epoch whose time is told."""

MARKS = {"cpu": "# Time on two CPU cores: ", "cuda": "# Time on a GPU: "}
NOT_MEASURED = "not measured"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="configurations (default: all that train)")
    parser.add_argument("-device", default="cpu", choices=MARKS)
    parser.add_argument("--blank", action="store_true", help='measure nothing; write "not measured" where no line is')
    arguments = parser.parse_args()
    confs = shipped_root() / "confs"
    names = arguments.names or sorted(path.stem for path in confs.glob("*.yml"))
    paths = [path for path in map(find_config, names) if "training" in read_yaml(path) or "stages" in read_yaml(path)]
    if arguments.blank:
        for path in paths:
            for mark in MARKS.values():
                write_line(path, mark, NOT_MEASURED, keep=True)
        return
    if arguments.device == "cpu":
        torch.set_num_threads(2)
    if len(paths) > 1:
        for path in paths:
            own = [sys.executable, __file__, path.stem, "-device", arguments.device]
            if code := subprocess.run(own).returncode:
                print(f"{path.stem}: not measured, its process ended with {code}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        told = measured(paths[0], write_photographs(Path(folder)), arguments.device)
        print(f"{paths[0].stem}: {told}", file=sys.stderr)
        write_line(paths[0], MARKS[arguments.device], told)


def write_photographs(folder: Path) -> Path:
    """Write a multi-scale set of large photographs, and random weights for losses; return the set."""
    for name in ("astronaut", "coffee", "rocket", "chelsea"):
        enlarged = imresize(getattr(data, name)(), 3.5)
        write_picture(folder / "photographs" / f"{name}.png", enlarged[:SIDE, :SIDE])
    prepare(folder / "photographs", folder / "set", SCALES, workers=1)
    for name, layout in ((backbones.VGG19, "E"), (backbones.VGG16, "D")):
        layers = dists.vgg.make_layers(dists.vgg.cfgs[layout])
        torch.save({f"features.{key}": value for key, value in layers.state_dict().items()}, folder / name)
    os.environ[backbones.FOLDER_VARIABLE] = str(folder)
    return folder / "set"


def on_photographs(values: dict, photographs: Path) -> dict:
    """Return a configuration's values that trains on the photographs instead of the user's images."""
    model = values.get("model", {})
    scale = 1 if model.get("architecture") == "dncnn" else model.get("scale", 4)
    low = photographs / f"{scale if scale in SCALES else 1}x"
    changed = dict(values["data"])
    if values["task"] in ("restoration", "luminance"):
        is_shipped = str(values["data"]["lq"]).startswith("confs/recipes/")
        changed |= {"gt": str(photographs / "1x"), "lq": values["data"]["lq"] if is_shipped else str(low)}
    elif values["task"] == "sr3":
        changed |= {"pictures": str(photographs / "1x")}
    else:
        whole = values["task"] == "deflow"
        changed |= {"clean": str(photographs if whole else photographs / "1x")}
        changed |= {"real": str(photographs if whole else photographs / "2x")}
        changed.pop("clean_recipe", None)
    rest = {key: value for key, value in values.items() if key not in ("validation", "smoke")} | {"data": changed}
    for block in [rest.get("training", {}), *rest.get("stages", [])]:
        block.pop("keep", None)
        if values["task"] == "luminance":
            block["early_stopping"] = None
    return rest


def measured(path: Path, photographs: Path, device: str) -> str:
    """Return how long all stages of a configuration take, in words."""
    config = parse_config(on_photographs(read_yaml(path), photographs), path)
    assert isinstance(config, TrainableConfig)
    seconds, counts = 0.0, []
    for number, stage in enumerate(config.training_stages()):
        fabric = make_fabric(stage.precision, device)
        # A later stage would start from a model that an earlier one has made.
        restores = isinstance(config, RestorationConfig)
        task = restoration_task(config, config.stages[number], None, device) if restores else stage.make_task(device)
        plan = stage.make_plan(task)
        task.parts = BatchParts(fabric, plan.accumulate)
        task.setup(fabric)
        count, took = trained(task, plan, fabric)
        steps = config.training.epochs * IMAGES / config.data.batch if isinstance(config, SR3Config) else plan.steps
        seconds += took / count * steps
        counts.append(count)
    epochs = f" for epochs of {IMAGES} images" if isinstance(config, SR3Config) else ""
    where = Processor.of_this_machine().name if device == "cpu" else torch.cuda.get_device_name()
    told = f"about {in_words(seconds)}{epochs}"
    return f"{told} ({where}; {' and '.join(map(str, counts))} steps measured, multiplied)"


def in_words(seconds: float) -> str:
    """Return a time in the unit that tells it in two or three digits."""
    for unit, length, most in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48)):
        if seconds < most * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"


def trained(task: object, plan: object, fabric: object) -> tuple[int, float]:
    """Train some steps after two that are not counted; return their number and their seconds."""
    began, count = 0.0, 0
    for step, (batch, _) in enumerate(loaded_batches(task, range(1, STEPS + 3), plan.workers, fabric), 1):
        if step == 1:
            task.start(batch)
        task.training_step(batch, step)
        if fabric.device.type == "cuda":
            torch.cuda.synchronize()
        if step == 2:
            began = time.perf_counter()
        count = step - 2
        if count > 0 and time.perf_counter() - began > LONGEST:
            break
    return count, time.perf_counter() - began


def write_line(path: Path, mark: str, told: str, keep: bool = False) -> None:
    """Put a line into the head of a configuration, after its first comments, in place of an earlier one."""
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(rf"^{re.escape(mark)}.*\n", re.M)
    if pattern.search(text):
        text = text if keep else pattern.sub(lambda _: f"{mark}{told}\n", text)
    else:
        text = text.replace("\ntask:", f"\n{mark}{told}\ntask:", 1)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
