"""``geiger report``: one HTML page of a run, or of several side by side, that needs nothing else.

A run that failed or was stopped has a page too: of its log, which lies beside that.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from geiger.cli.named import run_named
from geiger.cli.terminal import print_json
from geiger.codec import plain
from geiger.command_line import Folders
from geiger.errors import DataError, SettingError
from geiger.files import write_atomically
from geiger.opened import PAGE
from geiger.pages import page_of, view_with_findings
from geiger.report.compare_page import compare_page
from geiger.report.comparison import compare
from geiger.report.failed import FailedView, failed_of
from geiger.report.failed_page import failed_page
from geiger.report.gather import log_of
from geiger.report.view import RunView
from geiger.runs.folder import StoredRun

LONGEST_NAME = 120  # characters of a file's name, without its ending; file systems take 255 bytes


def report(args: argparse.Namespace) -> int:
    """Write the page of one run, or of several with --compare, and say where it is."""
    words = [*([args.run] if args.run else []), *(args.compare or [])]
    if not words:
        raise SettingError("report: name a run, as `geiger report AAPL_ridge_20240105_143022`")
    folders = Folders.of(args.runs_dir, args.log_dir)
    made = _one(words[0], folders) if args.compare is None else _several(words, folders, args.out)
    out = args.out or made.out
    content = made.page.encode()
    write_atomically(out, content)
    if args.json:
        print_json({"report": out, "bytes": len(content), **made.facts()})
    else:
        print(f"Report: {out}")
    return 0


@dataclass(frozen=True)
class _Made:
    """A page, where it goes, and what it is of."""

    page: str
    out: Path
    views: tuple[RunView | FailedView, ...]

    def facts(self) -> dict[str, Any]:
        """Return what programs are told of the runs."""
        findings = {view.name: None if view.findings is None else len(view.findings) for view in self.views}
        audits = {view.name: plain(view.audit) for view in self.views}
        return {"runs": list(findings), "findings": findings, "audits": audits}


def write_page(folder: Path, log_dir: Path) -> Path:
    """Write the page of one run into its folder, and return where it is."""
    stored = _stored(str(folder), folder.parent)
    page = page_of(stored, log_of(stored, log_dir), Folders.of(folder.parent, log_dir))
    write_atomically(folder / PAGE, page.encode())
    return folder / PAGE


def _one(word: str, folders: Folders) -> _Made:
    """Return the page of one run, or of the log of one that left no run."""
    path = Path(word)
    log = path if path.suffix == ".log" else Path(folders.logs) / f"{path.name}.log"
    name = word if path.suffix != ".log" else path.stem
    try:
        stored = _stored(name, Path(folders.runs))
    except DataError as error:
        if not log.is_file():
            raise
        return _failed(log, str(error), folders)
    view = _view(stored, folders)
    return _Made(page_of(stored, None, folders, view), stored.folder / PAGE, (view,))


def _several(words: Sequence[str], folders: Folders, asked: Path | None) -> _Made:
    stored = [_stored(word, Path(folders.runs)) for word in words]
    views = [_view(run, folders) for run in stored]
    out = asked or Path(folders.runs) / f"{compare_name([run.name for run in stored])}.html"
    links = {run.name: _relative(run.folder / PAGE, out.parent) for run in stored}
    return _Made(compare_page(compare(stored, views), links), out, tuple(views))


def _relative(page: Path, start: Path) -> str:
    """Return where a page lies from a folder, as an address; empty where there is none."""
    return quote(os.path.relpath(page, start)) if page.is_file() else ""


def _failed(log: Path, missing: str, folders: Folders) -> _Made:
    from geiger.analysis.analyzer import case_of
    from geiger.checks.catalogue import ask_all

    case = case_of(log)
    view = failed_of(log, missing, ask_all(case), known=case.log, folders=folders)
    return _Made(failed_page(view), log.with_suffix(".html"), (view,))


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


def _view(stored: StoredRun, folders: Folders) -> RunView:
    return view_with_findings(stored, log_of(stored, Path(folders.logs)), folders)
