"""Pages in a real browser: nothing overflows, everything can be read, named and reached with the keyboard.

Needs a browser of the Chromium family, which it finds and never installs. The page also stands before axe:
that of the package axe-core-python, or the axe.min.js that GEIGER_AXE names.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from geiger.checks.base import Evidence, Finding, Severity
from geiger.records import Notice
from geiger.report.compare_page import compare_page
from geiger.report.comparison import compare
from geiger.report.failed import failed_of
from geiger.report.failed_page import failed_page
from geiger.report.gather import log_of, view_of
from geiger.report.run_page import run_page
from geiger.report.universe import universe_of
from geiger.report.universe_page import universe_page
from geiger.runs.folder import StoredRun

pytestmark = pytest.mark.slow

SCREENS = {
    "desk": {"width": 1280},
    "dark": {"width": 1280, "dark": True},
    "phone": {"width": 390, "mobile": True},
    "small phone, dark": {"width": 360, "mobile": True, "dark": True},
}
PAGES = ("xgb", "stack", "backtest", "alarmed", "compare", "universe", "failed")

# Every text against the paper behind it, by the formula of WCAG 2; the chart's text lies on the page itself.
CONTRAST = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return Array.from(canvas.getImageData(0, 0, 1, 1).data);
  };
  const light = ([r, g, b]) => {
    const linear = [r, g, b].map(v => v / 255)
      .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * linear[0] + .7152 * linear[1] + .0722 * linear[2];
  };
  const behind = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const color = rgba(getComputedStyle(one).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const weak = [];
  let checked = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility()) continue;
    if (['TITLE', 'DESC'].includes(node.tagName.toUpperCase())) continue;
    const style = getComputedStyle(node);
    const front = light(rgba(node.closest('svg') ? style.fill : style.color)), back = light(behind(node));
    const ratio = (Math.max(front, back) + .05) / (Math.min(front, back) + .05);
    checked += 1;
    if (ratio < 4.5) weak.push([walker.currentNode.data.trim().slice(0, 40), ratio.toFixed(2)]);
  }
  return {weak, checked};
})()"""

# Lines and marks of the charts, which must be told from the page at 3 to 1.
LINES = """(() => {
  const probe = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const light = (color) => {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = color;
    probe.fillRect(0, 0, 1, 1);
    const linear = Array.from(probe.getImageData(0, 0, 1, 1).data).slice(0, 3).map(v => v / 255)
      .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * linear[0] + .7152 * linear[1] + .0722 * linear[2];
  };
  const style = getComputedStyle(document.documentElement), paper = light(style.getPropertyValue('--paper'));
  return [1, 2, 3, 4, 5, 6].map(i => light(style.getPropertyValue('--line' + i)))
    .map(line => (Math.max(line, paper) + .05) / (Math.min(line, paper) + .05));
})()"""

CHARTS = """Array.from(document.querySelectorAll('.plot')).map(plot => ({
  shown: Array.from(plot.children).filter(svg => svg.getBoundingClientRect().width > 0).map(svg => ({
    kind: svg.getAttribute('class'),
    width: svg.getBoundingClientRect().width,
    height: svg.getBoundingClientRect().height,
    text: Math.min(...Array.from(svg.querySelectorAll('text')).map(t => t.getBoundingClientRect().height)),
    outside: Array.from(svg.querySelectorAll('text')).map(t => t.getBoundingClientRect())
      .filter(box => box.left < 0 || box.right > innerWidth + .5).length,
    name: svg.getAttribute('aria-labelledby').split(' ')
      .map(id => document.getElementById(id).textContent).join(' '),
  })),
}))"""

# Charts come to life when they are near: go past all of them.
AWAKE = """(async () => {
  for (const one of document.querySelectorAll('figure[data-live]')) {
    one.scrollIntoView();
    for (let i = 0; i < 100 && !one.querySelector('.uplot'); i++) await new Promise(r => setTimeout(r, 20));
  }
  scrollTo(0, 0);
})()"""

LIVE = """Array.from(document.querySelectorAll('figure[data-live]')).map(one => ({
  plots: one.querySelectorAll('.uplot').length,
  panels: JSON.parse(one.querySelector('script').textContent).panels.length,
  width: one.querySelector('.uplot').getBoundingClientRect().width,
  picture: one.querySelector('.plot').checkVisibility(),
}))"""

HEADINGS = """Array.from(document.querySelectorAll('h1,h2,h3,h4,h5,h6'))
  .filter(h => h.checkVisibility()).map(h => Number(h.tagName[1]))"""

TABLES = """Array.from(document.querySelectorAll('table')).map(table => ({
  caption: table.caption ? table.caption.textContent.trim() : '',
  bare: Array.from(table.querySelectorAll('th')).filter(th => !['row', 'col'].includes(th.scope)).length,
  heads: table.querySelectorAll('thead th[scope=col]').length,
  reachable: table.parentElement.matches('[role=region][tabindex="0"][aria-label]'),
}))"""

UNNAMED = """Array.from(document.querySelectorAll('svg'))
  .filter(svg => svg.getAttribute('aria-hidden') !== 'true')
  .filter(svg => svg.getAttribute('role') !== 'img' || !svg.querySelector(':scope > title').textContent)
  .length"""

FOCUS = """(() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  return {what: one.className || one.tagName, outline: style.outlineStyle, width: box.width, top: box.top};
})()"""


@pytest.fixture(scope="module")
def program(browsing: Any) -> str:
    found = browsing.find_browser()
    if found is None:
        pytest.skip(f"NO BROWSER: none of {', '.join(browsing.NAMES)} is installed, so no page was looked at")
    return str(found)


@pytest.fixture(scope="module")
def files(
    made: dict[str, StoredRun], panel_run: StoredRun, logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    views = {name: view_of(stored, log_of(stored, logs)) for name, stored in made.items()}
    findings = tuple(
        Finding(
            f"T00{i}",
            f"A finding that says {severity}",
            severity,
            "A sentence about what was found.",
            (Evidence("AAPL_lstm_20240105_143022.log", 41, "x" * 300),),
            "A likely cause.",
            "geiger train lstm AAPL --epochs 80 " + "--data /a/long/way/to/some/folder" * 4,
        )
        for i, severity in enumerate(Severity)
    )
    long = Notice("LEAK_SUSPECT", "net Sharpe ratio 7.10 is above 3.00 " + "w" * 200)
    alarmed = replace(views["ridge"], status="COLLAPSED", notices=(long,), findings=findings)
    runs = [made["ridge"], made["stack"], made["xgb"]]
    compared = compare(runs, [alarmed, views["stack"], views["xgb"]])
    pages = {name: run_page(views[name]) for name in ("xgb", "stack", "backtest")}
    pages |= {"alarmed": run_page(alarmed), "compare": compare_page(compared)}
    log = folder / "AAPL_lstm_20240105_143022.log"
    failed = "=== TRAINING CONFIG ===\nSymbol: AAPL\n\n=== WARNINGS ===\nTRAINING_FAILED: " + "w" * 300
    log.write_text(f"{failed}\n\n=== STATUS ===\nFAILED\n", encoding="utf-8")
    pages["failed"] = failed_page(failed_of(log, "no finished run there", findings))
    pages["universe"] = universe_page(universe_of(panel_run, view_of(panel_run)))
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


LOOKS = [
    *((name, "desk") for name in PAGES),
    *((name, "phone") for name in PAGES),
    *(
        (name, screen)
        for name in ("alarmed", "compare", "universe")
        for screen in ("dark", "small phone, dark")
    ),
]


@pytest.fixture(scope="module", params=LOOKS, ids=" on ".join)
def page(
    request: pytest.FixtureRequest, browsing: Any, program: str, files: dict[str, Path]
) -> Iterator[tuple[Any, str, Path]]:
    name, screen = request.param
    with browsing.open_page(program, files[name], **SCREENS[screen]) as opened:
        yield opened, screen, files[name]


def test_a_page_can_be_looked_at(page: tuple[Any, str, Path]) -> None:
    opened, screen, file = page
    assert opened.complaints() == []
    assert [url for url in opened.requests() if not url.startswith("data:")] == [file.as_uri()]
    width = SCREENS[screen]["width"]
    assert opened.run("innerWidth") == width
    assert opened.run("document.documentElement.scrollWidth") <= width
    opened.run(AWAKE)
    assert opened.run("document.documentElement.scrollWidth") <= width
    live = opened.run(LIVE)
    assert bool(live) == (file.stem not in ("compare", "failed"))
    for one in live:
        assert one["plots"] == one["panels"] >= 1
        assert 240 <= one["width"] <= width
        assert not one["picture"], "the picture that it stands for is shown as well"
    assert opened.complaints() == []


@pytest.mark.parametrize("screen", ["desk", "small phone, dark"])
@pytest.mark.parametrize("name", ["stack", "compare", "universe"])
def test_a_page_without_scripts_shows_every_chart(
    name: str, screen: str, browsing: Any, program: str, files: dict[str, Path]
) -> None:
    width = SCREENS[screen]["width"]
    with browsing.open_page(program, files[name], scripts=False, **SCREENS[screen]) as opened:
        charts = opened.run(CHARTS)
        assert opened.run("document.documentElement.scrollWidth") <= width
        assert opened.run("document.querySelectorAll('.live, .sort').length") == 0
    assert charts
    for chart in charts:
        (shown,) = chart["shown"]
        assert shown["kind"] == ("wide" if width > 640 else "narrow")
        assert shown["width"] > 300
        assert shown["height"] > 150
        assert shown["text"] >= 9
        assert shown["outside"] == 0
        assert len(shown["name"]) > 40


def test_a_chart_can_be_pointed_at_and_zoomed(browsing: Any, program: str, files: dict[str, Path]) -> None:
    told = "document.querySelector('#live-equity .told').textContent"
    ticks = (
        "uPlot && Array.from(document.querySelectorAll('#live-equity canvas')).map(c => c.toDataURL()).join()"
    )
    with browsing.open_page(program, files["stack"], width=1280) as opened:
        opened.run(AWAKE)
        opened.run("document.querySelector('#live-equity .live').scrollIntoView({block: 'center'})")
        box = opened.run(
            "(b => [b.left, b.top, b.width, b.height])"
            "(document.querySelector('#live-equity .u-over').getBoundingClientRect())"
        )
        left, top, across, down = box
        opened.point(left + across / 2, top + down / 2)
        shown = opened.run(told)
        assert shown[:2] == "20"
        assert "strategy" in shown
        assert "buy and hold" in shown
        whole = opened.run(ticks)
        opened.point(left + across / 4, top + down / 2, drag_to=left + across / 2)
        assert opened.run(f"new Promise(r => setTimeout(() => r({ticks}), 200))") != whole
        opened.run("document.querySelector('#live-equity .live').focus()")
        opened.press("0")
        opened.press("ArrowRight")
        first = opened.run(told)
        opened.press("ArrowRight")
        assert opened.run(told) > first, "the day after"
        toggle = "document.querySelector('#live-equity .tools [aria-pressed]')"
        opened.run(f"{toggle}.click()")
        assert opened.run(f"{toggle}.getAttribute('aria-pressed')") == "true"
        assert opened.complaints() == []


def test_what_is_pointed_at_is_what_the_frames_hold(
    browsing: Any, program: str, files: dict[str, Path], made: dict[str, StoredRun]
) -> None:
    ledger = made["stack"].ledger()
    shown = "Array.from(document.querySelectorAll('#live-{} .told')).map(one => one.textContent)"
    wealth = dict(zip(ledger["exit_day"].to_list(), ledger["equity"].to_list(), strict=True))
    held = dict(zip(ledger["fill_day"].to_list(), ledger["weight"].to_list(), strict=True))
    top = dict(zip(wealth, ledger["equity"].cum_max().clip(1.0).to_list(), strict=True))
    days = set()
    with browsing.open_page(program, files["stack"], width=1280) as opened:
        opened.run(AWAKE)
        for chart in ("equity", "held"):
            opened.run(f"document.querySelector('#live-{chart} .live').focus()")
            for _ in range(8):
                opened.press("ArrowRight")
                told = opened.run(shown.format(chart))
                day = dt.date.fromisoformat(told[0][:10])
                days.add(day)
                found = [float(re.findall(r"^(?:strategy|weight) (-?[\d.]+)", text[10:])[0]) for text in told]
                if chart == "held":
                    assert found == [pytest.approx(100 * held[day], abs=0.51)]
                else:
                    fall = 100 * (wealth[day] / top[day] - 1)
                    assert found == [pytest.approx(wealth[day], abs=6e-4), pytest.approx(fall, abs=0.06)]
    assert len(days) > 8


def test_how_a_training_ended_is_no_greener_than_its_answer(
    browsing: Any, program: str, files: dict[str, Path]
) -> None:
    colour = "getComputedStyle(document.querySelector('header {}')).color"
    with browsing.open_page(program, files["stack"], width=1280) as opened:
        assert "SUCCESS" in opened.run("document.querySelector('header .status.circle').textContent")
        assert opened.run(colour.format(".status.circle")) == opened.run(colour.format(".facts dt"))


def test_only_the_lines_of_a_key_figure_are_broken(
    browsing: Any, program: str, files: dict[str, Path]
) -> None:
    inner = (
        "Array.from(document.querySelectorAll('.key-figures .tied')).map(e => getComputedStyle(e).display)"
    )
    with browsing.open_page(program, files["universe"], width=1280) as opened:
        assert set(opened.run(inner)) == {"inline"}


def test_a_table_is_sorted_by_its_headings(browsing: Any, program: str, files: dict[str, Path]) -> None:
    cells = "document.querySelectorAll('header table.sortable tbody tr')"
    column = f"Array.from({cells}).map(r => r.cells[5].textContent)"
    with browsing.open_page(program, files["compare"], width=1280) as opened:
        button = "document.querySelectorAll('header table.sortable thead .sort')[5]"
        opened.run(f"{button}.click()")
        down = [float(text) for text in opened.run(column)]
        opened.run(f"{button}.click()")
        up = [float(text) for text in opened.run(column)]
        assert opened.run(f"{button}.parentElement.getAttribute('aria-sort')") == "ascending"
    assert down == sorted(down, reverse=True)
    assert up == sorted(up)
    assert len(set(up)) > 1


def test_a_word_opens_its_entry_by_the_keyboard(browsing: Any, program: str, files: dict[str, Path]) -> None:
    with browsing.open_page(program, files["stack"], width=1280, scripts=False) as opened:
        opened.run("document.querySelector('#figures .term').focus()")
        assert opened.run("document.querySelectorAll(':popover-open').length") == 0
        opened.press("Enter")
        assert "Mean return beyond cash" in opened.run("document.querySelector(':popover-open').textContent")


def test_a_page_can_be_read(page: tuple[Any, str, Path]) -> None:
    opened, _, _ = page
    headings = opened.run(HEADINGS)
    assert headings.count(1) == 1
    assert headings[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))
    tables = opened.run(TABLES)
    assert tables
    assert all(one["caption"] and one["heads"] > 1 and one["reachable"] and not one["bare"] for one in tables)
    assert opened.run(UNNAMED) == 0
    opened.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert opened.run("document.documentElement.scrollWidth <= innerWidth")
    found = opened.run(CONTRAST)
    assert found["checked"] > 60
    assert found["weak"] == []
    assert min(opened.run(LINES)) >= 3


ONCE_AROUND = 2000  # more steps than any page has


def test_a_page_can_be_walked_with_the_keyboard(page: tuple[Any, str, Path]) -> None:
    opened, _, _ = page
    opened.run("document.querySelectorAll('details').forEach(one => { one.open = true; }); scrollTo(0, 0)")
    opened.run("document.activeElement.blur()")
    opened.press("Tab")
    first = opened.run(FOCUS)
    assert first["what"] == "skip"
    assert first["top"] >= 0
    regions = opened.run("document.querySelectorAll('.scroll').length")
    reached = 0
    for _ in range(ONCE_AROUND):  # charts that come into view bring buttons of their own: no count beforehand
        opened.press("Tab")
        focus = opened.run(FOCUS)
        reached += focus["what"] == "scroll"
        assert focus["outline"] != "none" or focus["what"] == "BODY"
        if focus["what"] in ("BODY", "skip"):
            break
    assert reached == regions


def axe() -> str | None:
    """The program that looks for faults; None where there is none."""
    if named := os.environ.get("GEIGER_AXE"):
        return Path(named).read_text(encoding="utf-8")
    found = importlib.util.find_spec("axe_core_python")
    places = [] if found is None else [Path(place) for place in found.submodule_search_locations or ()]
    return next(
        (path.read_text(encoding="utf-8") for place in places for path in place.rglob("axe.min.js")), None
    )


def test_a_page_stands_before_axe(page: tuple[Any, str, Path]) -> None:
    opened, _, _ = page
    program = axe()
    if program is None:
        pytest.skip("NO AXE: axe-core-python is not installed and GEIGER_AXE names no axe.min.js")
    opened.run(AWAKE)
    opened.run(program + ";0")
    opened.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    found = opened.run(
        "axe.run(document).then(r => r.violations.map(v => [v.impact, v.id, v.nodes[0].html]))"
    )
    assert [one for one in found if one[0] in ("serious", "critical")] == []
    assert found == [], "axe has milder wishes too"
