"""``geiger unseal``: the final exam on the lock-box, once."""

from __future__ import annotations

import argparse

from geiger.cli.gist import gist_lines
from geiger.cli.named import run_named
from geiger.cli.terminal import print_json, shown_in
from geiger.codec import plain
from geiger.judging.unseal import unseal


def unseal_run(args: argparse.Namespace) -> int:
    """Score the lock-box of a run, and print what it added to the verdict."""
    stored, runs = run_named(args.run, args.runs_dir)
    exam = unseal(stored, runs, target=args.target, estimator=args.estimator)
    if args.json:
        print_json(plain(exam))
        return 0
    answer, *told = exam.lines()
    print("\n".join(line for text in (answer, *told) for line in shown_in(text.strip(), *_indents(text))))
    if args.verbose:
        now = runs.load(stored.name)
        print("\n".join(["", *gist_lines(now.record, now.folder)]))
    return 0


def _indents(text: str) -> tuple[str, str]:
    """Return what the first and the later lines of a text that is broken begin with."""
    indent = text[: len(text) - len(text.lstrip())]
    return indent, f"{indent}  "
