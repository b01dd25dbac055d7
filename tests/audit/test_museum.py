"""Each piece is caught where its leak stands, and the page shows all of them."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geiger.audit import findings, museum
from geiger.audit.exhibits import Figures, Shown
from geiger.audit.museum import BEST, PIECES, Exhibit, Piece
from geiger.audit.worlds import World

ROOT = Path(__file__).parents[2]
STAGES = {
    "wavelet": "features",
    "selection": "selection",
    "scaler": "scaler",
    "same-bar": "fills",
    "stopping": "selection",
    "resample": "features",
    "window": "features",
    BEST: None,
}


def tools(name: str) -> Any:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(ROOT / "tools"))


def of(value: float) -> Figures:
    return Figures(accuracy=0.5 + value / 10.0, sharpe=value, correlation=value, wealth=np.ones(3))


def quick(piece: Piece) -> Piece:
    """The same piece with figures that take no time: 3 the wrong way, 0 the right way."""
    return replace(piece, show=lambda seed: Shown(of(3.0 + seed), of(0.0)), markets=2)


@pytest.fixture(scope="module")
def world() -> World:
    return museum.noise_world()


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece.name)
def test_a_piece_is_caught_where_its_leak_stands(piece: Piece, world: World) -> None:
    found = museum.exhibit(quick(piece), world)

    assert found.stage == STAGES[piece.name]
    assert found.caught is (None if piece.name == BEST else True)
    if piece.canary is not None:
        assert found.column is not None
        assert found.column.startswith(piece.canary.column)
        assert found.cause
        assert found.mend


def test_a_blind_audit_catches_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "moved", lambda *given, **options: None)

    found = museum.exhibit(quick(PIECES[0]), world)

    assert found.caught is False
    assert found.stage is None


def test_figures_are_means_and_extremes_over_markets(world: World) -> None:
    piece = replace(quick(PIECES[3]), canary=None)  # its measure is the Sharpe ratio

    found = museum.exhibit(piece, world)

    assert (found.wrong, found.lowest_wrong) == (3.5, 3.0)
    assert (found.right, found.highest_right) == (0.0, 0.0)


def test_pieces_say_where_their_claim_stands() -> None:
    assert len({piece.name for piece in PIECES}) == len(PIECES) == len(STAGES)
    for piece in PIECES:
        assert piece.url.startswith("https://")
        assert piece.source
        assert piece.markets >= 4


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        ("accuracy", 0.6871, "68.7%"),
        ("sharpe", 11.94, "11.9"),
        ("sharpe", -0.01, "0.0"),
        ("correlation", 0.731, "0.73"),
        ("correlation", -0.001, "0.00"),
    ],
)
def test_figures_are_written_as_people_read_them(measure: Any, value: float, text: str) -> None:
    assert replace(made(), measure=measure).figure(value) == text


def made() -> Exhibit:
    return Exhibit(
        name="same-bar",
        title="Bought before it was known",
        claim="A claim.",
        mistake="a mistake",
        honest="the honest way",
        source="somebody 2020",
        url="https://example.org",
        measure="sharpe",
        unit="Sharpe ratio",
        markets=3,
        wrong=11.9,
        right=0.1,
        lowest_wrong=10.0,
        highest_right=0.5,
        lesson="A lesson.",
        caught=True,
        stage="fills",
        column="asset_return",
        cause="a cause",
        mend="a mend",
    )


def test_the_page_shows_figures_sources_and_what_the_audit_said() -> None:
    unseen = replace(made(), title="Unseen", name=BEST, caught=None, stage=None, column=None)
    missed = replace(made(), title="Missed", caught=False)

    text = "\n".join(tools("museum").museum_page([made(), unseen, missed]))

    assert "(#bought-before-it-was-known) | Sharpe ratio | **11.9** | 0.1 | fills: `asset_return` |" in text
    assert "[somebody 2020](https://example.org)" in text
    assert "Found in **fills**, column `asset_return`: a cause. Mend: a mend." in text
    assert "nowhere: count the tries" in text
    assert "**Not found by the audit.**" in text
    assert "](leak-museum/same-bar.svg)" in text


def test_a_picture_is_small_and_the_same_every_time() -> None:
    drawing = tools("museum")
    piece = next(piece for piece in PIECES if piece.name == "same-bar")

    first = drawing.picture(piece)

    assert first == drawing.picture(piece)
    assert b"the wrong way" in first
    assert len(first) < 30_000


def test_the_written_page_has_every_piece_and_its_picture() -> None:
    page = (ROOT / "docs" / "leak-museum.md").read_text(encoding="utf-8")
    for piece in PIECES:
        assert f"## {piece.title}\n\n{piece.claim} [{piece.source}]({piece.url})." in page, "run `make docs`"
        assert (ROOT / "docs" / "leak-museum" / f"{piece.name}.svg").is_file()
    assert "**Not found" not in page
