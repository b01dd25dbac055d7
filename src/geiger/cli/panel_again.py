"""What ``geiger backtest`` and ``geiger replay`` do with the run of a panel."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence

from geiger.cli.options import NETWORK, OWN_PARTS, SETTINGS, traded_as_asked
from geiger.cli.panel import data_lines, plan_line, run_facts, show_panel
from geiger.cli.show import EXIT, scorecard_text, show_repeated, stored_facts
from geiger.cli.terminal import print_json, progress, shown_in
from geiger.errors import SettingError
from geiger.experiment.replay import Replay
from geiger.judging.panel import backtest_panel
from geiger.panel.again import plan_again, replay_panel
from geiger.panel.plan import PanelPlan
from geiger.panel.scores import FoldScores
from geiger.runs.folder import RunsFolder, StoredRun

NO_PART = ("recipe", "config", "models", "context", "data", "risk", "rule", *OWN_PARTS, *SETTINGS, *NETWORK)


def backtest_panels(args: argparse.Namespace, panels: Sequence[StoredRun]) -> int:
    """Trade the forecasts of panels' runs under the costs of the line, on the prices that they kept."""
    for name in NO_PART:
        if getattr(args, name) is not None:
            raise SettingError(
                f"--{name.replace('_', '-')}: a panel's backtest trades what its run forecast, on the prices "
                "that it kept; of the settings only --cost-bps changes it"
            )
    results = []
    for stored in panels:
        planned = plan_again(
            stored,
            RunsFolder(args.runs_dir),
            traded_as_asked(args, stored.config()),
            log_dir=args.log_dir,
            command=shlex.join(["geiger", *args.words]),
        )
        if not args.json:
            if args.verbose:
                print("\n".join(data_lines(planned)))
            told = f"{planned.work.name} {planned.model}: forecasts of {stored.name}"
            print("\n".join(shown_in(told, hanging="  ")), flush=True)
        if not args.again and stored.config().trading == planned.work.config.trading:
            results.append((EXIT[stored.record.status], stored_facts(stored)))
            if not args.json:
                show_repeated(args, stored)
            continue
        finished = backtest_panel(planned, stored)
        if args.verbose and not args.json:
            print(f"\n{scorecard_text(finished.evaluation.results())}\n")
        if not args.json:
            show_panel(finished, verbose=args.verbose, log_dir=args.log_dir)
        results.append((EXIT[finished.status], run_facts(finished)))
    if args.json:
        print_json([facts for _, facts in results])
    return max(code for code, _ in results)


def repeat_panel(args: argparse.Namespace, stored: StoredRun, runs: RunsFolder) -> Replay:
    """Repeat a panel's run, with a progress bar."""
    for option in OWN_PARTS:
        if getattr(args, option) is not None:
            raise SettingError(f"--{option}: nothing in the run of a panel is your own; leave it out")

    def on_plan(planned: PanelPlan) -> None:
        if not args.json:
            print(f"  again: {plan_line(planned)}", flush=True)

    with progress(f"replay of {stored.name}", len(stored.record.folds), quiet=args.json) as tick:

        def on_fold(model: str, fold: FoldScores) -> None:
            tick(f"{model} fold {fold.fold.index}, {fold.learned_rows} rows")

        return replay_panel(stored, runs, on_plan=on_plan, on_fold=on_fold)
