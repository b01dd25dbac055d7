"""The live view in a real browser while a real training of a small network goes on.

Needs a browser of the Chromium family, which it finds and never installs.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

TRAINING = """
import sys
from pathlib import Path
from geiger.experiment.run import run
from geiger.market.synthetic import planted_market
from helpers.runs import LSTM, experiment, network_settings
config = network_settings(max_folds=6, lstm={**LSTM, "epochs": 60, "stop_patience": None})
run(experiment(Path(sys.argv[1]), planted_market(900, seed=5, r2=0.05).prices, "lstm", config, "LIVE"))
"""
PATIENCE = 90.0  # seconds; a loaded machine is slow, a broken page is silent
SCREENS = {
    "desk": {"width": 1280},
    "small phone, dark": {"width": 360, "mobile": True, "dark": True},
}


def browsing() -> Any:
    """The module that drives a browser, which stands beside the tests of the report."""
    path = Path(__file__).parents[1] / "report" / "browser.py"
    spec = importlib.util.spec_from_file_location("live_browser", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["live_browser"] = module
    spec.loader.exec_module(module)
    return module


class Place:
    """An address where the browser's module expects a file."""

    def __init__(self, address: str) -> None:
        self._address = address

    def resolve(self) -> Place:
        return self

    def as_uri(self) -> str:
        return self._address


ENV = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@contextmanager
def started(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    line = [sys.executable, *words]
    with subprocess.Popen(line, cwd=folder, env=ENV, text=True, stdout=subprocess.PIPE) as child:
        try:
            yield child
        finally:
            child.kill()


def until(ask: Callable[[], Any], what: str) -> Any:
    """Return the first answer that is something."""
    over = time.monotonic() + PATIENCE
    while time.monotonic() < over:
        if found := ask():
            return found
        time.sleep(0.2)
    raise AssertionError(f"never: {what}")


def asked(page: Any, script: str) -> Any:
    """Return what an expression is worth on the page; None while the browser goes to another one."""
    try:
        return page.run(script)
    except AssertionError as error:
        if "navigated" in str(error) or "context" in str(error):
            return None
        raise


@pytest.mark.parametrize("screen", SCREENS)
def test_a_training_is_seen_from_its_start_to_its_report(screen: str, tmp_path: Path) -> None:
    driver = browsing()
    program = driver.find_browser()
    if program is None:
        pytest.skip(f"NO BROWSER: none of {', '.join(driver.NAMES)} is installed, so no page was looked at")
    pytest.importorskip("uvicorn", reason="NO UVICORN: the live view was not started")
    serve = ("-m", "geiger", "serve", "--port", "0", "--log-dir", "logs")
    with started(tmp_path, *serve) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found
        with driver.open_page(program, Place(found[0]), **SCREENS[screen]) as page:
            assert "No runs yet" in page.run("document.body.innerText")
            assert page.run("document.body.innerText").count("geiger train") == 1
            with started(tmp_path, "-c", TRAINING, str(tmp_path)) as training:
                until(
                    lambda: asked(page, "document.querySelector('#active a') !== null"),
                    "the training is listed",
                )
                assert page.run("document.getElementById('connection').textContent") == "live"
                page.run("document.querySelector('#active a').click()")
                until(
                    lambda: asked(page, "document.querySelectorAll('#epochs tbody tr').length"),
                    "epochs are shown",
                )
                until(
                    lambda: asked(page, "document.querySelectorAll('figure.live svg').length === 2"),
                    "curves are drawn",
                )
                assert page.run("document.documentElement.scrollWidth <= innerWidth")
                if shots := os.environ.get("GEIGER_SHOTS"):
                    page.picture(Path(shots) / f"training {screen}.png", 0, 1400, SCREENS[screen]["width"])
                assert training.wait(timeout=PATIENCE) == 0
                until(
                    lambda: asked(page, "document.getElementById('figures') !== null"), "the report is shown"
                )
            page.run("Array.from(document.links).find(one => one.textContent === 'All runs').click()")
            until(
                lambda: asked(page, "document.querySelectorAll('.runs-table tbody tr').length === 1"),
                "the run is listed",
            )
            assert "LIVE lstm" in page.run("document.querySelector('.runs-table').innerText")
            assert page.run("document.documentElement.scrollWidth <= innerWidth")
            assert page.complaints() == []
            here = found[0]
            assert [url for url in page.requests() if not url.startswith((here, "data:"))] == []
