"""`python test.py`: the same as `patina test`."""

import sys

from patina.cli.main import run_command

if __name__ == "__main__":
    sys.exit(run_command("test"))
