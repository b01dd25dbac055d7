"""``geiger backtest``: the stitched out-of-sample forecasts of a model, traded beside its baselines."""

from __future__ import annotations

import argparse

from geiger.cli.show import Voice, data_lines, run_facts, scorecard_text
from geiger.cli.train import EXIT, Result, for_each, show_plan, show_run, train_one
from geiger.experiment import Experiment, plan
from geiger.experiment import backtest as trade
from geiger.runs import RunsFolder


def backtest(args: argparse.Namespace) -> int:
    """Backtest every model on every symbol."""
    return for_each(args, _backtest, default=lambda symbol: _newest_model(RunsFolder(args.runs_dir), symbol))


def _newest_model(runs: RunsFolder, symbol: str) -> str:
    """Return the model that was trained last on a symbol and left itself for use; the stack without any."""
    newest = runs.newest(symbol, usable=True)
    return "stack" if newest is None else str(newest.facts["model"])


def _backtest(args: argparse.Namespace, experiment: Experiment, voice: Voice) -> Result:
    """Use the stored forecasts of exactly these settings and prices; train first where there are none."""
    planned = plan(experiment)
    stored = planned.stored()
    if stored is None:
        if not args.json:
            show_plan(planned, voice)
            print("  no forecasts with these settings yet: training first", flush=True)
        stored = experiment.runs.load(train_one(planned, quiet=args.json).name)
    elif not args.json:
        voice.say(data_lines(planned))
        print(f"{experiment.symbol} {planned.model}: forecasts of {stored.name}", flush=True)
    finished = trade(planned, stored)
    if not args.json:
        print(f"\n{scorecard_text(finished)}\n")
        show_run(finished, voice)
    return EXIT[finished.status], run_facts(finished)
