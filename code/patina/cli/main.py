"""The command `patina`: one verb a task, each imported only when it is called."""

import argparse
import importlib
import sys
import threading
from collections.abc import Sequence

from patina.errors import PatinaError
from patina.version import __version__

VERBS = {
    "prepare": "make a multi-scale set of a folder of pictures",
    "train": "train a degradation or a super-resolution model from a configuration",
    "translate": "put a learned degradation onto clean pictures, or take it off real ones",
    "validate": "show a learned degradation: both translations and samples of both domains",
    "degrade": "make low-quality pictures of a folder by a recipe",
    "replay": "make the pictures of a recipe's log again",
    "preview": "show what each step of a recipe does to a picture",
    "convert": "turn a Dataset Destroyer config.ini into a recipe",
    "benchmark": "measure how many pictures a second a recipe makes",
    "upscale": "upscale a folder with a super-resolution model",
    "interpolate": "blend two models of one architecture",
    "evaluate": "measure results against the truth, or compare models and interpolations over test sets",
    "noise": "measure and show what degradations add to the same clean pictures",
    "denoise": "measure learned noise by the denoisers that it trains",
    "fidelity": "hold learned degradations against real pictures by every measure, over seeds",
    "check-h": "measure which map h hides the domain and keeps content, and recommend one",
    "report": "show whether a learned degradation looks real: a page, verdicts, JSON",
    "test": "upscale and evaluate as a configuration says",
    "demo": "the whole job on photographs that come with a dependency",
}
USAGE_ERROR = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code (0 done, 1 some pictures failed, 2 refused, 130 interrupted)."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] not in VERBS:
        return _top_level(arguments)
    return run_verb(arguments[0], arguments[1:], program=f"patina {arguments[0]}")


def run_verb(verb: str, arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """Run `verb`; `arguments` default to the process's, `program` is the name in its help."""
    threading.excepthook = _thread_failed
    try:
        module = importlib.import_module(f"patina.cli.{verb.replace('-', '_')}")
        parser = argparse.ArgumentParser(prog=program, description=module.__doc__, allow_abbrev=False)
        module.add_arguments(parser)
        return module.run(parser.parse_args(arguments))
    except PatinaError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE_ERROR
    except OSError as error:
        print(f"error: {_told(error)}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("interrupted; give the same command again, most go on where they were", file=sys.stderr)
        return INTERRUPTED


def _told(error: OSError) -> str:
    """Say what the system refused, and where."""
    if error.strerror is None:
        return str(error)
    where = error.filename if error.filename is not None else "a file"
    return f"{where} cannot be used: {error.strerror}; mend that, then run the command again"


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    """Leave a thread's OSError (a full disk under TensorBoard's writer) to the main thread, which meets it, too."""
    if not issubclass(failure.exc_type, OSError):
        threading.__excepthook__(failure)


def _top_level(arguments: list[str]) -> int:
    """Print help or the version; refuse a verb that does not exist."""
    lines = "\n".join(f"  {verb:<11} {text}" for verb, text in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="patina",
        description="Learn how real photographs are degraded and train super-resolution on it.",
        epilog=f"verbs (patina VERB --help tells more):\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"patina {__version__}")
    parser.add_argument("verb", choices=VERBS, metavar="VERB")
    if not arguments:
        parser.print_help()
        return USAGE_ERROR
    parser.parse_args(arguments)
    return 0
