"""``geiger train``: one model or a group, one or many symbols."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from geiger.cli.complaint import complain, plain
from geiger.cli.export import export_finished
from geiger.cli.options import config_of, experiment_of, is_symbol, symbols_of
from geiger.cli.show import (
    EXIT,
    Voice,
    base_line,
    data_lines,
    place_lines,
    plan_facts,
    plan_line,
    run_facts,
    run_lines,
    warning_lines,
)
from geiger.cli.terminal import print_json, progress
from geiger.errors import SettingError, TrainingError
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.experiment.run import run_bases
from geiger.experiment.train_fold import FoldOutput
from geiger.experiment.written import Run
from geiger.judging.run import NOTHING, Making, run
from geiger.models import expand, resolve
from geiger.records import as_text
from geiger.settings import Config
from geiger.settings.models import OWN

Result = tuple[int, dict[str, Any]]  # exit code, and facts that JSON can hold
Task = Callable[[argparse.Namespace, Experiment, Voice], Result]


def train(args: argparse.Namespace) -> int:
    """Train every model on every symbol, or one on all of them together."""
    if args.panel is not None:
        from geiger.cli.panel import train_panel  # with all that a panel needs

        return train_panel(args, symbols_of(args))
    return for_each(args, _train)


def for_each(
    args: argparse.Namespace, task: Task, default: Callable[[str], str] = lambda symbol: "stack"
) -> int:
    """Do `task` for every symbol and model; one that fails does not stop the rest. Return the worst code.

    Parameters
    ----------
    default : callable
        Symbol to model, where no model is named.
    """
    config = config_of(args)
    symbols = symbols_of(args)
    if args.estimator is not None:
        models = {symbol: [_own(args.model)] for symbol in symbols}
    else:
        models = {symbol: models_of(args.model or default(symbol)) for symbol in symbols}
    results = [
        result for symbol in models for result in _of_symbol(args, task, symbol, models[symbol], config)
    ]
    if args.json:
        print_json([facts for _, facts in results])
    elif told := ringing([facts["verdict"] for _, facts in results if facts.get("verdict")]):
        print(told)
    return max(code for code, _ in results)


def ringing(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Return how many of several verdicts ring, beside how many chance alone would make ring; else nothing.

    Parameters
    ----------
    verdicts : sequence of mapping
        As `run_facts` has them.

    >>> ringing([{"corrected_p": p, "level": 0.01} for p in (0.004, 0.2, 0.6)])
    '1 of 3 ring (p with all tries below 0.01); by chance 0.03 would, were they independent'
    """
    tested = [one for one in verdicts if one["corrected_p"] is not None]
    if len(tested) < 2:
        return ""
    level = tested[0]["level"]
    found = sum(one["corrected_p"] < level for one in tested)
    chance = f"by chance {level * len(tested):g} would, were they independent"
    return f"{found} of {len(tested)} ring (p with all tries below {level:g}); {chance}"


def models_of(name: str) -> list[str]:
    """Return the models that `name` stands for; two that are trained as one and the same are named once.

    Of the two it is the one that is not installed: its run says in the log what stood in for it.
    """
    if name == OWN:
        raise SettingError(f"model {OWN}: is an estimator of yours; name it with --estimator FILE.py:NAME")
    return list({resolve(model)[0]: model for model in expand(name)}.values())


def _own(model: str | None) -> str:
    """Return the model of a line that names an estimator; another one would not be what is trained."""
    if model not in (None, OWN):
        raise SettingError(f"--estimator is a model of its own: write {OWN} in place of {model}")
    return OWN


def show_plan(planned: Plan, voice: Voice) -> None:
    """Print what the data are, and what will be trained on them."""
    voice.say(data_lines(planned))
    print(plan_line(plan_facts(planned)), flush=True)


def train_one(planned: Plan, *, quiet: bool, making: Making = NOTHING) -> Run:
    """Train with a progress bar that shows each fold's spread; the base models of a stack come first.

    Parameters
    ----------
    making : Making
        What is made for the verdict behind the folds.
    """
    bases = run_bases(planned, train=partial(_train_base, quiet=quiet))
    if not quiet:
        print("".join(f"  {base_line(base)}\n" for base in bases), end="", flush=True)
    title = f"{planned.experiment.symbol} {planned.model}"
    with progress(title, len(planned.folds), quiet=quiet) as tick:

        def on_fold(output: FoldOutput) -> None:
            std = output.train_std
            spread = float(output.test_forecast.std()) / std if std > 0.0 else None  # prices that never move
            above = float((output.test_forecast > output.train_mean).mean())
            health = f"pred_std {as_text(spread, 'number')}, {as_text(above, 'share')} above the mean"
            tick(f"fold {output.result.fold} to {output.result.test_last}, {health}")

        made = replace(making, on_step=tick, on_plan=tick.more)
        return run(planned, on_fold=on_fold, bases=bases, making=made)


def _train_base(planned: Plan, *, quiet: bool) -> Run:
    """Train one base model of a stack, and say so."""
    if not quiet:
        print(f"  {plan_line(plan_facts(planned))}", flush=True)
    return train_one(planned, quiet=quiet)


def show_run(finished: Run, voice: Voice) -> None:
    """Print what came of a run, its warnings as far as they are new, and where it was written."""
    print("\n".join(run_lines(finished)))
    voice.say(warning_lines(finished.notices))
    print("\n".join(place_lines(finished)), flush=True)


def _of_symbol(
    args: argparse.Namespace, task: Task, symbol: str, models: list[str], config: Config
) -> list[Result]:
    voice, results, complaints = Voice(), [], set()
    for model in models:
        try:
            results.append(task(args, experiment_of(args, symbol, model, config), voice))
        except BrokenPipeError:  # nobody reads on
            raise
        except Exception as error:
            if args.debug:
                raise
            failed, text = isinstance(error, TrainingError), plain(error)
            where = f"{symbol} {model}: " if failed else f"{symbol}: " if is_symbol(symbol) else ""
            if where + text not in complaints:  # prices that cannot be used are so for every model
                complain(where + text)
            complaints.add(where + text)
            results.append((3 if failed else 1, {"symbol": symbol, "model": model, "error": text}))
    return results


def _train(args: argparse.Namespace, experiment: Experiment, voice: Voice) -> Result:
    """Plan, train and show one experiment."""
    planned = plan(experiment)
    if args.dry_run and args.json:
        return 0, plan_facts(planned)
    if not args.json:
        show_plan(planned, voice)
    if args.dry_run:
        return 0, {}
    alone = len(symbols_of(args)) == 1
    making = Making(audit=alone and args.audit, check_source=alone and args.check_source)
    finished = train_one(planned, quiet=args.json, making=making)
    if not args.json:
        show_run(finished, voice)
    export_finished(args.mlflow, finished.folder, args.log_dir)
    return EXIT[finished.status], run_facts(finished)
