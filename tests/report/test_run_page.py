"""A page says what the run says, in the run's own words, and nothing that a hostile text wants."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import hashlib
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from geiger.checks.base import Evidence, Finding, Severity
from geiger.errors import DataError
from geiger.glossary import entries
from geiger.records import Answer, AuditSummary, Epoch, Notice, as_text
from geiger.report import parts
from geiger.report.compare_page import compare_page
from geiger.report.comparison import compare
from geiger.report.gather import HELD, log_of, view_of
from geiger.report.run_page import run_page
from geiger.report.view import Equity, Pairing, RunView
from geiger.runs.folder import RunsFolder
from geiger.runs.gist import Gist
from helpers.pages import HOSTILE, KINDS, Changed, Read, Runs

ORDER = (
    *("verdict", "alarms", "basis", "figures", "equity", "calibration", "sharpe", "distribution"),
    *("positions", "costs", "stack", "importances", "training", "time", "checkpoints", "scorecard"),
    *("findings", "evaluated", "warnings", "provenance", "glossary"),
)
ALWAYS = {
    "verdict",
    "basis",
    "figures",
    "equity",
    "calibration",
    "sharpe",
    "distribution",
    "positions",
    "costs",
}
OWN = {
    "ridge": {"importances"},
    "xgb": {"importances", "training"},
    "stack": {"stack"},
    "backtest": {"stack"},
}
FINDING = Finding(
    "T003",
    "Epochs ran out",
    Severity.WARN,
    "The best epoch is the last one.",
    (Evidence("AAPL_lstm_20240105_143022.log", 41, "40 | 0.86"), Evidence("x.jsonl", None, "no such line")),
    "Training was cut off.",
    "geiger train lstm AAPL --epochs 80",
)


@pytest.fixture(scope="module")
def pages(made: Runs, logs: Path) -> dict[str, str]:
    return {name: run_page(view_of(stored, log_of(stored, logs))) for name, stored in made.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_figures_stand_on_the_page_as_the_log_writes_them(
    kind: str, made: Runs, pages: dict[str, str], read: Read
) -> None:
    results, page = made[kind].record.results, read(pages[kind])
    tables = page.tables()
    shown = {row[0]: row[1] for row in tables["Final metrics, as in the log"][1:]}
    assert shown == {f.name: as_text(f.value, f.unit) for f in results.figures}
    rows = tables["Strategy beside its baselines, on the same days and costs"][1:]
    assert [row[1:-1] for row in rows] == [
        [as_text(value, score.unit) for _, value in score.values] for score in results.scores
    ]
    years = tables["By calendar year in which returns became known"][1:]
    assert [row[:4] for row in years] == [
        [
            str(y.year),
            str(y.rows),
            as_text(y.strategy, "return"),
            as_text(y.buy_and_hold, "return"),
        ]
        for y in results.years
    ]
    folds = tables["The test rows of each fold"][1:]
    assert [(row[0], row[3], row[-2]) for row in folds] == [
        (str(f.fold), as_text(f.rho, "number"), as_text(f.net, "return")) for f in results.folds
    ]
    ladder = tables["The plan's success ladder"][1:]
    assert [(row[1], row[5], row[6]) for row in ladder] == [
        (as_text(r.value, r.unit), r.reached, r.band) for r in results.ladder
    ]
    words = page.by_id("checkpoints").words()
    for point in results.checkpoints:
        assert point.found in words
        assert point.action is None or f"To do: {point.action}" in words


def test_no_key_figure_stands_without_its_companion(made: Runs, pages: dict[str, str], read: Read) -> None:
    text = {f.name: as_text(f.value, f.unit) for f in made["ridge"].record.results.figures}
    words = [one.words() for one in read(pages["ridge"]).by_id("figures").all("div")]
    assert words[0].startswith(
        f"Sharpe ratio, net {text['Test Sharpe']} buy and hold {text['Buy & Hold Sharpe']}"
    )
    assert words[1].startswith(
        f"Direction accuracy {text['Direction Accuracy']} base rate {text['Base Rate']}"
    )
    assert len(words) == 8


@pytest.mark.parametrize("kind", KINDS)
def test_sections_stand_in_order_and_none_is_empty(kind: str, pages: dict[str, str], read: Read) -> None:
    page = read(pages[kind])
    sections = page.all("section")
    ids = [section.attributes["id"] for section in sections]
    assert ids == [name for name in ORDER if name in ids]
    assert set(ids) >= ALWAYS
    assert set(ids) & {"stack", "importances", "training"} == OWN[kind]
    for section in sections:
        assert len(section.words()) > len(section.all("h2")[0].words()) + 20
        assert "None" not in section.words()
    linked = [link.attributes["href"] for link in page.all("nav")[0].all("a")]
    assert linked == [f"#{name}" for name in ids if name != "verdict"]
    assert len(page.all("h1")) == 1


def test_without_a_verdict_the_page_begins_with_that(pages: dict[str, str], read: Read) -> None:
    page = read(pages["ridge"])
    first = page.by_id("verdict")
    assert first.all("h2")[0].words() == "Not evaluated"
    assert "No figure on this page says by itself whether this is skill or luck." in first.words()
    assert "is-open" in first.attributes["class"]


def test_the_verdict_is_the_first_thing_and_success_comes_after_it(made: Runs, read: Read) -> None:
    for answer, tone in ((Answer.SIGNAL, "found"), (Answer.NO_SIGNAL, "none"), (Answer.CANNOT_TELL, "open")):
        gist = Gist(
            title="AAPL ridge",
            answer=answer,
            headline=f"{answer}: what they know, it is",
            facts=(("Effect", "slope 0.12"), ("Money", "Sharpe 0.40")),
            wrong=(Notice("NOT_AUDITED", "nobody looked"),),
            next="geiger audit --run X",
        )
        text = run_page(replace(view_of(made["ridge"]), gist=gist, notices=()))
        first = read(text).by_id("verdict")
        assert first.all("h2")[0].words() == str(answer)
        assert f"is-{tone}" in first.attributes["class"]
        assert "What they know, it is." in first.words()
        assert "NOT_AUDITED nobody looked." in first.words()
        assert text.index('id="verdict"') < text.index("SUCCESS")


def test_an_alarm_colours_the_answer_and_is_told_once(made: Runs, read: Read) -> None:
    leak = Notice("LEAK_SUSPECT", "too good to be true")
    gist = replace(view_of(made["ridge"]).gist, answer=Answer.SIGNAL, headline="SIGNAL: x", wrong=(leak,))
    page = read(run_page(replace(view_of(made["ridge"]), gist=gist, notices=(leak,))))
    assert "is-alarm" in page.by_id("verdict").attributes["class"]
    assert "LEAK_SUSPECT" not in page.by_id("verdict").words()
    assert "LEAK_SUSPECT" in page.by_id("alarms").words()


def test_market_exposure_dressed_as_skill_is_an_alarm(made: Runs, read: Read) -> None:
    beta = replace(
        FINDING, code="GC403", title="Beta dressed as skill", text="correlation 0.93 with buy-and-hold"
    )
    page = read(run_page(replace(view_of(made["ridge"], findings=(beta,)), notices=())))
    assert "Beta dressed as skill: correlation 0.93 with buy-and-hold" in page.by_id("alarms").words()
    assert "is-alarm" not in page.by_id("verdict").attributes["class"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_loads_nothing(kind: str, pages: dict[str, str], read: Read) -> None:
    text = pages[kind]
    page = read(text)
    scripts = [node.all("")[0].text for node in page.all("script") if not node.attributes]
    rest = text
    for script in scripts:
        rest = rest.replace(script, "")
    assert "http" not in rest.replace("http-equiv", "")
    assert not re.search(r"url\((?!#)", rest)
    assert "@import" not in rest
    names = {node.name for node in page.everything()}
    assert not names & {"img", "iframe", "object", "embed", "image", "foreignobject", "form"}
    for node in page.everything():
        assert "src" not in node.attributes
        assert node.attributes.get("href", "#").startswith(("#", "data:,", "data:text/csv;"))
        assert not any(name.startswith("on") for name in node.attributes)
    policies = [n.attributes for n in page.all("meta") if n.attributes.get("http-equiv")]
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    assert policies[0]["content"].startswith(f"default-src 'none'; script-src {allowed}; ")
    assert len(scripts) == 2


def test_every_word_with_an_entry_opens_it(pages: dict[str, str], read: Read) -> None:
    for text in pages.values():
        page = read(text)
        ids = {node.attributes["id"] for node in page.everything() if "id" in node.attributes}
        buttons = [node for node in page.all("button") if "popovertarget" in node.attributes]
        assert len(buttons) > 40
        for button in buttons:
            target = button.attributes["popovertarget"]
            assert target in ids
            assert target.removeprefix("pop-") in ids
            assert button.attributes["title"]


PLAIN_CAPITALS = {
    *("PASS", "FAIL", "WARN", "NOTE", "NOT", "APPLICABLE", "SUCCESS", "FAILED", "COLLAPSED"),  # answers
    *("AAPL", "CSV", "RUN"),  # names
}


def test_every_abbreviation_of_a_page_has_an_entry(pages: dict[str, str], read: Read) -> None:
    """Of what this program says by itself: not of codes, of findings, and of names of a run's own."""
    known = {word for entry in entries() for word in re.findall(r"[A-Z][A-Z0-9²]+", entry)}
    for text in pages.values():
        page = read(text)
        for name in (
            "figures",
            "calibration",
            "sharpe",
            "distribution",
            "positions",
            "costs",
            "time",
            "scorecard",
        ):
            said = {word for word in re.findall(r"\b[A-Z][A-Z0-9²]+\b", page.by_id(name).words())}
            assert said - known - PLAIN_CAPITALS == set(), name


def test_every_table_can_be_taken_away_as_csv(pages: dict[str, str], read: Read) -> None:
    page = read(pages["stack"])
    links = [node.attributes for node in page.all("a") if "download" in node.attributes]
    assert len(links) == len(page.all("table"))
    assert len({link["download"] for link in links}) == len(links)
    shown = list(page.tables().values())
    for link, table in zip(links, shown, strict=True):
        told = unquote(link["href"].removeprefix("data:text/csv;charset=utf-8,"))
        rows = list(csv.reader(io.StringIO(told)))
        assert [[" ".join(cell.removeprefix("'").split()) for cell in row] for row in rows] == table


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_small_and_its_ids_are_unique(kind: str, pages: dict[str, str], read: Read) -> None:
    assert len(pages[kind].encode()) < 1_500_000
    nodes = read(pages[kind]).everything()
    ids = [node.attributes["id"] for node in nodes if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    targets = set(re.findall(r"url\(#([^)]+)\)", pages[kind]))
    targets |= {n.attributes["href"][1:] for n in nodes if n.attributes.get("href", "").startswith("#")}
    assert targets <= set(ids)


def test_the_same_run_gives_the_same_bytes(made: Runs, logs: Path, pages: dict[str, str]) -> None:
    again = run_page(view_of(made["stack"], log_of(made["stack"], logs)))
    assert again == pages["stack"]


def test_epochs_come_from_the_log(made: Runs, logs: Path, pages: dict[str, str], read: Read) -> None:
    training = read(pages["xgb"]).by_id("training")
    members = len(made["xgb"].record.folds)
    assert f"{members} members" in training.words()
    table = next(iter(training.tables().values()))
    assert len(table) == members + 1
    assert len(training.all("svg")) > 2


def test_a_page_without_its_log_says_so(
    made: Runs, changed: Changed, tmp_path: Path, logs: Path, read: Read
) -> None:
    lost = changed(made["xgb"], lambda facts: facts.update(log=str(tmp_path / "gone.log")))
    assert log_of(lost, tmp_path) is None
    assert log_of(lost, logs) == logs / f"{lost.name}.log"
    assert log_of(made["xgb"], tmp_path) == Path(made["xgb"].record.log)
    page = read(run_page(view_of(lost)))
    assert "Could not be read: the log, and only it has the epochs" in page.by_id("basis").words()
    assert "training" not in [section.attributes["id"] for section in page.all("section")]


def test_an_old_run_without_folds_has_years_alone(made: Runs, changed: Changed, read: Read) -> None:
    old = changed(made["ridge"], lambda facts: facts["results"].pop("folds"))
    words = read(run_page(view_of(old))).by_id("time").words()
    assert "By year" in words
    assert "By fold" not in words


def test_a_stack_shows_its_weights_and_its_rivals(made: Runs, pages: dict[str, str], read: Read) -> None:
    stack = read(pages["stack"]).by_id("stack")
    tables = stack.tables()
    assert tables["Weights from each day on"][0] == ["From", "ridge", "xgb"]
    rivals = tables["The stack and simpler alternatives, on the same days under the same trading rule"]
    record = made["stack"].record.results
    assert [row[0] for row in rivals[1:]] == ["the stack itself", *(r.name for r in record.rivals)]
    own = {figure.name: as_text(figure.value, figure.unit) for figure in record.figures}
    figures = ("Correlation", "R2 out of Sample", "Direction Accuracy", "Test Sharpe")
    assert rivals[1][1:5] == [own[name] for name in figures]
    assert "AAPL_stack" in read(pages["backtest"]).by_id("stack").words()


def test_alarms_come_before_anything_good(made: Runs, changed: Changed, read: Read) -> None:
    def leak(facts: dict[str, Any]) -> None:
        facts["warnings"] = [
            {"code": "DATA_OLD", "text": "the last bar is old"},
            {"code": "LEAK_SUSPECT", "text": "look for a future value"},
        ]
        facts["status"] = "FAILED"

    view = view_of(changed(made["ridge"], leak), findings=(replace(FINDING, severity=Severity.FAIL),))
    page = read(run_page(view))
    alarms = page.by_id("alarms").words()
    assert [alarms.index(word) for word in ("FAILED", "LEAK_SUSPECT", "T003")] == sorted(
        alarms.index(word) for word in ("FAILED", "LEAK_SUSPECT", "T003")
    )
    assert "DATA_OLD" not in alarms
    assert "DATA_OLD" in page.by_id("warnings").words()
    ids = [section.attributes["id"] for section in page.all("section")]
    assert ids[:2] == ["verdict", "alarms"]
    status = next(n for n in page.everything() if "status" in n.attributes.get("class", "").split())
    assert (status.words(), status.attributes["class"]) == ("FAILED", "status square")


def test_findings_show_code_place_cause_and_command(made: Runs, read: Read) -> None:
    findings = read(run_page(view_of(made["ridge"], findings=(FINDING,)))).by_id("findings")
    words = findings.words()
    for text in ("WARN", FINDING.title, FINDING.text, FINDING.code, FINDING.cause, "no such line"):
        assert text in words
    assert "AAPL_lstm_20240105_143022.log:41" in words
    assert [code.words() for code in findings.all("code")] == [FINDING.next]


def test_no_findings_are_no_praise(made: Runs, read: Read) -> None:
    def said(findings: tuple[Finding, ...]) -> str:
        return str(read(run_page(view_of(made["ridge"], findings=findings))).by_id("findings").words())

    assert "no proof that nothing is wrong" in said(())
    page = read(run_page(view_of(made["ridge"])))
    assert "findings" not in [section.attributes["id"] for section in page.all("section")]


def test_hostile_texts_stay_texts(made: Runs, changed: Changed, read: Read) -> None:
    def spoil(facts: dict[str, Any]) -> None:
        facts |= {"symbol": HOSTILE, "model": HOSTILE, "verdict": HOSTILE, "finished_at": HOSTILE}
        facts["warnings"] = [{"code": HOSTILE, "text": HOSTILE}, {"code": "LEAK_SUSPECT", "text": HOSTILE}]
        facts["data"] |= {"source": HOSTILE, "where": HOSTILE, HOSTILE: HOSTILE}
        facts["environment"]["versions"] = {HOSTILE: HOSTILE, "api_key": "open sesame"}
        facts["config"] |= {HOSTILE: HOSTILE, "recipe": HOSTILE}
        results = facts["results"]
        results["health"]["meaning"] = HOSTILE
        results["diagnosis"] = {"cause": "BIAS", "text": HOSTILE, "evidence": [HOSTILE]}
        results["figures"][0]["name"] = HOSTILE
        results["checkpoints"][0]["found"] = HOSTILE
        results["rivals"][0]["name"] = HOSTILE
        results["scores"][0]["values"][1][0] = HOSTILE

    finding = Finding(
        HOSTILE, HOSTILE, Severity.NOTE, HOSTILE, (Evidence(HOSTILE, 1, HOSTILE),), HOSTILE, HOSTILE
    )
    stored = changed(made["stack"], spoil)
    view = view_of(stored, findings=(finding,))
    assert "\u202e" not in run_page(view), "a mark that turns the direction of what follows"
    assert view.weights is not None
    assert view.equity is not None
    view = replace(
        view,
        weights=replace(view.weights, models={HOSTILE: next(iter(view.weights.models.values()))}),
        equity=replace(view.equity, curves={HOSTILE: view.equity.curves[HELD]}),
    )
    other = view_of(made["stack"])
    for text in (run_page(view), compare_page(compare([stored, made["ridge"]], [view, other]))):
        page = read(text)
        assert "img" not in {node.name for node in page.everything()}
        assert [node.attributes for node in page.all("script")][-2:] == [{}, {}]
        data = [node.attributes for node in page.all("script")][:-2]
        assert all(one == {"type": "application/json"} for one in data)
        assert len(page.all("style")) == 1
        assert "<script>alert(1)</script>" in page.words()
        assert "open sesame" not in text


def test_what_cannot_be_read_leaves_a_gap_not_a_fault(made: Runs, changed: Changed, read: Read) -> None:
    stored = changed(made["stack"], lambda facts: None)
    for name in ("ledger", "forecasts", "weights"):
        (stored.folder / f"{name}.parquet").write_bytes(b"PAR1 not really")
    page = read(run_page(view_of(stored)))
    assert page.by_id("basis").words().count("Could not be read") == 3
    gone = {"equity", "calibration", "sharpe", "distribution", "positions", "costs"}
    assert not gone & {section.attributes["id"] for section in page.all("section")}


def network(members: int, epochs: int) -> RunView:
    """A made-up network that was trained long, in many folds and seeds."""
    rng = np.random.default_rng(0)
    days = tuple(dt.date(2000, 1, 3) + dt.timedelta(days=i) for i in range(6000))
    walk = np.exp(np.cumsum(rng.normal(0, 0.02, len(days))))
    return RunView(
        name="AAPL_lstm_20240105_143022",
        symbol="AAPL",
        model="lstm",
        kind="train",
        recipe="plan",
        status="SUCCESS",
        verdict=("not evaluated",),
        finished_at="2024-01-05T14:30:22",
        equity=Equity(days, {"strategy": walk, HELD: walk[::-1]}),
        pairing=Pairing(rng.normal(0, 0.001, len(days)), rng.normal(0, 0.02, len(days))),
        epochs=tuple(
            Epoch(e, 1 / (e + 1), 1 + float(rng.normal()) / 99, 0.05, 50.0, fold, best=e == epochs // 2)
            for fold in range(members)
            for e in range(epochs)
        ),
    )


@pytest.mark.slow
def test_long_runs_stay_small(read: Read) -> None:
    text = run_page(network(members=120, epochs=400))
    assert len(text.encode()) < 2_000_000
    training = read(text).by_id("training")
    assert "120 members" in training.words()
    assert "60 more members are in the log." in training.words()
    assert "between 200 and 200" in training.words()


def test_forecasts_that_do_not_vary_have_no_calibration(read: Read) -> None:
    view = network(1, 3)
    constant = replace(view, pairing=Pairing(np.zeros(100), np.ones(100)))
    assert "All forecasts are the same" in read(run_page(constant)).by_id("calibration").words()
    few = replace(view, pairing=Pairing(np.arange(9.0), np.ones(9)))
    assert "Too few forecasts" in read(run_page(few)).by_id("calibration").words()


def test_a_record_that_is_nested_too_deeply_is_refused(made: Runs, changed: Changed) -> None:
    stored = changed(made["ridge"], lambda facts: None)
    (stored.folder / "run.json").write_text("[" * 200_000 + "]" * 200_000, encoding="utf-8")
    with pytest.raises(DataError, match=r"run\.json: cannot be read"):
        RunsFolder(stored.folder.parent).load(stored.name)
    assert RunsFolder(stored.folder.parent).all() == []


def test_absurd_outcomes_have_no_calibration_and_no_fault(read: Read) -> None:
    view = network(1, 3)
    assert view.pairing is not None
    for value in (1e200, 1e308, -1e5):
        outcome = view.pairing.outcome.copy()
        outcome[7] = value
        pairing = Pairing(view.pairing.forecast, outcome * (100 if value == -1e5 else 1))
        words = read(run_page(replace(view, pairing=pairing))).by_id("calibration").words()
        assert "beyond all sense" in words


def test_two_forecasts_make_two_groups(read: Read) -> None:
    rng = np.random.default_rng(0)
    forecast = np.where(rng.random(500) < 0.3, -0.001, 0.002)
    view = replace(network(1, 3), pairing=Pairing(forecast, rng.normal(0, 0.02, 500)))
    section = read(run_page(view)).by_id("calibration")
    assert "Mean outcome in 2 groups" in section.words()
    (rows,) = [rows for caption, rows in section.tables().items() if "in 2 groups" in caption]
    assert [row[2] for row in rows[1:]] == ["-0.10%", "0.20%"]


def test_an_interval_holds_the_line_where_the_forecast_lies_in_it(read: Read) -> None:
    forecast = np.repeat(np.linspace(-1.0, 1.0, 10), 6)
    outcome = forecast + np.tile([-0.01, 0.01], 30)
    outcome[:18] += 0.1  # three groups lie beside the line; none but the middle ones hold 0
    view = replace(network(1, 3), pairing=Pairing(forecast, outcome))
    words = read(run_page(view)).by_id("calibration").words()
    assert "7 of 10 intervals hold the 45 degree line" in words


def test_the_epoch_that_was_kept_is_the_one_that_is_marked(read: Read) -> None:
    epochs = tuple(Epoch(e, 1.0, 2.0 + e, 0.1 * e, 50.0 + e, best=e == 2) for e in range(6))
    training = read(run_page(replace(network(1, 3), epochs=epochs))).by_id("training")
    (table,) = training.tables().values()
    assert table[1] == ["fold 0, seed 0", "5", "2", "1.0000", "7.0000", "4.0000", "0.2000", "52.0%"]


def test_numbers_that_blew_up_stay_short(read: Read) -> None:
    view = network(1, 3)
    epochs = tuple(Epoch(e, 1e300, float("nan"), 0.1, 50.0, best=e == 1) for e in range(3))
    assert view.equity is not None
    wealth = np.linspace(1.0, 1e300, len(view.equity.days))
    text = run_page(replace(view, epochs=epochs, equity=replace(view.equity, curves={"strategy": wealth})))
    page = read(text)
    (table,) = page.by_id("training").tables().values()
    assert table[1][3:6] == ["1e+300", "undefined", "undefined"]
    assert "1 became 1e+300 with strategy (deepest drawdown 0.0%)" in page.by_id("equity").words()
    assert not re.search(r"\d{40}", page.words())


def test_what_labels_say(made: Runs, pages: dict[str, str], read: Read) -> None:
    page = read(pages["ridge"])
    assert "mean net return on test rows / on train rows" in page.by_id("figures").words()
    tables = page.tables()
    assert (
        tables["By calendar year in which returns became known"][0][-1] == "Turnover: sum of trades / equity"
    )
    folds = tables["The test rows of each fold"]
    assert folds[0][1] == "Test days (of decision)"
    stored = [made["ridge"], made["xgb"]]
    compared = read(compare_page(compare(stored, [view_of(one) for one in stored]))).tables()
    spans = next(
        row for row in compared["Status, health and days of each run"] if row[0] == "Test days (of decision)"
    )
    days = made["ridge"].ledger()["day"]
    assert spans[1] == f"{len(days)}, {days[0]} to {days[-1]}"
    assert folds[1][1].startswith(str(days[0]))


GREEN = AuditSummary(color="green", stages=13, cuts=8, day="2026-11-29")
RED = replace(GREEN, color="red", leak="features: own_x", cause="it reads the next row", mend="use shift(0)")


def test_the_audit_stands_near_the_top(read: Read) -> None:
    view = replace(network(1, 3), how_to_audit="`geiger audit --run R` makes one")
    text = run_page(view)
    page = read(text)
    assert "none : geiger audit --run R makes one." in page.by_id("basis").words()
    assert "<code>geiger audit --run R</code> makes one" in text
    page = read(run_page(replace(view, audit=GREEN)))
    assert "green , 13 stages, 8 cuts, 2026-11-29." in page.by_id("basis").words()
    assert "Audit green, 13 stages, 8 cuts, 2026-11-29" in page.by_id("evaluated").words()
    assert "The audit is" not in page.words()


def test_a_red_audit_is_the_first_alarm_with_its_cause_and_its_mend_below(read: Read) -> None:
    finding = Finding("GC702", "The audit is red", Severity.FAIL, RED.text(), (), "c", "geiger audit")
    page = read(run_page(replace(network(1, 3), audit=RED, findings=(finding,))))
    alarms = page.by_id("alarms").words()
    assert alarms.count("GC702") == 1
    assert f"The audit is {RED.text()}" in alarms
    assert "Likely cause: it reads the next row. Mend: use shift(0)." in page.by_id("basis").words()


def test_the_charts_of_a_page_carry_the_licence_of_their_library() -> None:
    page = run_page(network(1, 3))
    assert re.search(r"Copyright \(c\) \d+, Leon Sorokin\s+\* All rights reserved. \(MIT Licensed\)", page)


def test_a_page_without_its_charts_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    parts._of_library.cache_clear()
    monkeypatch.setattr(parts, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install uplot-python"):
        run_page(network(1, 3))
    monkeypatch.undo()
