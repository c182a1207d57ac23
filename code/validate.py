"""`python validate.py`: the same as `patina validate`."""

import sys

from patina.cli.main import run_command

if __name__ == "__main__":
    sys.exit(run_command("validate"))
