"""The command ``geiger``: parse, call, print.

Exit codes: 0 fine, 1 our error (one plain line), 2 usage, 3 the run ended FAILED or COLLAPSED.
"""

from __future__ import annotations

import sys
from importlib import import_module

from geiger.cli.parser import build_parser
from geiger.errors import GeigerError

__all__ = ["main"]

OUR_ERROR = 1


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    args = build_parser().parse_args(argv)
    module, function = args.handler.split(":")
    try:
        return int(getattr(import_module(module), function)(args))
    except KeyboardInterrupt:
        return _complain("stopped; finished folds are kept, and the same command goes on from there")
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        return OUR_ERROR
    except GeigerError as error:
        if args.debug:
            raise
        return _complain(str(error))
    except Exception as error:
        if args.debug:
            raise
        kind = type(error).__name__
        return _complain(f"unexpected {kind}: {error}; run it again with --debug to see where")


def _complain(text: str) -> int:
    line = " ".join(text.split())
    print(f"geiger: {line}", file=sys.stderr)
    return OUR_ERROR
