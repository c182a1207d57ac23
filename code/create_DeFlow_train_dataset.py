"""`python create_DeFlow_train_dataset.py`: the same as `patina prepare`."""

import sys

from patina.cli.main import run_command

if __name__ == "__main__":
    sys.exit(run_command("prepare"))
