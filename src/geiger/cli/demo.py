"""``geiger demo``: the whole way on embedded real data, in one screen."""

from __future__ import annotations

import argparse
import shlex

from geiger.cli.gist import gist_lines, record_in
from geiger.cli.report import write_page
from geiger.cli.show import EXIT, Voice, duration, scorecard_text
from geiger.cli.summary import row_line
from geiger.cli.terminal import shown_in
from geiger.cli.train import models_of, show_plan, show_run, train_one
from geiger.command_line import Folders
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.experiment.written import Run
from geiger.judging.run import Making
from geiger.judging.summary import row_of
from geiger.records import CheckSource
from geiger.runlog.verdict import UNKNOWN
from geiger.settings import recipe

SYMBOL, CONTEXT = "AAPL", "^GSPC"
MODELS = ("ridge", "lstm", "gbm", "stack")
HELD = "ridge"  # the model to which the check source is held: it takes seconds


def demo(args: argparse.Namespace) -> int:
    """Train ridge, a network and the boosters on AAPL 2000-2013, weigh them, and say what came of it."""
    plans = [
        plan(
            Experiment(
                SYMBOL,
                model,
                recipe(args.recipe),
                context=CONTEXT,
                runs_dir=args.runs_dir,
                log_dir=args.log_dir,
            )
        )
        for group in MODELS
        for model in models_of(group)
    ]
    minutes = sum(planned.minutes() for planned in plans if not planned.bases)
    print(f"{SYMBOL} 2000-2013 with the S&P 500 as context, embedded prices, recipe {args.recipe!r}:")
    print(
        f"{len(plans)} models, {duration(minutes)} in all. Each forecast is of a day not yet seen.",
        flush=True,
    )
    voice, code, check, made = Voice(), 0, None, list[Run]()
    for planned in plans:
        trained = _train(args, planned, voice)
        if planned.model == HELD and trained.verdict is not None:
            check = trained.verdict.check
        code = max(code, EXIT[trained.status])
        made.append(trained)
    if args.verbose:
        print(f"{made[-1].model}, beside the baselines, on the same days and costs:\n")
        print(scorecard_text(made[-1].evaluation.results()))
    print("\n".join(["", *ending(args, made[-1], check)]))
    return code


def _train(args: argparse.Namespace, planned: Plan, voice: Voice) -> Run:
    """Train one model, and say in a line what came of it; with --verbose all there is."""
    if args.verbose:
        show_plan(planned, voice, verbose=True)
    making = Making(audit=False, check_source=planned.model == HELD)
    trained = train_one(planned, quiet=False, making=making, brief=not args.verbose)
    if args.verbose:
        show_run(trained, voice, verbose=True, log_dir=args.log_dir)
        print()
        return trained
    stored = planned.experiment.runs.load(trained.name)
    print("\n".join(shown_in(row_line(row_of(stored)), "  ", "    ")), flush=True)
    return trained


def ending(args: argparse.Namespace, trained: Run, check: CheckSource | None) -> list[str]:
    """Return what all of it came to: the answer, how often such answers are wrong, the page, what now."""
    folders = Folders.of(args.runs_dir, args.log_dir)
    page = write_page(trained.folder, args.log_dir)
    gist = gist_lines(record_in(trained.folder), trained.folder, args.log_dir)[:-2]  # where, and what now
    rates = UNKNOWN if trained.verdict is None or not trained.verdict.rates else trained.verdict.rates
    source = [] if check is None else [f"Check source of {check.model}: {check.text()}"]
    told = [
        line for text in (f"Error rates: {rates}", *source) for line in shown_in(text, "  ", "    ", most=2)
    ]
    steps = [
        folders.command("geiger", "logs", "analyze", logs=True),
        folders.command("geiger", "train", "ridge", "AAPL", "--data", "FOLDER", runs=True, logs=True),
    ]
    return [
        *gist,
        *told,
        f"  Page      {shlex.quote(str(page))}",
        *(f"  {name:<9} {step}" for name, step in zip(("Explain", "Next"), steps, strict=True)),
    ]
