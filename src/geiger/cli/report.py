"""``geiger report``: one HTML page of a run, or of several side by side, that needs nothing else."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

from geiger.cli.terminal import print_json
from geiger.codec import plain
from geiger.errors import SettingError
from geiger.files import write_atomically
from geiger.opened import PAGE
from geiger.pages import page_of, view_with_findings
from geiger.report.compare_page import compare_page
from geiger.report.comparison import compare
from geiger.report.gather import log_of
from geiger.runs.folder import RunsFolder, StoredRun

LONGEST_NAME = 120  # characters of a file's name, without its ending; file systems take 255 bytes


def report(args: argparse.Namespace) -> int:
    """Write the page of one run, or of several with --compare, and say where it is."""
    words = [*([args.run] if args.run else []), *(args.compare or [])]
    if not words:
        raise SettingError("report: name a run, as `geiger report AAPL_ridge_20240105_143022`")
    stored = [_stored(word, args.runs_dir) for word in words]
    views = [view_with_findings(run, log_of(run, args.log_dir)) for run in stored]
    if args.compare is None:
        page = page_of(stored[0], None, views[0])
        out = args.out or stored[0].folder / PAGE
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
    write_atomically(folder / PAGE, page_of(stored, log_of(stored, log_dir)).encode())
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
    path = Path(word)
    return RunsFolder(runs_dir if path.name == word else path.parent).load(path.name)
