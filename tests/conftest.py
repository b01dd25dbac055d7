"""Settings of every test, and runs that many of them read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import settings

from geiger.records import Figure, Health, HealthCode, Status
from geiger.runs.record import Environment, Provenance, Results, RunRecord
from geiger.seeds import generator

if TYPE_CHECKING:
    from geiger.experiment.written import Run
    from geiger.runs.folder import StoredRun

pytest.register_assert_rewrite("helpers")  # an assertion there shows its values as well

# Networks are tiny here: compiling them well would take longer than all that they compute.
# Flags that are set already stand: a run as another processor sets some.
FAST = ("--xla_backend_optimization_level=0", "--xla_llvm_disable_expensive_passes=true")
_given = os.environ.get("XLA_FLAGS", "")
_added = (flag for flag in FAST if flag.partition("=")[0] not in _given)
os.environ["XLA_FLAGS"] = " ".join([_given, *_added]).strip()

# One folder of compiled networks for all of a session's processes; no test reads or writes the user's own.
# Workers of pytest-xdist inherit the first process' choice.
_kept = "PYTEST_XDIST_WORKER" in os.environ or tempfile.TemporaryDirectory(prefix="geiger-compiled-")
if not isinstance(_kept, bool):
    os.environ["GEIGER_COMPILE_CACHE"] = _kept.name

# Two workers on two processors: threads of linear algebra that wait for each other would cost more than all
# that they compute. NumPy reads it when it loads: it counts for workers of pytest-xdist and what they start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# No test against the clock: a busy machine is not a defect. The same examples on every run: a failure is one
# for everybody.
settings.register_profile("geiger", deadline=None, derandomize=True)
settings.load_profile("geiger")


@pytest.fixture(scope="session")
def other_future() -> Callable[..., pl.DataFrame]:
    """Prices and a row -> the same market up to that row, and another one after it."""

    def other_future(prices: pl.DataFrame, cut: int, seed: int = 1) -> pl.DataFrame:
        rng = generator(seed, "other future")
        factor = np.ones(prices.height)
        factor[cut + 1 :] = np.exp(rng.normal(0.0, 0.3, prices.height - cut - 1))
        names = ["open", "high", "low", "close", "raw_close"]
        return prices.with_columns(pl.col(names) * factor, pl.col("volume") * factor**3)

    return other_future


@pytest.fixture(scope="session")
def made_record() -> Callable[..., RunRecord]:
    """Make the record of a small training of AAPL; changes are fields of it."""

    def made_record(**changes: Any) -> RunRecord:
        data = Provenance(
            source="folder",
            where="prices/AAPL.csv",
            first_day="2020-01-02",
            last_day="2021-06-03",
            rows=360,
            data_hash="0" * 64,
            lockbox_rows=0,
            features="features v1",
        )
        common: dict[str, Any] = {
            "name": "AAPL_ridge_20240105_143022",
            "symbol": "AAPL",
            "model": "ridge",
            "status": Status.SUCCESS,
            "config": {"recipe": "quick"},
            "fill": "next_open",
            "days_per_year": 252,
            "data": data,
            "environment": Environment(python="3.12.1", machine="Linux x86_64", threads=2, code="ab12"),
            "results": Results(
                health=Health(HealthCode.SHRUNK_OK, (HealthCode.NO_SKILL,), "small and right", 100, 0.1),
                figures=(Figure("WFE", None, "share"),),
                checkpoints=(),
                ladder=(),
                scores=(),
                years=(),
                folds=(),
            ),
            "finished_at": "2024-01-05T14:30:22.000000+00:00",
        }
        return RunRecord(**{**common, **changes})

    return made_record


@pytest.fixture(scope="session")
def panel_folder() -> Path:
    """The folder of development prices, from GEIGER_PANEL."""
    from helpers.real import PANEL  # not at the top: no helper may load before its assertions are rewritten

    if not PANEL:
        pytest.skip("GEIGER_PANEL is not set: no test on real series; set it to a folder of SYMBOL.csv")
    return Path(PANEL)


# ---- small runs, trained once for all tests that only read them; see `helpers.runs` ----


@pytest.fixture(scope="session")
def planted() -> pl.DataFrame:
    """Prices of a market with a signal."""
    from geiger.market.synthetic import planted_market
    from helpers.runs import ROWS

    return planted_market(ROWS, seed=5, r2=0.05).prices


@pytest.fixture
def planted_folder(tmp_path: Path, planted: pl.DataFrame) -> Path:
    """The market as a file of AAPL, in a folder of its own."""
    from helpers.runs import as_csv

    data = tmp_path / "data"
    data.mkdir()
    as_csv(data, planted)
    return data


@pytest.fixture(scope="session")
def stack_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stack below has its runs and logs."""
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="session")
def stack_run(stack_place: Path, planted: pl.DataFrame) -> Run:
    """A stack on the planted market, nothing locked."""
    from geiger.experiment.run import run
    from helpers.runs import stack_experiment

    return run(stack_experiment(stack_place, planted))


@pytest.fixture(scope="session")
def stack_stored(stack_run: Run) -> StoredRun:
    """The same, as it is stored."""
    from helpers.runs import stored_of

    return stored_of(stack_run)


@pytest.fixture(scope="session")
def locked_run(tmp_path_factory: pytest.TempPathFactory, planted: pl.DataFrame) -> Run:
    """A stack on the planted market with a lock-box."""
    from geiger.experiment.run import run
    from helpers.runs import locked_experiment

    return run(locked_experiment(tmp_path_factory.mktemp("for_use"), planted))


# ---- a small panel, trained once for all tests that only read it; see `helpers.panels` ----


@pytest.fixture(scope="session")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where twelve made symbols lie in ``prices``, and a judged ridge over them in ``runs`` and ``logs``."""
    from geiger.judging.panel import panel
    from geiger.panel.experiment import Panel
    from helpers.panels import NAME, SYMBOLS, panel_config, write_panel_folder

    place = tmp_path_factory.mktemp("twelve")
    prices = write_panel_folder(place / "prices")
    runs, logs = place / "runs", place / "logs"
    panel(
        Panel(NAME, SYMBOLS, config=panel_config(), data=prices, context="none", runs_dir=runs, log_dir=logs)
    )
    return place
