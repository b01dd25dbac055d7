"""``geiger backtest``: the stitched out-of-sample forecasts of a model, traded beside its baselines."""

from __future__ import annotations

import argparse

from geiger.cli.show import Voice, data_lines, run_facts, scorecard_text
from geiger.cli.train import EXIT, Result, for_each, show_plan, show_run, train_one
from geiger.experiment import Experiment, plan
from geiger.experiment import backtest as trade


def backtest(args: argparse.Namespace) -> int:
    """Backtest every model on every symbol."""
    return for_each(args, _backtest)


def _backtest(args: argparse.Namespace, experiment: Experiment, voice: Voice) -> Result:
    """Use the stored forecasts of exactly these settings and prices; train first where there are none."""
    planned = plan(experiment)
    key = planned.key()
    stored = experiment.runs.find(key) if key is not None else None
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
