"""The main job on photographs that come with scikit-image, with a degradation whose truth is known."""

import argparse
import time
from pathlib import Path

from patina.cli.flags import add_device_flag, add_flag
from patina.experiments.bundled_demo import (
    SCALE,
    TRAINED,
    Folders,
    _claim,
    _deflow_config,
    _restoration_config,
    _shortened,
    _upscale_held_out,
    contact_sheet,
    report,
    take_photographs,
    translate,
)
from patina.experiments.parallel_training import processes, require_finished, say
from patina.imaging.picture_files import write_picture
from patina.pipelines.multiscale_set import prepare
from patina.pipelines.training_run import train_config
from patina.system.atomic import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_flag(parser, "out", default="demo_out", help="folder for everything the demo writes")
    add_flag(parser, "seed", type=int, default=0, help="of the camera and of DeFlow")
    add_flag(parser, "seeds", type=int, nargs="+", default=[0, 1, 2], help="of the super-resolution networks")
    add_device_flag(parser)
    parser.add_argument("--smoke", action="store_true", help="a few training steps, to see that everything works")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; what an earlier call has finished is not done again."""
    began = time.perf_counter()
    folders = Folders(Path(arguments.out))
    _claim(folders.out, {"seed": arguments.seed, "smoke": arguments.smoke})
    deflow = _shortened(_deflow_config(folders, arguments.seed), arguments.smoke)
    say("1/5 photographs: clean ones, and real ones from a camera whose degradation no training sees")
    take_photographs(folders, arguments.seed)
    say("2/5 multi-scale sets")
    prepare(folders.photographs("clean"), folders.clean_set, [1, SCALE, SCALE * deflow.model.scale])
    prepare(folders.photographs("real"), folders.real_set, [1, deflow.model.scale])
    say(f"3/5 DeFlow learns the degradation ({deflow.training.steps} steps, a few minutes)")
    say(f"    beside it, x{SCALE} networks learn from bicubic pairs, one for each of the seeds {arguments.seeds}")
    bicubic, learned = (
        [_shortened(_restoration_config(folders, method, seed), arguments.smoke) for seed in arguments.seeds]
        for method in TRAINED
    )
    with processes() as pool:
        degradation = pool.submit(train_config, deflow, arguments.device)
        trained = [pool.submit(train_config, config, arguments.device) for config in bicubic]
        require_finished(degradation.result())
        say("4/5 the learned degradation onto the clean pictures, and the same networks on learned pairs")
        translate(deflow, folders.clean_set / f"{SCALE}x", folders.learned, arguments.device)
        trained += [pool.submit(train_config, config, arguments.device) for config in learned]
        translate(deflow, folders.photographs("held_out_2x"), folders.held_out_learned, arguments.device)
        for each in trained:
            require_finished(each.result())
    say("5/5 measured on held-out pictures with the true degradation")
    _upscale_held_out(folders, arguments.seeds, arguments.device)
    text = report(folders, arguments.seeds)
    write_text(folders.out / "results.md", text)
    write_picture(folders.out / "sheet.png", contact_sheet(folders, arguments.seeds[0]))
    print(text)
    print(f"time: {time.perf_counter() - began:.0f} s. Look at {folders.out / 'sheet.png'}; the rest lies beside it:")
    print(f"  sets in {folders.out / 'sets'}, models in {folders.out / 'runs'}, results in {folders.out / 'upscaled'}")
    return 0
