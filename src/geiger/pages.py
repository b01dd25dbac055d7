"""The pages of stored runs: what the run folder, the log and the analyzer say of them, as HTML.

`geiger report`, a run in Python and the live view all show these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from geiger.command_line import Folders
from geiger.errors import DataError
from geiger.report.gather import view_of
from geiger.report.view import RunView
from geiger.runs.folder import StoredRun


def view_with_findings(stored: StoredRun, log: Path | None, folders: Folders) -> RunView:
    """Return what the page of a run shows; its log is read once, for the findings and for the page."""
    from geiger.analysis.analyzer import case_of
    from geiger.checks.catalogue import ask_all

    if log is None:
        return view_of(stored, folders=folders)
    try:
        case = case_of(log)
    except DataError:  # the page says why, and has no findings
        return view_of(stored, log, folders=folders)
    return view_of(stored, log, ask_all(case), known=case.log, folders=folders)


def page_of(stored: StoredRun, log: Path | None, folders: Folders, view: RunView | None = None) -> str:
    """Return the page of one run, of a symbol or of a panel.

    Parameters
    ----------
    log : path, optional
        The run's log, which alone has the epochs.
    folders : Folders
        As the commands on the page name them.
    view : RunView, optional
        What the page shows, where the caller has it.
    """
    shown = view_with_findings(stored, log, folders) if view is None else view
    if stored.record.members:
        from geiger.report.universe import universe_of
        from geiger.report.universe_page import universe_page

        return universe_page(universe_of(stored, shown))
    from geiger.report.run_page import run_page

    return run_page(shown)


def comparison_of(
    stored: Sequence[StoredRun],
    logs: Sequence[Path | None],
    folders: Folders,
    links: Mapping[str, str],
) -> str:
    """Return the page of several runs side by side.

    Parameters
    ----------
    links : mapping of str to str
        The address of each run's own page, by its name.

    Raises
    ------
    SettingError
        They cannot be compared.
    """
    from geiger.report.compare_page import compare_page
    from geiger.report.comparison import compare

    views = [view_with_findings(run, log, folders) for run, log in zip(stored, logs, strict=True)]
    return compare_page(compare(stored, views), links)
