"""``geiger report``: one HTML page of a run, or of several side by side, that needs nothing else."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

from geiger.cli.named import run_named
from geiger.cli.terminal import print_json
from geiger.codec import plain
from geiger.errors import DataError, SettingError
from geiger.files import write_atomically
from geiger.report.compare_page import compare_page
from geiger.report.comparison import compare
from geiger.report.gather import log_of, view_of
from geiger.report.run_page import run_page
from geiger.report.universe import universe_of
from geiger.report.universe_page import universe_page
from geiger.report.view import RunView
from geiger.runs.folder import StoredRun

PAGE = "report.html"
LONGEST_NAME = 120  # characters of a file's name, without its ending; file systems take 255 bytes


def report(args: argparse.Namespace) -> int:
    """Write the page of one run, or of several with --compare, and say where it is."""
    words = [*([args.run] if args.run else []), *(args.compare or [])]
    if not words:
        raise SettingError("report: name a run, as `geiger report AAPL_ridge_20240105_143022`")
    stored = [_stored(word, args.runs_dir) for word in words]
    views = [_view(run, args.log_dir) for run in stored]
    if args.compare is None:
        page, out = _page(stored[0], views[0]), args.out or stored[0].folder / PAGE
    else:
        page = compare_page(compare(stored, views))
        out = args.out or args.runs_dir / f"{compare_name([run.name for run in stored])}.html"
    content = page.encode()
    write_atomically(out, content)
    if args.json:
        findings = {view.name: None if view.findings is None else len(view.findings) for view in views}
        audits = {view.name: plain(view.audit) for view in views}
        print_json(
            {
                "report": out,
                "bytes": len(content),
                "runs": list(findings),
                "findings": findings,
                "audits": audits,
            }
        )
    else:
        print(f"Report: {out}")
    return 0


def write_page(folder: Path, log_dir: Path) -> Path:
    """Write the page of one run into its folder, and return where it is."""
    stored = _stored(str(folder), folder.parent)
    write_atomically(folder / PAGE, _page(stored, _view(stored, log_dir)).encode())
    return folder / PAGE


def compare_name(names: Sequence[str]) -> str:
    """Return the stem of a comparison's file: the names of its runs, or a hash in place of the rest.

    >>> compare_name(["AAPL_ridge_20240105_143022", "AAPL_lstm_20240105_143029"])
    'compare_AAPL_ridge_20240105_143022_AAPL_lstm_20240105_143029'
    >>> len(compare_name(["A" * 90 + "_ridge_20240105_143022"] * 3))
    120
    """
    name = "_".join(["compare", *names])
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: LONGEST_NAME - 13]}_{digest}"


def _stored(word: str, runs_dir: Path) -> StoredRun:
    return run_named(word, runs_dir)[0]


def _page(stored: StoredRun, view: RunView) -> str:
    return universe_page(universe_of(stored, view)) if stored.record.members else run_page(view)


def _view(stored: StoredRun, log_dir: Path) -> RunView:
    """Return what the page of a run shows; its log is read once, for the findings and for the page."""
    from geiger.analysis.analyzer import case_of
    from geiger.checks.catalogue import ask_all

    log = log_of(stored, log_dir)
    if log is None:
        return view_of(stored)
    try:
        case = case_of(log)
    except DataError:  # the page says why, and has no findings
        return view_of(stored, log)
    return view_of(stored, log, ask_all(case), known=case.log)
