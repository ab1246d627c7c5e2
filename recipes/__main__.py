"""`python -m recipes NAME [--smoke|--paper]`, `python -m recipes check`."""

from recipes.lab.command import command

command(prog_name="python -m recipes")
