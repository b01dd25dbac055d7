"""A panel's page says what its record says, escapes names, has nothing empty and stays small."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.columns import PANEL_FORECASTS
from geiger.records import Answer, as_text
from geiger.report.gather import view_of
from geiger.report.universe import universe_of
from geiger.report.universe_page import ic_cells, ic_name, universe_page
from geiger.runs.folder import StoredRun
from helpers.pages import HOSTILE, Changed, Read

SECTIONS = (
    *("basis", "figures", "portfolio", "ic", "over-time", "quantiles", "rivals", "sharpe", "distribution"),
    *("costs", "ranking", "symbols", "time", "checkpoints", "scorecard", "evaluated", "provenance"),
)
LIMIT = 1_500_000  # bytes of a page


def page_of(stored: StoredRun) -> str:
    return universe_page(universe_of(stored, view_of(stored)))


@pytest.fixture(scope="module")
def page(panel_run: StoredRun) -> str:
    return page_of(panel_run)


def test_figures_stand_on_the_page_as_the_record_has_them(
    panel_run: StoredRun, page: str, read: Read
) -> None:
    found, tree = panel_run.record.results.cross_section, read(page)
    assert found is not None
    tables = tree.tables()
    shown = {
        row[0]: tuple(row[1:]) for row in tables["Mean daily rank correlation of scores with outcomes"][1:]
    }
    assert shown == {ic_name(one): ic_cells(one) for one in found.ics if one.kind != "year"}
    years = {row[0]: tuple(row[1:]) for row in tables["Rank IC by year"][1:]}
    assert years == {one.name: ic_cells(one) for one in found.ics if one.kind == "year"}
    rivals = tables["Scores of one feature, on the same days and symbols"][1:]
    assert [(row[0], row[2], row[4]) for row in rivals] == [
        (one.name, as_text(one.mean, "return"), as_text(one.gain, "return")) for one in found.rivals
    ]
    groups = tables["Return beyond the day's mean, a day, before costs"][1:]
    assert [row[2] for row in groups[:-1]] == [f"{1e4 * one.mean:z.1f} bp" for one in found.quantiles]
    assert found.spread is not None
    assert groups[-1][2] == f"{1e4 * found.spread.mean:z.1f} bp"
    symbols = tables["Each symbol's own correlation over time, the highest first"][1:]
    assert {(row[0], row[1], row[4], row[6]) for row in symbols} == {
        (one.symbol, as_text(one.correlation, "number"), str(one.days), one.first) for one in found.members
    }
    caption = next(name for name in tables if name.startswith("Ways of trading the scores"))
    own = [one for one in found.portfolios if one.cost_bps == found.portfolios[0].cost_bps]
    assert [(row[0], row[1], row[3]) for row in tables[caption][1:]] == [
        (one.name, as_text(one.net, "return"), as_text(one.sharpe, "ratio")) for one in own
    ]
    curve = [one for one in found.portfolios if one.name == found.portfolios[0].name]
    assert {(row[0], row[1]) for row in tables["Long/short by what a unit of turnover costs"][1:]} == {
        (f"{one.cost_bps:g} bp", as_text(one.net, "return")) for one in curve
    }
    sources = tables["Prices of each symbol"][1:]
    assert [(row[0], row[3]) for row in sources] == [
        (one.symbol, str(one.rows)) for one in panel_run.record.members
    ]


def test_key_figures_are_those_of_the_record(panel_run: StoredRun, page: str, read: Read) -> None:
    found = panel_run.record.results.cross_section
    assert found is not None
    words = read(page).by_id("figures").words()
    first, main = found.ics[0], found.portfolios[0]
    told = [one for one in found.members if one.correlation is not None]
    above = sum(one.correlation > 0 for one in told)
    for text in (
        f"{as_text(first.mean, 'return')} error {as_text(first.error, 'return')}, t ",
        f"Sharpe ratio, net {as_text(main.sharpe, 'ratio')} equal weight",
        f"{above} of {len(told)}",
        f"{0.05 * len(told):.1f} expected by chance",
    ):
        assert text in words


def test_the_page_needs_nothing_else(page: str, read: Read) -> None:
    assert len(page.encode()) < LIMIT
    tree = read(page)
    rest = page
    for node in tree.all("script"):
        rest = rest.replace(node.all("")[0].text, "")
    assert "http" not in rest.replace('http-equiv="Content-Security-Policy"', "")
    ids = [node.attributes["id"] for node in tree.everything() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    links = [node.attributes["href"] for node in tree.all("a")]
    assert links
    within = [link for link in links if not link.startswith("data:text/csv;")]
    assert all(link.startswith("#") and link[1:] in ids for link in within)
    assert [link[1:] for link in links if link[1:] in SECTIONS] == list(SECTIONS)
    for svg in tree.all("svg"):
        named = svg.attributes.get("aria-labelledby", "").split()
        assert svg.attributes.get("aria-hidden") == "true" or all(name in ids for name in named)


def test_the_same_run_gives_the_same_bytes(panel_run: StoredRun, page: str) -> None:
    assert page_of(panel_run) == page


def test_no_section_is_empty(page: str, read: Read) -> None:
    for section in read(page).by_id("main").all("section"):
        assert len(section.words()) > len(section.all("h2")[0].words()) + 20
        assert "None" not in section.words()


def test_what_a_record_has_not_is_left_out(panel_run: StoredRun, changed: Changed, read: Read) -> None:
    gone: dict[str, Any] = {"rivals": [], "portfolios": [], "quantiles": [], "spread": None, "ics": []}
    poor = changed(panel_run, lambda facts: facts["results"]["cross_section"].update(gone))
    tree = read(page_of(poor))
    found = {node.attributes.get("id") for node in tree.all("section")}
    assert set(SECTIONS) - found == {"rivals", "costs", "quantiles", "ic"}
    links = {node.attributes["href"][1:] for node in tree.all("a")}
    assert not links & {"rivals", "costs", "quantiles", "ic"}


def test_a_run_without_a_cross_section_still_has_a_page(
    panel_run: StoredRun, changed: Changed, read: Read
) -> None:
    bare = changed(panel_run, lambda facts: facts["results"].update(cross_section=None))
    for name in ("forecasts", "ledger"):
        (bare.folder / f"{name}.parquet").unlink()
    tree = read(page_of(bare))
    found = {node.attributes.get("id") for node in tree.by_id("main").all("section")}
    assert found == {
        *("basis", "time", "checkpoints", "scorecard", "evaluated", "warnings", "provenance", "glossary")
    }
    assert tree.by_id("basis").words().count("Could not be read") == 2


def test_names_from_outside_are_escaped(panel_run: StoredRun, changed: Changed, read: Read) -> None:
    def hostile(facts: dict[str, Any]) -> None:
        facts["symbol"] = facts["recipe"] = HOSTILE
        found = facts["results"]["cross_section"]
        found["rivals"][0]["name"] = found["portfolios"][2]["name"] = HOSTILE
        found["members"][0]["symbol"] = facts["members"][0]["symbol"] = HOSTILE
        facts["members"][0]["where"] = HOSTILE
        facts["warnings"].append({"code": "DATA_SPIKE", "text": HOSTILE})

    told = changed(panel_run, hostile)
    forecasts = told.panel_forecasts()
    named = forecasts.with_columns(symbol=pl.col("symbol").replace({"P00": HOSTILE})).sort("day", "symbol")
    named.write_parquet(told.folder / "forecasts.parquet")
    page = page_of(told)
    tree = read(page)
    assert page.count("<script>") == 2
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "alert(1)" in tree.by_id("symbols").words()


def test_five_hundred_symbols_are_a_page_too(panel_run: StoredRun, changed: Changed, read: Read) -> None:
    names, days = [f"S{i:03d}" for i in range(500)], 60
    rng = np.random.default_rng(1)

    def many(facts: dict[str, Any]) -> None:
        member, source = facts["results"]["cross_section"]["members"][0], facts["members"][0]
        found = [{**member, "symbol": name, "correlation": float(rng.normal(0, 0.02))} for name in names]
        facts["results"]["cross_section"]["members"] = found
        facts["members"] = [{**source, "symbol": name} for name in names]

    big = changed(panel_run, many)
    size = days * len(names)
    day = [dt.date(2015, 1, 1) + dt.timedelta(i) for i in range(days)]
    frame = pl.DataFrame(
        {"day": np.repeat(np.array(day, "datetime64[D]"), len(names)), "symbol": names * days}
    )
    frame = frame.with_columns(
        model=pl.lit("ridge"),
        fold=pl.lit(0),
        score=pl.Series(rng.normal(size=size)),
        market=pl.lit(0.0),
        forecast=pl.lit(0.0),
        outcome=pl.Series(0.01 * rng.normal(size=size)),
        known_on=pl.col("day"),
        train_end=pl.col("day"),
        volatility=pl.lit(0.01),
    )
    frame.select(PANEL_FORECASTS.columns.keys()).cast(dict(PANEL_FORECASTS.columns)).write_parquet(
        big.folder / "forecasts.parquet"
    )
    page = page_of(big)
    assert len(page.encode()) < LIMIT
    tree = read(page)
    words = tree.by_id("symbols").words()
    assert "30 of 500 symbols are drawn" in words
    assert "60 of 500 symbols are drawn" in words
    assert "The table of 500 symbols" in words
    assert len(tree.tables()["Each symbol's own correlation over time, the highest first"]) == 501
    assert "Drawn are the 20 highest and the 20 lowest" in tree.by_id("ranking").words()


def test_the_verdict_comes_first(panel_run: StoredRun, read: Read) -> None:
    view = universe_of(panel_run, view_of(panel_run))
    assert view.run.gist is not None
    gist = replace(view.run.gist, answer=Answer.NO_SIGNAL, headline="NO SIGNAL: nothing was found")
    said = replace(view, run=replace(view.run, gist=gist, verdict=("NO SIGNAL: x", "Skill: p 0.4")))
    tree = read(universe_page(said))
    assert tree.all("section")[0].attributes["id"] == "verdict"
    assert tree.by_id("verdict").words().startswith("NO SIGNAL Nothing was found.")
    assert "p 0.4" in tree.by_id("evaluated").words()
