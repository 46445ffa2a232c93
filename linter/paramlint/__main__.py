"""``python -m paramlint``."""

import sys

from paramlint.cli import main

if __name__ == "__main__":
    sys.exit(main())
