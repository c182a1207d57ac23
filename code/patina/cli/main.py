"""The command `patina`: one module per command, imported only when it is called."""

import argparse
import importlib
import io
import os
import sys
import threading
from collections.abc import Callable, Sequence
from types import ModuleType

from patina.errors import PatinaError, told_system_error
from patina.system.lack_of_memory import is_lack_of_memory
from patina.version import __version__

COMMANDS = {
    "prepare": "make a training set, tiles or test sets from a folder of images",
    "measure": "measure noise, blur, sharpening and compression of photos",
    "fit": "fit a recipe that makes clean images look like real photos",
    "configs": "list the configurations that come with Patina, or copy one",
    "recipes": "list the recipes that come with Patina, or copy one",
    "train": "train a degradation or a super-resolution model from a configuration",
    "translate": "degrade clean images with a learned model, or clean real ones",
    "validate": "draw sheets of a learned degradation: translations both ways, and samples",
    "degrade": "degrade a folder of images by a recipe",
    "replay": "repeat the degradations in a recipe's log",
    "preview": "show what every step of a recipe does to an image",
    "convert": "convert a Dataset Destroyer config.ini to a recipe",
    "benchmark": "measure how many images per second a recipe processes",
    "upscale": "upscale a folder of images with a super-resolution model",
    "interpolate": "blend the weights of two models of one architecture",
    "merge": "put together what several jobs with -shard have made",
    "evaluate": "compare results with their ground truth, or models over test sets",
    "noise": "compare the noise that several degradations add to the same clean images",
    "denoise": "judge learned noise by the denoisers trained on it",
    "fidelity": "compare learned degradations with real images, over several seeds",
    "check-h": "measure how well maps h hide the domain and keep the content",
    "report": "report whether generated images look real: HTML page, verdicts, JSON",
    "test": "upscale and evaluate the test images of a configuration",
    "strength": "fit the strength of a trained degradation to photos",
    "gap": "measure what fitted, learned and true pairs gain, on cameras of known form",
    "toy": "learn four noises of known distribution, beside published numbers",
    "demo": "run the whole pipeline on bundled photographs",
}
USAGE_ERROR = 2
INTERRUPTED = 130
CLOSED_PIPE = 141
"""What shells report of a program that wrote to a pipe which nobody reads (128 + SIGPIPE)."""

_NO_MEMORY = (
    "there is too little memory for this command; end other programs, or use fewer -workers or smaller images, then "
    "run the same command again"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code.

    Returns:
        0 done, 1 some images failed, 2 refused, 130 interrupted, 141 nobody reads the output any more.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] not in COMMANDS:
        return _while_read(lambda: _top_level(arguments))
    return run_command(arguments[0], arguments[1:], program=f"patina {arguments[0]}")


def run_command(command: str, arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """Run one command.

    Args:
        command: a key of `COMMANDS`.
        arguments: its command-line arguments; None for those of this process.
        program: the name that its help shows; None for the name of the script.

    Returns:
        The exit code, as in `main`.
    """
    _let_threads_spin_briefly()
    threading.excepthook = _thread_failed
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal of another encoding must not end a command
            stream.reconfigure(errors="backslashreplace")
    return _while_read(lambda: _attempt(command, arguments, program))


def _let_threads_spin_briefly() -> None:
    """Let OpenMP's threads sleep when they have waited for each other for some ten microseconds.

    By default they spin for milliseconds. Where another program has the core that one of them needs, the others spin
    for its whole time slice, in every layer, and a training takes ten times as long or more. Without any spinning
    (`OMP_WAIT_POLICY=passive`) it takes twice as long on a free machine, because waking a thread costs more than a
    small layer. OpenMP reads the variables when torch is imported; worker processes inherit them.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")


def _while_read(work: Callable[[], int]) -> int:
    """Return the exit code of `work`; end it quietly if the output's reader has gone, e.g. in ``patina … | head``."""
    try:
        try:
            return work()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except BrokenPipeError:  # Python writes what is left when it ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return CLOSED_PIPE


def _attempt(command: str, arguments: Sequence[str] | None, program: str | None) -> int:
    """Run one command, and tell in one line what stops it; arguments as in `run_command`."""
    try:
        return _module(command).run(parsed(command, arguments, program))
    except PatinaError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE_ERROR
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"error: {told_system_error(error)}", file=sys.stderr)
        return USAGE_ERROR
    except Exception as error:
        if not is_lack_of_memory(error):
            raise
        print(f"error: {_NO_MEMORY}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("interrupted; run the same command again: most commands resume where they stopped", file=sys.stderr)
        return INTERRUPTED


def parsed(command: str, arguments: Sequence[str] | None = None, program: str | None = None) -> argparse.Namespace:
    """Return a command's parsed arguments; opens no file.

    A command that has flags which depend on each other checks them in a function `check`.

    Raises:
        SystemExit: a flag is unknown, misused or missing; argparse has printed which.
        PatinaError: flags do not belong together, or one that others need is missing.
    """
    module = _module(command)
    found = parser_of(command, program).parse_args(arguments)
    if hasattr(module, "check"):
        module.check(found)
    return found


def parser_of(command: str, program: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of a command's flags."""
    module = _module(command)
    parser = argparse.ArgumentParser(prog=program, description=module.__doc__, allow_abbrev=False)
    module.add_arguments(parser)
    return parser


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"patina.cli.{command.replace('-', '_')}")


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    """Ignore a thread's OSError (e.g. TensorBoard's writer on a full disk): the main thread will report its own."""
    if not issubclass(failure.exc_type, OSError):
        threading.__excepthook__(failure)


def _top_level(arguments: list[str]) -> int:
    """Print the help or the version, or refuse an unknown command."""
    lines = "\n".join(f"  {command:<11} {summary}" for command, summary in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="patina",
        description="Learn how real photographs are degraded, and train super-resolution on it.",
        epilog=f"commands (`patina COMMAND --help` shows a command's options):\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"patina {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    if not arguments:
        parser.print_help()
        return USAGE_ERROR
    parser.parse_args(arguments)
    return 0
