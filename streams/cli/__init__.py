"""The command `vigil`: a thin layer that parses, calls a room of the picture, and prints.

`commands` is the table of commands, each imported only when used; `exits` maps errors to exit
codes, in one place; `output` prints tables or JSON. Data go to stdout, everything else to stderr.
"""

from streams.cli.main import main

__all__ = ["main"]
