"""`python -m recipes NAME [--smoke|--paper]`, `python -m recipes check`."""

from recipes._command import command

command(prog_name="python -m recipes")
