"""`geiger audit --museum`: blocks that fit a terminal, and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from geiger.audit.museum import PIECES, Exhibit
from geiger.cli import main, museum

PIECE = PIECES[0]
EXHIBIT = Exhibit(
    name=PIECE.name,
    title=PIECE.title,
    claim=PIECE.claim,
    mistake=PIECE.mistake,
    honest=PIECE.honest,
    source=PIECE.source,
    url=PIECE.url,
    measure="accuracy",
    unit="direction accuracy",
    markets=8,
    wrong=0.687,
    right=0.531,
    lowest_wrong=0.66,
    highest_right=0.55,
    lesson=PIECE.lesson,
    caught=True,
    stage="features",
    column="return_10",
    cause="its window reaches 6 rows ahead",
    mend="let every window end with the row itself",
)
UNSEEN = replace(EXHIBIT, title="The best of fifty", caught=None, stage=None, column=None)
MISSED = replace(EXHIBIT, caught=False)


@pytest.fixture(autouse=True)
def collection(monkeypatch: pytest.MonkeyPatch) -> None:
    def visit(on_step: Callable[[str], None]) -> Iterator[Exhibit]:
        yield from (EXHIBIT, UNSEEN)

    monkeypatch.setattr(museum, "visit", visit)


def test_blocks_fit_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--museum"]) == 0

    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "1. SMOOTHED WITH TOMORROW" in out
    assert "CAUGHT in features: return_10." in out
    assert "The audit sees nothing" in out
    assert "1 of 1 leaks caught" in out


def test_bars_start_where_no_skill_stands() -> None:
    lines = list(museum.block(1, EXHIBIT))
    wrong, right = (
        next(line for line in lines if line.startswith(f"   {word}")) for word in ("WRONG", "RIGHT")
    )

    ink = wrong[-1]
    assert wrong.count(ink) == museum.BAR
    assert right.count(ink) == round(museum.BAR * 3.1 / 18.7)


def test_a_leak_that_was_not_caught_is_said() -> None:
    assert "   NOT CAUGHT by the audit." in list(museum.block(1, MISSED))


def test_json_holds_every_piece(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--museum", "--json"]) == 0

    shown = json.loads(capsys.readouterr().out)
    assert [piece["title"] for piece in shown] == [EXHIBIT.title, UNSEEN.title]
    assert (shown[0]["wrong"], shown[0]["stage"], shown[1]["caught"]) == (0.687, "features", None)


def test_a_terminal_without_the_signs_gets_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain:
        encoding = "ascii"

    monkeypatch.setattr(museum.sys, "stdout", Plain())

    text = "\n".join(museum.block(1, EXHIBIT))

    assert text.isascii()
    assert "#" * museum.BAR in text
