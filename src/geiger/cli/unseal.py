"""``geiger unseal``: the final exam on the lock-box, once."""

from __future__ import annotations

import argparse

from geiger.cli.terminal import print_json
from geiger.codec import plain
from geiger.judging.unseal import unseal
from geiger.runs.folder import RunsFolder


def unseal_run(args: argparse.Namespace) -> int:
    """Score the lock-box of a run, and print what it added to the verdict."""
    runs = RunsFolder(args.runs_dir)
    exam = unseal(runs.load(args.run), runs, target=args.target, estimator=args.estimator)
    if args.json:
        print_json(plain(exam))
        return 0
    print("\n".join(exam.lines()))
    return 0
