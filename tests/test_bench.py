"""What `make bench` makes of its measurements: rows, ratios, goals, exponents, memory of a process tree."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("resource", reason="measured on systems that count what a process uses")

BENCH = Path(__file__).parents[1] / "bench"


def script(name: str) -> Any:
    sys.path.insert(0, str(BENCH))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCH))


harness, table, curves, mutations = (script(name) for name in ("harness", "table", "curves", "mutations"))


def test_every_row_has_its_candidates_and_a_name_of_its_own() -> None:
    assert {name for row in table.ROWS for name in row.wanted} <= set(table.CANDIDATES)
    assert len({row.name for row in table.ROWS}) == len(table.ROWS)


def test_a_ratio_is_the_median_of_the_rounds_own() -> None:
    row = table.Row("trainings", "one", "s", "ours", "theirs", 0.5, 10.0)
    figures = {
        "ours": [{"value": v, "cpu": 2 * v} for v in (1.0, 8.0, 3.0)],
        "theirs": [{"value": v, "cpu": v} for v in (4.0, 10.0, 10.0)],
    }
    found = table.result(row, figures, {})
    assert (found["value"], found["cpu"], found["anchor"]) == (3.0, 6.0, 10.0)
    assert found["ratio"] == 0.3  # of 0.25, 0.8 and 0.3
    assert found["met"] is True


@pytest.mark.parametrize(
    ("found", "met"),
    [({"value": 11.0, "ratio": 0.1}, False), ({"value": 9.0}, None), ({"value": 12.0}, False)],
)
def test_a_goal_without_its_anchor_is_not_met(found: dict[str, float], met: bool | None) -> None:
    assert table.met(table.Row("g", "n", "s", "ours", "theirs", 0.5, 10.0), found) is met


def test_what_cannot_be_measured_says_why() -> None:
    row = table.Row("g", "n", "s", "ours", "base: ours", 0.5)
    figures: dict[str, list[Any]] = {"ours": [{"value": 1.0}], "base: ours": []}
    found = table.result(row, figures, {"base: ours": "no --base"})
    assert (found["no_anchor"], found["met"]) == ("no --base", None)
    assert table.result(row, {"ours": []}, {}) is None


def test_a_failure_is_told_but_its_folders_are_not_stored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(bench: Any) -> dict[str, float]:
        raise RuntimeError(f"{tmp_path} is no folder")

    monkeypatch.setitem(table.CANDIDATES, "ours", fails)
    bench = table.Bench(tmp_path, tmp_path, False, {})
    _, missing, _ = table.measure(bench, [table.Row("g", "n", "s", "ours")], 1)
    assert missing == {"ours": "failed"}
    assert str(tmp_path) in capsys.readouterr().err


def test_a_cost_that_grows_with_the_square_has_exponent_two() -> None:
    found = curves.fitted([1, 2, 4, 8], [3.0, 12.0, 48.0, 192.0])
    assert (found["exponent"], found["error"]) == (2.0, 0.0)


def test_a_straight_cost_shows_its_fixed_part() -> None:
    found = curves.fitted([1, 2, 4], [5.5, 6.0, 7.0])
    assert found["one_more"] == pytest.approx(0.5)
    assert found["fixed"] == pytest.approx(5.0)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from /proc")
def test_memory_of_a_tree_counts_its_children() -> None:
    child = "import time; held = bytes(60_000_000).replace(b'\\0', b'x'); time.sleep(2)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    done = harness.run([sys.executable, "-c", parent], watched=True)
    assert done.rss_mb > done.pss_mb > 60.0


@pytest.mark.parametrize(
    "code", [harness.START, curves.CHILD], ids=["whole command", "with its library timed"]
)
def test_what_is_measured_is_a_process_of_ours(code: str, tmp_path: Path) -> None:
    look = "\nimport geiger.hiding\nprint('OURS', geiger.hiding._PROCESS.ours, 'sklearn' in sys.modules)"
    words = ["lgb"] * (code == curves.CHILD) + ["doctor", "--help"]
    ended = f"import atexit, sys\natexit.register(lambda: exec({look!r}))\n{code}"
    done = harness.run([sys.executable, "-c", ended, *words], folder=tmp_path)
    assert done.output.endswith("OURS True False\n")


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(RuntimeError, match="no luck"):
        harness.run([sys.executable, "-c", "raise SystemExit('no luck')"])


def test_every_mutation_is_a_small_change_of_a_file_of_ours() -> None:
    rows = json.loads((BENCH / "mutations" / "index.json").read_text())
    assert {row["diff"] for row in rows} == {path.name for path in (BENCH / "mutations").glob("*.diff")}
    assert sum(row["looks_ahead"] for row in rows) >= 20
    for row in rows:
        diff = (BENCH / "mutations" / row["diff"]).read_text().splitlines()
        changed = [line[6:] for line in diff if line.startswith("+++ b/")]
        assert changed
        assert all(name.startswith("src/geiger/") for name in changed), row["diff"]
        assert sum(line.startswith("+") for line in diff) - len(changed) <= 8


def test_a_mutation_is_told_rightly_only_by_its_own_color() -> None:
    def said(text: str, *, looks_ahead: bool) -> bool:
        mutation = mutations.Mutation("01.diff", "stage", "what", looks_ahead, "ridge", "", None, None, text)
        return bool(mutation.right)

    assert said("red: features, x", looks_ahead=True)
    assert not said("green", looks_ahead=True)
    assert said("green", looks_ahead=False)
    assert not said("error: it broke", looks_ahead=True)
    assert not said("error: it broke", looks_ahead=False)


def test_the_page_of_the_audit_counts_what_was_found_and_what_was_red() -> None:
    page = script("audit")
    from geiger.audit.canaries import CANARIES
    from geiger.audit.museum import noise_world
    from geiger.runs.audits import Audit, NotChecked, StageCheck

    graded = next(canary for canary in CANARIES if canary.graded)
    whole = next(canary for canary in CANARIES if not canary.graded)
    detected = [page.Detected(graded, (2, 2, 1, 0)), page.Detected(whole, (2,))]
    stage = StageCheck(stage="model", what="", worlds=1, values=1200, seconds=0.1)
    common = {"symbol": "AAPL", "stages": (stage,), "cuts": (), "worlds": (), "seconds": 3.0}
    green = Audit(model="ridge", color="green", **common)
    gap = NotChecked(stage="fills", why="fills at the close")
    red = Audit(model="lgb", color="red", not_checked=(gap,), **common)

    lines = [*page._detection(["A", "B"], [noise_world()] * 2, detected), *page._alarms([green, red])]

    text = "\n".join(lines)
    assert f"| {graded.stage} | 2 of 2 | 2 of 2 | 1 of 2 | 0 of 2 |" in text
    assert f"| {whole.stage} | 2 of 2 |  |  |  |" in text
    assert "1.000 at 1" in text
    assert "1 of 2 audits of the pipeline as it is were red; 2,400 values were compared" in text
    assert "| AAPL | lgb | red | 0 | 1,200 | 3 | fills: fills at the close |" in text


def test_the_page_of_the_verdict_says_what_was_counted() -> None:
    page = script("verdict_size")
    keys = [("noise", test, level) for test in page.TESTS[:1] for level in page.LEVELS]
    null = page.Cell("GARCH-t"), dict(zip(keys, [(60, 1000), (30, 1000), (0, 1000), (0, 1000)], strict=True))
    assert page._unpacked(page._packed(null[1])) == null[1]

    text = "\n".join([*page._worst(dict([null])), *page._sizes(dict([null]))])

    assert "| score test | 0.0600 | 0.0300 | 0.060 noise, GARCH-t | 0.030 noise, GARCH-t |" in text
    assert "| noise | 0.060 / 0.030 |" in text
    (above,) = (line for line in text.replace("\n", " ").split("Above 1%")[1:])
    # scipy's beta quantiles for 30 of 1000
    assert "**noise, GARCH-t: 0.030 (0.020 to 0.043)**" in above


def test_the_crossing_rate_counts_days_and_paths_without_skill_alone() -> None:
    page = script("live")
    reached = {"noise": {"0": 252, "3": 1000}, "trend": {"0": 253}}
    cells = [("GARCH-t", 0.0, reached), ("regimes", 0.0, {"noise": {"1": 5}, "trend": {}})]
    stored = {
        "paths": 4,
        "cells": [{"market": market, "r2": r2, "reached": there} for market, r2, there in cells],
    }
    assert page.crossing(stored, 1)[0] == 1 / 8
    share, error = page.crossing(stored, 7)
    assert share == 3 / 8
    assert error == pytest.approx((11 / 48) ** 0.5 / 2)  # of 1, 0, 0 and 1/2: variance 11/48 of four paths
    assert page._after([None, 10, 30, 20], 0.5) == "20"
    assert page._after([None, 10, None, 20], 0.75) == "above 1764"


def test_peers_are_asked_about_what_they_see_and_left_out_where_they_are_missing() -> None:
    peers = script("peers")
    assert peers.sidak(0.001) == pytest.approx(1 - 0.999**50)
    up = np.tile([0.02, -0.01], 882)
    long, right = np.ones(1764), np.sign(up)
    assert not peers.passes(long, up, 0.0)  # buy and hold does not beat itself
    assert peers.passes(right, up, 0.0)
    assert not peers.passes(right, up, 0.02)  # two units a day

    pnl = {name: np.tile([scale, 0.0], 50) for name, scale in (("sign", 0.01), ("scaled", 0.02))}
    pnl |= {name + peers.BENCHMARK: values - values.mean() for name, values in pnl.items()}
    weak, strong = (peers.Case(p, pnl, (p < 0.5, False)) for p in (0.9, 0.0001))
    shown = peers.best([weak, strong])
    assert shown.cases["score test"] is strong
    assert shown.gates == (True, False)
    nobody = peers.rings(shown, np.full((4, 4), np.nan))
    assert {test.split(",")[0] for test, _ in nobody} == {
        "score test",
        "t-test",
        "our DSR",
        "the plan's gates",
    }
    assert nobody["score test, 1%", 50]
    told = peers.rings(shown, np.array([[0.04, 0.2, 0.9, 0.96]] * 4))
    assert told["tokio-ai, sign", 1]
    assert not told["tokio-ai, sign", 50]
    assert told["quantstats PSR, scaled", 50]  # it cannot be told
