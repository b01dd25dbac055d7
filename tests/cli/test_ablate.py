"""``geiger ablate``: what it says, which files it leaves, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from geiger.cli import ablate as command
from geiger.cli.parser import build_parser
from geiger.models.baselines import Ridge
from geiger.studies.arms import Arm

Call = Any
TINY = ("--market-seeds", 1, "--train-rows", 200, "--test-rows", 60, "--workers", 1)
ARMS = (
    Arm("weak", "penalty", "ridge", "A weak penalty.", "", {"ridge": {"alphas": (1.0,)}}),
    Arm("strong", "penalty", "ridge", "A strong one.", "weak", {"ridge": {"alphas": (1e5,)}}),
    Arm("few", "other", "ridge", "On few markets.", "weak", {"ridge": {"alphas": (10.0,)}}, few=True),
)


@pytest.fixture(autouse=True)
def _few_arms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ARMS", ARMS)


@pytest.mark.slow
def test_a_run_leaves_a_report_and_a_second_one_trains_nothing(call: Call, data: Path) -> None:
    words = ("ablate", *TINY, "--group", "penalty", "--data", data, "--symbols", "AAA", "BBB")
    first = call(*words, "--refit", 60, "--max-folds", 1, "--json")
    assert first.code == 0, first.err
    assert (first.json["todo"], first.json["missing"], first.json["broken"]) == (16, 0, 0)
    page = Path("docs/evidence/ablation.md").read_text(encoding="utf-8")
    assert str(data) not in page
    assert str(data) not in Path("docs/evidence/ablation.json").read_text(encoding="utf-8")
    assert "AAA, BBB" in page
    again = call(*words, "--refit", 60, "--max-folds", 1, "--json")
    assert (again.code, again.json["todo"]) == (0, 0)
    assert Path("docs/evidence/ablation.md").read_text(encoding="utf-8") == page
    line = page.split("```")[1].strip()
    args = build_parser().parse_args([word.strip("'") for word in line.split()[1:]])
    assert (args.group, args.symbols, args.data) == ("penalty", ["AAA", "BBB"], Path("DIR"))


def test_a_dry_run_says_how_much_and_does_nothing(call: Call) -> None:
    said = call("ablate", *TINY, "--dry-run")
    assert said.code == 0
    assert said.out.startswith("3 arms, 15 tasks, 15 to train, about 0.0 hours")
    assert not Path("docs").exists()
    assert not Path("runs").exists()


def test_time_that_is_up_leaves_the_rest_for_later(call: Call) -> None:
    said = call("ablate", *TINY, "--arms", "few", "--minutes", 0, "--out", "out")
    assert said.code == 0
    assert "9 of 9 tasks have no result yet" in said.out
    assert "- few: 3 of 3" in Path("out/ablation.md").read_text(encoding="utf-8")
    only = call("ablate", *TINY, "--arms", "few", "--report", "--out", "out", "--json")
    assert (only.code, only.json["missing"]) == (0, 9)


def test_a_base_of_few_markets_is_shown_on_those(call: Call) -> None:
    assert call("ablate", *TINY, "--arms", "few", "--out", "out").code == 0
    page = Path("out/ablation.md").read_text(encoding="utf-8")
    assert "| weak (few markets) |" in page.split("## Other")[1]
    facts = json.loads(Path("out/ablation.json").read_text(encoding="utf-8"))
    assert len(facts["results"]) == 9


def test_a_broken_task_is_named_and_ends_in_one(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(self: Ridge, *args: Any, **names: Any) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(Ridge, "fit", breaks)
    said = call("ablate", *TINY, "--arms", "weak", "--out", "out")
    assert said.code == 1
    assert said.complaint.startswith("geiger: 6 tasks broke, the first was weak on ")
    assert "MemoryError: no room" in said.complaint


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--arms", "weeak"), 1, "weak"),
        (("--group", "penality"), 1, "penalty"),
        (("--markets", "made"), 2, "planted"),
        (("--markets", "planted", "AAPL"), 1, "uses no symbols"),
        (("--end", "tomorrow", "AAPL"), 1, "is no day"),
        (("NOSUCH",), 1, "NOSUCH"),
        (("--data", "nowhere"), 1, "nowhere"),
        (("--market-seeds", "0"), 1, "--market-seeds"),
        (("--workers", "0"), 1, "--workers"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    call: Call, words: tuple[str, ...], code: int, text: str
) -> None:
    said = call("ablate", *TINY, *words)
    assert said.code == code
    assert text in said.complaint
    assert not Path("docs").exists()
