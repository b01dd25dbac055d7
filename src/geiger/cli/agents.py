"""``geiger agents install``: the definitions of three assistants, for a project that uses Geiger."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from geiger.agents import install
from geiger.cli.terminal import print_json

KEPT = 1


def install_agents(args: argparse.Namespace) -> int:
    """Write the definitions and say what became of each."""
    done = install(args.project, force=args.force)
    if args.json:
        print_json([asdict(one) for one in done])
    else:
        for one in done:
            differs = ": it differs; `--force` writes over it" if one.state == "kept" else ""
            print(f"{one.path}: {one.state}{differs}")
    return KEPT if any(one.state == "kept" for one in done) else 0
