"""``geiger train``: one model or a group, one or many symbols.

One training ends with its gist; of several each ends with a line, and all of them with a table.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from geiger import codec
from geiger.cli.complaint import complain, plain
from geiger.cli.epochs import EpochNote
from geiger.cli.export import export_finished
from geiger.cli.gist import gist_lines, record_in
from geiger.cli.options import config_of, experiment_of, is_symbol, symbols_of
from geiger.cli.show import (
    EXIT,
    Voice,
    base_line,
    place_lines,
    plan_facts,
    plan_line,
    plan_lines,
    run_facts,
    run_lines,
    warning_lines,
)
from geiger.cli.summary import comparison_lines, row_line
from geiger.cli.terminal import print_json, progress, shown_in
from geiger.errors import GeigerError, SettingError, TrainingError
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.experiment.run import run_bases
from geiger.experiment.train_fold import FoldOutput
from geiger.experiment.written import Run
from geiger.judging.run import NOTHING, Making, run
from geiger.judging.summary import Row, compare, row_of
from geiger.judging.validate import judge_with_all_tries
from geiger.models import expand, resolve
from geiger.records import as_text
from geiger.runs.folder import RunsFolder
from geiger.settings import Config
from geiger.settings.models import OWN

Result = tuple[int, dict[str, Any]]  # exit code, and facts that JSON can hold


@dataclass(frozen=True)
class Turn:
    """Which training of how many that one command makes.

    >>> Turn(3, 12).named("AAPL ridge"), Turn().named("AAPL ridge")
    ('3/12 AAPL ridge', 'AAPL ridge')
    """

    number: int = 1
    total: int = 1

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return self.total > 1

    def named(self, text: str) -> str:
        """Return a text with the number before it, where there are several."""
        return f"{self.number}/{self.total} {text}" if self.several else text


Task = Callable[[argparse.Namespace, Experiment, Voice, Turn], Result]


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
    numbers, total = count(1), sum(map(len, models.values()))
    results = [
        result
        for symbol in models
        for result in _of_symbol(args, task, symbol, models[symbol], config, (numbers, total))
    ]
    if sum("run" in facts for _, facts in results) > 1:
        _count_all_tries(args, [facts for _, facts in results])
    if args.json:
        print_json([facts for _, facts in results])
    elif total > 1:
        print("\n".join(together(args.runs_dir, [facts for _, facts in results])), end="")
    return max(code for code, _ in results)


def _count_all_tries(args: argparse.Namespace, found: Sequence[dict[str, Any]]) -> None:
    """Judge those runs again that know fewer tries than there are by now: the first ones of each series."""
    runs, own = RunsFolder(args.runs_dir), {"target": args.target, "estimator": args.estimator}
    for facts in found:
        if not (facts.get("verdict") or {}).get("tries"):
            continue
        try:
            judge_with_all_tries(runs, [facts["run"]], args.log_dir, **own)
            facts["verdict"] = codec.plain(runs.load(facts["run"]).record.verdict)
        except GeigerError as error:  # the run is done, and its own verdict stands
            complain(f"{facts['run']}: no verdict with all tries: {plain(error)}")


def together(runs_dir: Path, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what several trainings came to: the table, the means, the best by luck; empty without a run."""
    runs = RunsFolder(runs_dir)
    stored = [runs.load(facts["run"]) for facts in found if "run" in facts]
    if not stored:
        return []
    recipe = str(stored[0].record.config.get("recipe", ""))
    failed = [
        Row(symbol=facts["symbol"], model=facts["model"], recipe=recipe, trouble=facts["error"])
        for facts in found
        if "error" in facts
    ]
    summary = compare(stored, failed)
    counted = any(one.symbols > 1 for one in summary.models)  # by model, with its mean over symbols
    rang = "" if counted else ringing([facts["verdict"] for facts in found if facts.get("verdict")])
    return ["", *comparison_lines(summary), *(shown_in(rang) if rang else []), ""]


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


def show_plan(planned: Plan, voice: Voice, *, verbose: bool) -> None:
    """Print what the data are, and what will be trained on them."""
    voice.say(plan_lines(planned, verbose=verbose))


def train_one(
    planned: Plan, *, quiet: bool, making: Making = NOTHING, turn: Turn = Turn(), brief: bool = False
) -> Run:
    """Train with a progress bar that shows each fold's spread; the base models of a stack come first.

    Parameters
    ----------
    making : Making
        What is made for the verdict behind the folds.
    brief : bool
        Say nothing of the base models of a stack.
    """
    silent = quiet or brief
    bases = run_bases(planned, train=partial(_train_base, quiet=quiet, turn=turn, silent=silent))
    if not silent:
        for base in bases:
            print("\n".join(shown_in(base_line(base), "  ", "    ")), flush=True)
    title = turn.named(f"{planned.experiment.symbol} {planned.model}")
    with progress(title, len(planned.folds), quiet=quiet) as tick:
        on_epoch = EpochNote(tick, planned.learner.effort.epochs, planned.experiment.config.seeds)

        def on_fold(output: FoldOutput) -> None:
            std = output.train_std
            spread = float(output.test_forecast.std()) / std if std > 0.0 else None  # prices that never move
            above = float((output.test_forecast > output.train_mean).mean())
            health = f"pred_std {as_text(spread, 'number')}, {as_text(above, 'share')} above the mean"
            on_epoch.ended(output.result.fold)
            tick(f"fold {output.result.fold} to {output.result.test_last}, {health}")

        made = replace(making, on_step=tick, on_plan=tick.more)
        return run(planned, on_fold=on_fold, on_epoch=on_epoch, bases=bases, making=made)


def _train_base(planned: Plan, *, quiet: bool, turn: Turn, silent: bool) -> Run:
    """Train one base model of a stack, and say so."""
    if not silent:
        print("\n".join(shown_in(plan_line(plan_facts(planned)), "  ", "    ")), flush=True)
    return train_one(planned, quiet=quiet, turn=turn, brief=silent)


def show_run(finished: Run, voice: Voice, *, verbose: bool, log_dir: Path | None = None) -> None:
    """Print what came of a run: its gist, and with `verbose` all there is."""
    print("\n".join(gist_lines(record_in(finished.folder), finished.folder, log_dir)), flush=True)
    if verbose:
        print("\n".join(["", *run_lines(finished)]))
        voice.say(warning_lines(finished.notices))
        print("\n".join(place_lines(finished)), flush=True)


def _of_symbol(
    args: argparse.Namespace,
    task: Task,
    symbol: str,
    models: list[str],
    config: Config,
    turns: tuple[Iterator[int], int],
) -> list[Result]:
    voice, results, complaints = Voice(), list[Result](), set[str]()
    numbers, total = turns
    for model in models:
        turn = Turn(next(numbers), total)
        try:
            results.append(task(args, experiment_of(args, symbol, model, config), voice, turn))
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


def _train(args: argparse.Namespace, experiment: Experiment, voice: Voice, turn: Turn) -> Result:
    """Plan, train and show one experiment."""
    planned, brief = plan(experiment), turn.several and not args.verbose
    if args.dry_run and args.json:
        return 0, plan_facts(planned)
    if not args.json and (args.dry_run or not brief):
        show_plan(planned, voice, verbose=args.verbose)
    if args.dry_run:
        return 0, {}
    alone = len(symbols_of(args)) == 1
    making = Making(audit=alone and args.audit, check_source=alone and args.check_source)
    finished = train_one(planned, quiet=args.json, making=making, turn=turn, brief=brief)
    if not args.json:
        show_one(args, finished, voice, turn)
    export_finished(args.mlflow, finished.folder, args.log_dir)
    return EXIT[finished.status], run_facts(finished)


def show_one(args: argparse.Namespace, finished: Run, voice: Voice, turn: Turn) -> None:
    """Print what came of one run: a line where it is one of several, and else its gist."""
    if turn.several:
        stored = RunsFolder(args.runs_dir).load(finished.name)
        print("\n".join(shown_in(turn.named(row_line(row_of(stored))), hanging="  ")), flush=True)
    if args.verbose or not turn.several:
        show_run(finished, voice, verbose=args.verbose, log_dir=args.log_dir)
