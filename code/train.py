"""`python train.py`: the same as `patina train`."""

import sys

from patina.cli.main import run_verb

if __name__ == "__main__":
    sys.exit(run_verb("train"))
