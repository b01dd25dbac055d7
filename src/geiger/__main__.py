"""``python -m geiger`` is the command ``geiger``."""

import sys

from geiger.cli import main

if __name__ == "__main__":
    sys.exit(main())
