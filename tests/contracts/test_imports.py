"""Which heavy libraries each command may load: what it does not need costs every call of it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from geiger.cli import main
from geiger.market.synthetic import planted_market
from helpers.runs import as_csv

HEAVY = {
    *("numpy", "polars", "pandas", "pyarrow", "numba", "scipy", "sklearn", "xgboost", "lightgbm", "catboost"),
    *("jax", "keras", "flatbuffers", "joblib", "threadpoolctl", "exchange_calendars", "arch", "matplotlib"),
    *(
        "bokeh_sampledata",
        "jinja2",
        "mcp",
        "pydantic",
        "rich",
        "yfinance",
        "multiprocessing",
        "asyncio",
        "ssl",
    ),
    "urllib.request",
    "IPython",  # which a package that a page reads a file of would load
    "scipy.stats",  # half a second; scipy.special has the same functions
}
RAN = (0, 3)  # 3: what the run found out is not good, and it ended as it should
NUMBA = "numba scipy multiprocessing ssl"  # and what it loads
CALENDARS = "exchange_calendars pandas pyarrow"
WALK = f"numpy polars {NUMBA} {CALENDARS} threadpoolctl"
SHORT = "AAPL --recipe quick --min-train 200 --lockbox 50 --max-folds 2 --data prices"

# command -> libraries that it may load
MAY_LOAD = {
    "--help": "",
    "train --help": "",
    "validate --help": "",
    "agents install --force": "",
    "runs": "",
    "mcp": "mcp pydantic asyncio multiprocessing ssl urllib.request",
    "logs list": "numpy",
    "logs analyze --all": "numpy",
    "features list": "numpy polars",
    "ablate --dry-run": "numpy polars",
    "data list --data prices": "numpy polars",
    "data show AAPL --data prices": f"numpy polars {CALENDARS}",
    "report RUN": f"numpy polars pyarrow matplotlib jinja2 {NUMBA}",
    "backtest --run RUN": WALK,
    "predict AAPL --run RUN --data prices": WALK,
    f"train ridge {SHORT}": WALK,
    f"train lgb {SHORT}": f"{WALK} lightgbm",
    f"train xgb {SHORT}": f"{WALK} xgboost",
}
LONG = ("ablate", "report", "backtest", "train ridge", "train lgb", "train xgb")  # seconds each
WHAT_IS_LOADED = (
    "import sys\nfrom geiger.cli import main\n"
    "try:\n    code = main()\nexcept SystemExit as stop:\n    code = stop.code\n"
    "print('LOADED', code, *sys.modules, file=sys.stderr)"  # the server takes stdout for itself
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with prices and one run of ridge."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "prices").mkdir()
    as_csv(folder / "prices", planted_market(1100, 1, 0.02).prices)
    line = "train ridge AAPL --recipe quick --min-train 200 --lockbox 50 --refit 60 --max-folds 2"
    places = ["--data", str(folder / "prices"), "--runs-dir", str(folder / "runs")]
    with redirect_stdout(io.StringIO()):
        assert main([*line.split(), *places, "--log-dir", str(folder / "training_logs")]) in RAN
    return folder


@pytest.mark.parametrize(
    "command",
    [pytest.param(line, marks=[pytest.mark.slow] * line.startswith(LONG)) for line in MAY_LOAD],
)
def test_a_command_loads_only_what_it_needs(command: str, project: Path) -> None:
    run = min(path.name for path in (project / "runs").glob("AAPL_ridge_*"))
    done = subprocess.run(
        [sys.executable, "-c", WHAT_IS_LOADED, *command.replace("RUN", run).split()],
        capture_output=True,
        text=True,
        cwd=project,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.DEVNULL,
        check=True,
    )
    _, code, *modules = done.stderr.splitlines()[-1].split()
    assert int(code) in RAN, done.stderr
    assert set(modules) & HEAVY <= set(MAY_LOAD[command].split())
