"""Symbols judged one by one: what the verdict says of real prices, whatever it says.

    python bench/judged.py --data DIR [--models ridge lgb] SYMBOL ...

Each symbol and model is trained under recipe `default` as `geiger train` does it: with its audit and its
check source, in a runs folder of their own, the models of a symbol as further tries. The days end before
the lock-box. Writes docs/evidence/judged.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from geiger.experiment.plan import Experiment
from geiger.figures import FigureName
from geiger.judging.run import Making, run
from geiger.records import Answer, Verdict, as_text
from geiger.settings import recipe

sys.path.insert(0, str(Path(__file__).parent))
from harness import ROOT

PAGE = ROOT / "docs" / "evidence" / "judged.md"
HEAD = (
    "| symbol | model | answer | days | p | with all tries | slope (90%) | pays from | R2 | detectable "
    "| Sharpe | buy and hold | economic | audit | check source: false, R2 .5%, 5% |"
)


def judged(symbol: str, model: str, data: Path, place: Path) -> tuple[str, Verdict]:
    """Train, audit, check and judge one model of one symbol; return its row."""
    made = run(
        Experiment(
            symbol, model, recipe("default"), data=data, runs_dir=place / "runs", log_dir=place / "logs"
        ),
        making=Making(),
    )
    verdict = made.verdict
    assert verdict is not None
    figures = {figure.name: figure.value for figure in made.evaluation.figures}
    check = verdict.check
    held = "not held"
    if check is not None:
        found = (check.null, *check.planted)
        held = ", ".join(f"{arm.rings(check.level)}/{arm.paths}" for arm in found)
    cells = (
        symbol,
        model,
        str(verdict.answer),
        str(verdict.days),
        _number(verdict.p_value, 4),
        _number(verdict.corrected_p, 4),
        _interval(verdict),
        _number(verdict.needed_slope, 2),
        as_text(verdict.explained, "return"),
        as_text(verdict.detectable, "return"),
        as_text(figures[FigureName.SHARPE], "ratio"),
        as_text(figures[FigureName.BUY_AND_HOLD_SHARPE], "ratio"),
        str(verdict.worth),
        "none" if made.audit is None else made.audit.color,
        held,
    )
    return f"| {' | '.join(cells)} |", verdict


def _number(value: float | None, digits: int) -> str:
    return "undefined" if value is None else f"{value:.{digits}f}"


def _interval(verdict: Verdict) -> str:
    if verdict.slope is None or verdict.slope_error is None:
        return "undefined"
    margin = 1.645 * verdict.slope_error
    return f"{verdict.slope:.2f} ({verdict.slope - margin:.2f} to {verdict.slope + margin:.2f})"


def main() -> None:
    """Judge all that is asked for, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("symbols", nargs="+", metavar="SYMBOL")
    parser.add_argument("--data", type=Path, required=True, help="folder of SYMBOL.csv")
    parser.add_argument("--models", nargs="+", default=["ridge", "lgb"])
    args = parser.parse_args()
    rows, verdicts = [], []
    with TemporaryDirectory() as folder:
        for symbol in args.symbols:
            for model in args.models:
                row, verdict = judged(symbol, model, args.data, Path(folder))
                rows.append(row)
                verdicts.append(verdict)
                print(row, flush=True)
    PAGE.write_text(page(args.symbols, args.models, rows, verdicts), encoding="utf-8")


def page(symbols: list[str], models: list[str], rows: list[str], verdicts: list[Verdict]) -> str:
    """Return the page."""
    counts = ", ".join(f"{sum(v.answer is a for v in verdicts)} {a}" for a in Answer)
    low = sum(v.p_value is not None and v.p_value < 0.05 for v in verdicts)
    words = " ".join([*symbols, "--models", *models])
    rule = "|".join(["", *["---"] * HEAD.count(" | "), "---", ""])
    return f"""# Symbols judged one by one

Made by `python bench/judged.py --data DIR {words}`.
Each is trained under recipe `default` on daily bars up to the lock-box, as `geiger train` does it, with its
audit and its check source; the second model of a symbol is a second try. The rows are all there are, whatever
they show.

{HEAD}
{rule}
{chr(10).join(rows)}

{counts}. By itself p lies below 5% in {low} of {len(verdicts)}, where chance alone brings
{0.05 * len(verdicts):.1f}; symbols share their days, so these are not so many independent looks. What the
columns mean: [the verdict](../verdict.md).
"""


if __name__ == "__main__":
    main()
