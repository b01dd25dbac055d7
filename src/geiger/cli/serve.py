"""``geiger serve``: a live view of runs and trainings in a browser."""

from __future__ import annotations

import argparse
from functools import partial

from geiger.service.serve import serve


def serve_runs(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    serve(args.runs_dir, args.log_dir, args.host, args.port, say=partial(print, flush=True))
    return 0
