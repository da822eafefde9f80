"""``python -m rlkit``: the command line, where no script is on the path."""

import sys

from rlkit.cli import main

sys.exit(main())
