"""``geiger demo``: the whole way on embedded real data."""

from __future__ import annotations

import argparse

from geiger.cli.report import write_page
from geiger.cli.show import EXIT, Voice, duration, scorecard_text
from geiger.cli.train import models_of, show_plan, show_run, train_one
from geiger.experiment.plan import Experiment, plan
from geiger.experiment.written import Run
from geiger.judging.run import Making, backtest
from geiger.records import CheckSource
from geiger.runlog.verdict import UNKNOWN, headline
from geiger.settings import recipe

SYMBOL, CONTEXT = "AAPL", "^GSPC"
MODELS = ("ridge", "lstm", "gbm", "stack")
HELD = "ridge"  # the model to which the check source is held: it takes seconds


def demo(args: argparse.Namespace) -> int:
    """Train ridge, a network and the boosters on AAPL 2000-2013, weigh them, then backtest in full."""
    print(f"{SYMBOL} 2000-2013 with the S&P 500 as context, embedded prices, recipe {args.recipe!r}.")
    print("Every forecast below was made by a model that had seen earlier days only.\n")
    voice, code, check = Voice(), 0, None
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
    print(f"{len(plans)} models, {duration(minutes)} in all.\n")
    for planned in plans:
        show_plan(planned, voice)
        held = planned.model == HELD
        trained = train_one(planned, quiet=False, making=Making(audit=False, check_source=held))
        if held and trained.verdict is not None:
            check = trained.verdict.check
        show_run(trained, voice)
        print()
        code = max(code, EXIT[trained.status])
    traded = backtest(planned, planned.experiment.runs.load(trained.name))
    print(f"Backtest of {traded.model}, beside the baselines, on the same days and costs:\n")
    print(scorecard_text(traded.evaluation))
    print("\n".join(["", f"  Log: {traded.log}", f"  Ledger: {traded.folder / 'ledger.parquet'}"]))
    page = write_page(trained.folder, args.log_dir)
    print("\nWhat it means: geiger logs analyze")
    print("Next: geiger train stack MSFT, or with your own prices: geiger train stack AAPL --data FOLDER")
    print(f"Then: geiger predict {SYMBOL}, and geiger replay {trained.name}")
    print(f"\nThe whole run as one page, for any browser: {page}")
    print("\n".join(["", *answer_lines(trained, check)]))
    return max(code, EXIT[traded.status])


def answer_lines(run: Run, check: CheckSource | None) -> list[str]:
    """Return what all of it came to: the answer, how often such answers are wrong, and the check source."""
    rates = UNKNOWN if run.verdict is None or not run.verdict.rates else run.verdict.rates
    return [
        f"{SYMBOL} {run.model}: {headline(run.verdict)}",
        f"  Error rates: {rates}",
        *([] if check is None else [f"  Check source of {check.model}: {check.text()}"]),
    ]
