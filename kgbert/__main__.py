"""Run the command as ``python -m kgbert``, which is what torchrun does with its ``-m``."""

import sys

from kgbert.cli import main

sys.exit(main())
