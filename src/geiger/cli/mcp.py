"""``geiger mcp``: the analyzer for other programs, on stdin and stdout."""

from __future__ import annotations

import argparse

from geiger.service.mcp import serve


def mcp(args: argparse.Namespace) -> int:
    """Serve until stdin ends."""
    serve(args.log_dir, args.runs_dir)
    return 0
