"""`python -m patina.cli`."""

import sys

from patina.cli.main import main

sys.exit(main())
