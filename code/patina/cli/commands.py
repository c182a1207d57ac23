"""The table of commands: what each does, in groups, with an example."""

import shutil
import textwrap
from functools import partial
from typing import NamedTuple


class Command(NamedTuple):
    """A command, as `patina --help` lists it.

    Attributes:
        summary: what it does, in one line.
        example: its words after ``patina``, as typed.
    """

    summary: str
    example: str


GROUPS = {
    "Fit and degrade": {
        "fit": Command(
            "fit a recipe that makes clean images look like real photos", "fit CLEAN REAL -scale 4 -out fitted.yml"
        ),
        "measure": Command("measure noise, blur, sharpening and compression of photos", "measure REAL -csv photos.csv"),
        "degrade": Command("degrade a folder of images by a recipe", "degrade fitted.yml CLEAN out/lq -gt out/gt"),
        "replay": Command("repeat the degradations in a recipe's log", "replay out/lq/log.jsonl"),
        "studio": Command("open a page to fit, tune and judge recipes by eye", "studio datasets trained_models"),
        "preview": Command("show what every step of a recipe does to an image", "preview web-photo photo.png"),
        "recipes": Command("list the recipes that come with Patina, or copy one", "recipes -copy web-photo"),
        "convert": Command("convert another tool's configuration to a recipe", "convert config.ini -out recipe.yml"),
        "benchmark": Command("measure how many images per second a recipe processes", "benchmark web-photo"),
    },
    "Train": {
        "prepare": Command(
            "make a training set, tiles or test sets from a folder of images",
            "prepare -source DIR -target SET -scales 1 8",
        ),
        "train": Command(
            "train a degradation or a super-resolution model from a configuration", "train -opt compact-fitted"
        ),
        "schema": Command("print the JSON schema of configurations or recipes, for editors", "schema recipe"),
        "configs": Command(
            "list the configurations that come with Patina, or copy one", "configs -copy compact-fitted"
        ),
    },
    "Learned degradations": {
        "translate": Command(
            "degrade clean images with a learned model, or clean real ones",
            "translate -opt DeFlow-Our-RWSR -source CLEAN -out out",
        ),
        "validate": Command(
            "draw sheets of a learned degradation: translations both ways, and samples",
            "validate -opt DeFlow-Our-RWSR -out_dir out",
        ),
        "strength": Command(
            "fit the strength of a trained degradation to photos",
            "strength a.safetensors CLEAN REAL -out b.safetensors",
        ),
        "report": Command(
            "report on a training, and whether generated images look real: HTML, JSON", "report trained_models/MODEL"
        ),
        "check-h": Command(
            "measure how well maps h hide the domain and keep the content", "check-h CLEAN REAL -opt DeFlow-Our-RWSR"
        ),
    },
    "Super-resolution": {
        "upscale": Command(
            "upscale a folder of images with a super-resolution model",
            "upscale DIR -model final.safetensors -out upscaled",
        ),
        "evaluate": Command(
            "compare results with their ground truth, or models over test sets", "evaluate -results DIR -truth GT"
        ),
        "test": Command(
            "upscale and evaluate the test images of a configuration", "test -opt test-ESRGAN-DeFlow-Our-RWSR"
        ),
        "interpolate": Command(
            "blend the weights of two models of one architecture",
            "interpolate psnr.safetensors gan.safetensors -alpha 0.3",
        ),
        "export": Command(
            "write a model for other programs, as ONNX or by torch.export", "export final.safetensors -out final.onnx"
        ),
    },
    "Experiments": {
        "demo": Command("run the whole pipeline on bundled photographs", "demo"),
        "gap": Command("measure the gain from fitted, learned and true pairs, on simulated cameras", "gap --short"),
        "toy": Command("learn four noises of known distribution, beside published numbers", "toy -train DIR -test DIR"),
        "noise": Command(
            "compare the noise that several degradations add to the same clean images",
            "noise -clean DIR -degraded learned=out/learned",
        ),
        "denoise": Command(
            "judge learned noise by the denoisers trained on it", "denoise -learned LUD-VAE=LUDVAE-polyu fit=fit"
        ),
        "fidelity": Command(
            "compare learned degradations with real images, over several seeds",
            "fidelity -learned LUD-VAE=LUDVAE-polyu fit=fit",
        ),
    },
    "This machine, and others": {
        "completion": Command("print a script by which a shell completes commands, flags and names", "completion bash"),
        "weights": Command("list published weights that metrics and losses need, and how to get them", "weights"),
        "doctor": Command("list versions, devices, formats and weights, and how to install missing ones", "doctor"),
        "merge": Command("combine the results of several jobs with -shard", "merge OUT"),
    },
}
"""Every command, in the groups and the order of the help."""

COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}


def overview() -> str:
    """Return the help of `patina` itself, for the width of the terminal."""
    width, columns = max(map(len, COMMANDS)), shutil.get_terminal_size().columns - 2
    margin = " " * (width + 4)
    wrapped = partial(textwrap.wrap, width=columns, break_on_hyphens=False)
    lines = ["usage: patina COMMAND [FLAGS]", ""]
    about = "Find out what degraded real photos, put it onto clean images, and train super-resolution on them."
    lines += [*wrapped(about), ""]
    for title, group in GROUPS.items():
        lines.append(f"{title}:")
        for name, command in group.items():
            lines += wrapped(command.summary, initial_indent=f"  {name:{width}}  ", subsequent_indent=margin)
            lines.append(f"{margin}  patina {command.example}")
        lines.append("")
    told = "`patina help COMMAND` lists the flags of a command, `patina --version` tells the version."
    lines += wrapped(told)
    return "\n".join(lines)
