"""``geiger train``: one model or a group, one or many symbols."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from geiger.cli.options import config_of, experiment_of, plain, symbols_of
from geiger.cli.show import plan_facts, plan_line, print_json, progress, run_facts, run_lines
from geiger.config import Config
from geiger.errors import TrainingError
from geiger.experiment import Plan, Run, plan, run
from geiger.models import expand, resolve
from geiger.records import Status, as_text
from geiger.walk import FoldOutput

EXIT = {Status.SUCCESS: 0, Status.FAILED: 3, Status.COLLAPSED: 3}


def train(args: argparse.Namespace) -> int:
    """Train every model on every symbol; one that fails does not stop the rest."""
    config = config_of(args)
    symbols, models = symbols_of(args), models_of(args.model)
    results = [_one(args, symbol, model, config) for symbol in symbols for model in models]
    if args.json:
        print_json([facts for _, facts in results])
    return max(code for code, _ in results)


def models_of(name: str) -> list[str]:
    """Return the models that `name` stands for, without one whose stand-in is among them anyway."""
    names = expand(name)
    return [model for model in names if len(names) == 1 or resolve(model)[0] == model]


def train_one(planned: Plan, *, quiet: bool) -> Run:
    """Train with a progress bar that shows each fold's rounds and spread."""
    title = f"{planned.experiment.symbol} {planned.model}"
    with progress(title, len(planned.folds), quiet=quiet) as tick:

        def on_fold(output: FoldOutput) -> None:
            spread = as_text(output.test_forecast.std() / output.train_std, "number")
            tick(f"fold {output.result.fold} to {output.result.test_last}, pred_std {spread}")

        return run(planned, on_fold=on_fold)


def _one(args: argparse.Namespace, symbol: str, model: str, config: Config) -> tuple[int, dict[str, Any]]:
    """Plan, train and show one experiment; return its exit code and facts."""
    try:
        planned = plan(experiment_of(args, symbol, model, config))
        if not args.json:
            print(plan_line(planned), flush=True)
        if args.dry_run:
            return 0, plan_facts(planned)
        finished = train_one(planned, quiet=args.json)
    except Exception as error:
        if args.debug:
            raise
        print(f"geiger: {symbol} {model}: {plain(error)}", file=sys.stderr)
        code = 3 if isinstance(error, TrainingError) else 1
        return code, {"symbol": symbol, "model": model, "error": plain(error)}
    if not args.json:
        print("\n".join([f"{symbol} {finished.model}: {finished.status}", *run_lines(finished)]), flush=True)
    return EXIT[finished.status], run_facts(finished)
