"""The command ``geiger``: parse, call, print.

Exit codes: 0 fine, 1 our error (one plain line), 2 usage, 3 the run ended FAILED or COLLAPSED, 130 stopped
with Ctrl-C (143 by SIGTERM).
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from geiger.cli.complaint import complain, plain
from geiger.cli.interrupt import code_of, last_word, terminable
from geiger.cli.parser import parse
from geiger.hiding import run_as_command

__all__ = ["main"]

OUR_ERROR = 1


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code; without `argv`, the one this process was started by."""
    if argv is None:
        run_as_command()
    args = parse(argv)
    module, function = args.handler.split(":")
    try:
        with terminable():
            try:
                return int(getattr(import_module(module), function)(args))
            except KeyboardInterrupt as stop:
                complain(last_word(args))
                return code_of(stop)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if args.debug:
            raise
        complain(plain(error))
    return OUR_ERROR
