"""``geiger export``: a run for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from geiger.cleaning import clean
from geiger.cli.complaint import complain, plain
from geiger.cli.terminal import print_json
from geiger.report.gather import log_of
from geiger.runs.folder import RunsFolder
from geiger.service.tracking import export_run


def export_mlflow(args: argparse.Namespace) -> int:
    """Write one run to a tracking store, and say where it is."""
    stored = RunsFolder(args.runs_dir).named(args.run)
    made = export_run(stored, log_of(stored, args.log_dir), args.uri, args.experiment)
    if args.json:
        print_json(
            {"run": stored.name, "run_id": made.run_id, "experiment": made.experiment, "new": made.new}
        )
    else:
        what = "written" if made.new else "updated"
        print(f"{stored.name}: {what} as run {made.run_id} of experiment {clean(made.experiment)}")
    return 0


def export_finished(uri: str | None, folder: Path, log_dir: Path) -> None:
    """Write a run that has just ended to a store, where one is named; trouble with it is one warning."""
    if uri is None:
        return
    try:
        stored = RunsFolder(folder.parent).load(folder.name)
        export_run(stored, log_of(stored, log_dir), uri)
    except Exception as error:  # the training is done: nothing of it is lost for this
        complain(f"not exported: {plain(error)}")
