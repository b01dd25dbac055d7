"""``geiger backtest``: the stitched out-of-sample forecasts of a model, traded beside its baselines."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from geiger.cli.options import config_of, experiment_of, plain, symbols_of
from geiger.cli.show import plan_line, print_json, run_facts, run_lines, scorecard_text
from geiger.cli.train import EXIT, models_of, train_one
from geiger.config import Config
from geiger.errors import TrainingError
from geiger.experiment import Run, plan
from geiger.experiment import backtest as trade


def backtest(args: argparse.Namespace) -> int:
    """Backtest every model on every symbol; one that fails does not stop the rest."""
    config = config_of(args)
    results = [
        _one(args, symbol, model, config) for symbol in symbols_of(args) for model in models_of(args.model)
    ]
    if args.json:
        print_json([facts for _, facts in results])
    return max(code for code, _ in results)


def _one(args: argparse.Namespace, symbol: str, model: str, config: Config) -> tuple[int, dict[str, Any]]:
    try:
        finished = _trade(args, symbol, model, config)
    except Exception as error:
        if args.debug:
            raise
        print(f"geiger: {symbol} {model}: {plain(error)}", file=sys.stderr)
        return 3 if isinstance(error, TrainingError) else 1, {
            "symbol": symbol,
            "model": model,
            "error": plain(error),
        }
    if not args.json:
        print(f"{symbol} {finished.model}: {finished.status}\n{scorecard_text(finished)}\n")
        print("\n".join(run_lines(finished)), flush=True)
    return EXIT[finished.status], run_facts(finished)


def _trade(args: argparse.Namespace, symbol: str, model: str, config: Config) -> Run:
    """Use the stored forecasts of exactly these settings and prices; train first where there are none."""
    planned = plan(experiment_of(args, symbol, model, config))
    runs, key = planned.experiment.runs, planned.key()
    stored = runs.find(key) if key is not None else None
    if stored is None:
        if not args.json:
            print(f"no forecasts of {symbol} {planned.model} with these settings yet: training first")
            print(plan_line(planned), flush=True)
        stored = runs.load(train_one(planned, quiet=args.json).name)
    elif not args.json:
        print(f"forecasts of {stored.name}")
    return trade(planned, stored)
