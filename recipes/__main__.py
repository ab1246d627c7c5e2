"""`python -m recipes NAME [--smoke|--paper]`, `python -m recipes check`."""

import sys

from diffspec.cli.command import flushed, run
from recipes.lab.command import command

sys.exit(flushed(run(sys.argv[1:], command, "python -m recipes")))
