"""Symbols judged one by one: what the verdict says of real prices, whatever it says.

    python bench/judged.py --data DIR [--models ridge lgb] [--start DAY] SYMBOL ...

Each symbol and model is trained under recipe `default` as `geiger train` does it: with its audit and its
check source, in a runs folder of their own, the models of a symbol as further tries. The days end before
the lock-box. With --start once more, in another folder, on the days from there on. Writes
docs/evidence/judged.md.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from geiger.experiment.plan import Experiment, plan
from geiger.figures import FigureName
from geiger.judging.run import Making, run
from geiger.records import Answer, Verdict, as_text
from geiger.settings import override, recipe

sys.path.insert(0, str(Path(__file__).parent))
from harness import ROOT

PAGE = ROOT / "docs" / "evidence" / "judged.md"
HEAD = (
    "| symbol | model | fill | answer | days | p | with all tries | slope (90%) | pays from | R2 "
    "| detectable | Sharpe | buy and hold | economic | audit | check source: false, R2 .5%, 5% |"
)


def judged(symbol: str, model: str, data: Path, place: Path, start: str | None) -> tuple[str, Verdict]:
    """Train, audit, check and judge one model of one symbol; return its row."""
    config = override(recipe("default"), {"start": start})
    planned = plan(
        Experiment(symbol, model, config, data=data, runs_dir=place / "runs", log_dir=place / "logs")
    )
    made = run(planned, making=Making())
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
        planned.material.fill,
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
    if value is None:
        return "undefined"
    least = 10.0**-digits
    return f"{value:.{digits}f}" if not 0.0 < value < least else f"< {least:.{digits}f}"


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
    parser.add_argument("--start", metavar="DAY", help="judge all once more on the days from there on")
    args = parser.parse_args()
    tables = []
    for start in dict.fromkeys([None, args.start]):
        rows, verdicts = [], []
        with TemporaryDirectory() as folder:
            for symbol, model in product(args.symbols, args.models):
                row, verdict = judged(symbol, model, args.data, Path(folder), start)
                rows.append(row)
                verdicts.append(verdict)
                print(row, flush=True)
        tables.append(table(start, rows, verdicts))
    started = "" if args.start is None else f" --start {args.start}"
    words = f"{' '.join(args.symbols)} --models {' '.join(args.models)}{started}"
    PAGE.write_text(OPENING.format(words=words) + "\n".join(tables), encoding="utf-8")


def table(start: str | None, rows: list[str], verdicts: list[Verdict]) -> str:
    """Return the section of all symbols on the days from a start."""
    counts = ", ".join(f"{n} {a}" for a in Answer if (n := sum(v.answer is a for v in verdicts)))
    low = sum(v.p_value is not None and v.p_value < 0.05 for v in verdicts)
    rule = "|".join(["", *["---"] * (HEAD.count("|") - 1), ""])
    return f"""## {"All days" if start is None else f"From {start}"}

{HEAD}
{rule}
{chr(10).join(rows)}

{counts}. By itself p lies below 5% in {low} of {len(verdicts)}, where chance alone brings
{0.05 * len(verdicts):.1f}; symbols share their days, so these are not so many independent looks.
"""


OPENING = """# Symbols judged one by one

Made by `python bench/judged.py --data DIR {words}`.
Each is trained under recipe `default` on daily bars up to the lock-box, as `geiger train` does it, with its
audit and its check source; the second model of a symbol is a second try. The rows are all there are, whatever
they show. What the columns mean: [the verdict](../verdict.md).

Where opens are none, positions are filled at the close that their forecast has seen. Prices of the nineties
were quoted in eighths, and a close at the bid is followed by one at the ask: that rings, and nobody can trade
it. The answer says so (`AT_THE_CLOSE`).

"""


if __name__ == "__main__":
    main()
