"""Small finished runs to report on, a reader of pages, and the browser that stands beside this file."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from geiger.experiment.plan import Experiment, plan
from geiger.experiment.run import backtest, run
from geiger.market.synthetic import planted_market
from geiger.panel.experiment import Panel
from geiger.panel.run import run_panel
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.settings import override, recipe
from helpers.panels import NAME as PANEL_NAME
from helpers.panels import SYMBOLS as PANEL_SYMBOLS
from helpers.panels import panel_config, panel_prices

VOID = {"meta", "link", "br", "img", "circle", "path", "line", "use"}


_INLINE = "\0"  # behind an element that stands within a line of text


@dataclass
class Node:
    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, name: str) -> list[Node]:
        """Every element of that name below this one, in the order of the page."""
        found = []
        for child in self.children:
            found += [child] * (child.name == name) + child.all(name)
        return found

    def by_id(self, wanted: str) -> Node:
        return next(node for node in self.everything() if node.attributes.get("id") == wanted)

    def everything(self) -> list[Node]:
        return [self, *(node for child in self.children for node in child.everything())]

    def words(self) -> str:
        """All text below, with single spaces; style sheets and scripts are none."""
        return " ".join(self._text().split())

    def _text(self) -> str:
        """Text below as it stands: a word that opens its entry stays within its sentence."""
        if self.name in ("style", "script"):
            return ""
        text = self.text
        for child in self.children:
            within = child.name == "button" or child.attributes.get("class") == "tied"
            inline = within or (child.name == "" and text.endswith(_INLINE))
            text = text.removesuffix(_INLINE) + ("" if inline else " ") + child._text()
            text += _INLINE if within else ""
        return text.removesuffix(_INLINE)

    def tables(self) -> dict[str, list[list[str]]]:
        """Rows of cells by caption, the heading first."""
        return {
            table.all("caption")[0].words(): [
                [cell.words() for cell in row.children if cell.name in ("th", "td")]
                for row in table.all("tr")
            ]
            for table in self.all("table")
        }


class _Reader(HTMLParser):
    """Builds the tree; text between children is kept in order by nodes without a name."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.top = Node("", {})
        self._open = [self.top]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open[-1].name == tag, f"</{tag}> closes <{self._open[-1].name}>"
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(Node("", {}, data))


@pytest.fixture(scope="session")
def read() -> Callable[[str], Node]:
    """Read a page whose every element must be closed."""

    def read(page: str) -> Node:
        reader = _Reader()
        reader.feed(page)
        reader.close()
        assert len(reader._open) == 1
        return reader.top

    return read


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StoredRun]:
    """A stack of ridge and xgb, its parts, and a backtest of it, all on one made market."""
    place = tmp_path_factory.mktemp("report")
    trees = {"xgb": {"max_trees": 60, "early_stopping": None}}
    small = {"lockbox": 0, "min_train": 300, "refit": 80, "max_folds": None, "seeds": 1, **trees}
    stack = {"models": ("ridge", "xgb"), "min_rows": 160}
    experiment = Experiment(
        "AAPL",
        "stack",
        override(recipe("quick"), {**small, "stack": stack}),
        context="none",
        prices=planted_market(900, seed=5, r2=0.05).prices,
        runs_dir=place / "runs",
        log_dir=place / "logs",
    )
    runs = RunsFolder(place / "runs")
    done = run(experiment)
    backtest(plan(experiment), runs.load(done.name))
    found = {stored.record.model: stored for stored in runs.all() if stored.record.kind == "train"}
    traded = next(stored for stored in runs.all() if stored.record.kind == "backtest")
    return {**found, "backtest": traded}


@pytest.fixture(scope="session")
def coin(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StoredRun]:
    """A ridge on a market that trades at weekends, with costs and cash of its own, and a backtest of it."""
    place = tmp_path_factory.mktemp("coin")
    small = {"lockbox": 0, "min_train": 300, "refit": 80, "max_folds": None, "seeds": 1}
    trading = {"cost_bps": 20.0, "cash_yield": 0.2}
    prices = planted_market(700, seed=6, r2=0.05).prices
    every_day = pl.date_range(
        dt.date(2015, 1, 1), dt.date(2015, 1, 1) + dt.timedelta(len(prices) - 1), eager=True
    )
    experiment = Experiment(
        "BTC-USD",
        "ridge",
        override(recipe("quick"), {**small, "trading": trading}),
        context="none",
        prices=prices.with_columns(day=every_day),
        runs_dir=place / "runs",
        log_dir=place / "logs",
    )
    runs = RunsFolder(place / "runs")
    ridge = runs.load(run(experiment).name)
    return {"ridge": ridge, "backtest": runs.load(backtest(plan(experiment), ridge).name)}


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., StoredRun]:
    """A copy of a run whose record was changed by a function."""

    def changed(stored: StoredRun, change: Callable[[dict[str, Any]], None]) -> StoredRun:
        folder = tmp_path / "changed" / stored.name
        shutil.copytree(stored.folder, folder)
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        change(facts)
        (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
        return RunsFolder(folder.parent).load(stored.name)

    return changed


@pytest.fixture(scope="session")
def logs(made: dict[str, StoredRun]) -> Path:
    return made["ridge"].folder.parents[1] / "logs"


@pytest.fixture(scope="session")
def browsing() -> Any:
    """The module beside this file that drives a browser."""
    path = Path(__file__).parent / "browser.py"
    spec = importlib.util.spec_from_file_location("report_browser", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["report_browser"] = module  # its dataclasses look their annotations up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def panel_run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    """A ridge on twelve made symbols with a signal each, as one panel."""
    place = tmp_path_factory.mktemp("panel")
    work = Panel(
        PANEL_NAME,
        PANEL_SYMBOLS,
        config=panel_config(),
        context="none",
        prices=panel_prices(),
        runs_dir=place / "runs",
        log_dir=place / "logs",
    )
    return RunsFolder(place / "runs").load(run_panel(work).name)
