"""The page docs/log-format.md shows what a scripted run writes; run this file to write the page anew."""

from __future__ import annotations

import re
import tempfile
from dataclasses import fields
from datetime import datetime
from pathlib import Path

from geiger.backtest.yardsticks import checkpoints, ladder
from geiger.records import (
    AuditSummary,
    Epoch,
    Figure,
    FoldResult,
    FoldScore,
    HealthCode,
    Notice,
    Score,
    Status,
    Year,
)
from geiger.runlog import LoggedScorecard, RunLogWriter, read_log
from geiger.runlog.events import RECORDS, VALUES

PAGE = Path(__file__).parents[2] / "docs" / "log-format.md"


def write_example(folder: Path) -> RunLogWriter:
    """Write the log of a small made-up run."""
    now = datetime(2025, 12, 29, 14, 30, 22)
    with RunLogWriter(folder, "AAPL", "gbm_xgb", now=now, shown=(1, 0)) as log:
        log.config(
            {
                "Symbol": "AAPL",
                "Model": "gbm_xgb",
                "Epochs": 1000,
                "Batch Size": "not applicable",
                "Learning Rate": "0.05",
                "Features": 154,
                "Recipe": "default",
                "Fill": "next_open",
                "Rows": 3270,
                "Folds": 2,
            }
        )
        for fold in (0, 1):
            log.epoch(Epoch(50, 0.9841, 1.0032, 0.0714, 55.2, fold=fold))
            log.epoch(Epoch(63, 0.9788, 1.0027, 0.0792, 54.0, fold=fold, best=True))
            log.epoch(Epoch(100, 0.9633, 1.0049, 0.1018, 53.2, fold=fold))
            log.fold(
                FoldResult(
                    fold=fold,
                    train_first="2000-03-02",
                    train_last=f"{2008 + fold}-12-29",
                    valid_first=f"{2009 + fold}-01-04",
                    valid_last=f"{2009 + fold}-12-29",
                    test_first=f"{2010 + fold}-01-04",
                    test_last=f"{2010 + fold}-12-30",
                    train_rows=2220 + 252 * fold,
                    valid_rows=249,
                    test_rows=252,
                    rounds=(63,),
                    seconds=1.25,
                )
            )
        log.warn(Notice("CONTEXT_MISSING", "no market index was given; its features are 0"))
        log.finish(
            Status.SUCCESS,
            figures=[
                Figure("Direction Accuracy", 0.5298, "share", "higher", 504),
                Figure("Prediction Std", 0.0823, "number", "neither", 504),
                Figure("Positive %", 0.6151, "share", "neither", 504),
                Figure("WFE", 0.412, "share", "higher", 504),
                Figure("Test Sharpe", 0.873, "ratio", "higher", 504),
                Figure("Base Rate", 0.5239, "share", "neither", 504),
                Figure("Correlation", 0.0412, "number", "higher", 504),
            ],
            checkpoints=checkpoints(
                completed=True,
                pred_std=0.0823,
                share_above_mean=0.5218,
                positive_share=0.6151,
                wfe=0.412,
                beat=0.0312,
                health=HealthCode.SHRUNK_OK,
            ),
            scorecard=LoggedScorecard(
                scores=(
                    Score("Sharpe Ratio", "ratio", "higher", (("strategy", 0.873), ("buy and hold", 0.7411))),
                    Score("Max Drawdown", "share", "lower", (("strategy", 0.1424), ("buy and hold", 0.2013))),
                    Score("Break-even cost", "bp", "higher", (("strategy", 12.4),)),
                ),
                rungs=ladder(
                    sharpe=0.873, direction_accuracy=0.5298, beat=0.0312, max_drawdown=0.1424, wfe=0.412
                ),
                years=(
                    Year(2010, 252, 0.3121, 0.2987, 0.1424, 9.5),
                    Year(2011, 252, 0.2014, 0.1702, 0.1213, 8.25),
                ),
                folds=(
                    FoldScore(
                        0, "2010-01-04", "2010-12-30", 252, 0.0512, 0.0791, 0.516, 0.532, 0.3121, 0.2987
                    ),
                    FoldScore(
                        1, "2011-01-03", "2011-12-30", 252, 0.0311, 0.0855, 0.528, 0.528, 0.2014, 0.1702
                    ),
                ),
                notes=("costs are 5.00 bp for each unit of turnover",),
            ),
            audit=AuditSummary(color="green", stages=13, cuts=8, day="2025-12-29"),
        )
    return log


def page_with_examples(page: str, folder: Path) -> str:
    """Return the page with its examples and its table of events as they are now."""
    log = write_example(folder)
    assert log.path is not None
    assert log.events_path is not None
    events = log.events_path.read_text(encoding="utf-8").splitlines()
    kinds = {re.findall(r'"event": "(\w+)"', line)[0]: line for line in reversed(events)}
    shown = "\n".join(kinds[kind] for kind in ("config", "epoch", "fold", "figure", "status")) + "\n"
    names = {kind: [field.name for field in fields(record)] for kind, record in RECORDS.items()}
    names |= {kind: [name] for kind, (name, _) in VALUES.items()}
    table = "".join(f"| `{kind}` | {', '.join(f'`{n}`' for n in names[kind])} |\n" for kind in names)
    page = _between(page, "<!-- example.log -->\n```text\n", "```\n", log.path.read_text(encoding="utf-8"))
    page = _between(page, "<!-- example.jsonl -->\n```json\n", "```\n", shown)
    return _between(page, "<!-- events -->\n| event | fields |\n|---|---|\n", "\nNumbers are exact", table)


def _between(page: str, start: str, end: str, text: str) -> str:
    before, _, rest = page.partition(start)
    return f"{before}{start}{text}{end}{rest.partition(end)[2]}"


def test_the_page_shows_what_a_run_writes(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page_with_examples(page, tmp_path) == page, f"stale: run python {Path(__file__).name}"


def test_the_page_names_every_section_of_its_example(tmp_path: Path) -> None:
    log = write_example(tmp_path)
    assert log.path is not None
    headings = [key for key in read_log(log.path).lines if key.isupper() and "/" not in key]
    assert headings == [
        "TRAINING CONFIG",
        "EPOCH METRICS",
        "FINAL METRICS",
        "CHECKPOINTS",
        "SCORECARD",
        "VERDICT",
        "WARNINGS",
        "STATUS",
    ]
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"| {heading} |" in page for heading in headings)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page_with_examples(PAGE.read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")
