"""Nothing is done twice: what each command does is counted, and each count has its formula.

A count that rises is work that nobody asked for, however fast the machine; one that falls is written down
here. Nothing is timed.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from geiger.cli import main
from geiger.market.synthetic import planted_market
from geiger.settings import MODELS
from helpers.runs import as_csv
from helpers.work import Work, counted

SEEDS = 2
SCORED, SEALED, FOR_USE = 3, 1, 1  # folds: scored, over the lock-box, and the model that is kept
FITTED = SCORED + SEALED + FOR_USE
SERIES = 2  # the symbol and its index
SPANS = 2  # up to the lock-box, and up to the last bar
BASELINES = 4  # ledgers beside the strategy's
PROBED = 2  # folds that an estimate trains; of trees one member more, which loads the library
STEPS = 2  # fits of one member: to choose, and on the rows that chose as well
SMALL = (
    *("--recipe", "quick", "--data", "data", "--min-train", "200", "--lockbox", "50", "--refit", "60"),
    *("--max-folds", str(SCORED), "--seeds", str(SEEDS), "--workers", "1"),
)
UNAIDED = ("--no-audit", "--no-check-source")  # both train many times more
SETTINGS = """
[lstm]
lookback = 12
burn_in = 5
stretch = 32
width = 8
blocks = 2
heads = 2
lstm = [4]
key = 4
inner = 8
batch_size = 128
keep_best = false
[stack]
models = ["ridge", "lgb"]
min_rows = 60
"""
EPOCHS = 3
Counted = Callable[..., Work]


@pytest.fixture
def do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Run one command beside a small market, and return what it did."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    as_csv(tmp_path / "data", planted_market(1100, 3, 0.0).prices)
    (tmp_path / "data" / "AAPL.csv").rename(tmp_path / "data" / "SPY.csv")
    as_csv(tmp_path / "data", planted_market(1100, 1, 0.02).prices)
    (tmp_path / "settings.toml").write_text(SETTINGS, encoding="utf-8")

    def do(*words: str) -> Work:
        with counted(tmp_path) as work, redirect_stdout(io.StringIO()) as said:
            code = main(list(words))
        assert code in (0, 3), said.getvalue()
        return work

    return do


def of(work: Work, expected: dict[str, int]) -> dict[str, int]:
    """Return the counts that are expected of, and all others that are not 0."""
    return {name: work[name] for name in {**expected, **work}}


def read_again(work: Work) -> dict[str, int]:
    """What was read more than once; files of the register have the names of their content."""
    kept = {str(Path("runs", "trials", name)): name for name in ("series", "scores")}
    found = {str(Path(name).parent): n for name, n in work.read_again.items() if name.endswith(".parquet")}
    others = {name: n for name, n in work.read_again.items() if not name.endswith(".parquet")}
    return others | {kept.get(folder, folder): n for folder, n in found.items()}


def run_of(model: str) -> str:
    """Return the name of the one run of a model."""
    (folder,) = Path("runs").glob(f"AAPL_{MODELS[model].log_name}_*")
    return folder.name


INDEX = str(Path("runs", "snapshots", "index.jsonl"))  # small; read before and after a series is kept
LOOKS = SERIES + 1
ADDED = 2  # tries that a run registers: its forecasts, and their trading
REGISTER = str(Path("runs", "trials", "register.jsonl"))
EVALUATED = {"ledgers": 1 + BASELINES + SCORED, "scorecards": 1, "health": 1}  # in sample: one of each fold
LOADED = {"price files": SERIES, "judged series": 1}
TRAINED = {
    **LOADED,
    **EVALUATED,
    "hashes of prices": SERIES + 1,  # of each as it is kept, and of the symbol's for the key of its forecasts
    "feature matrices": SPANS,
    "targets": SPANS,
    "estimates": 1,
    "folds cut": FITTED,
    "frames written": 6,  # forecasts, ledger, members, in_sample, importances, sealed
    "models written": 1,
}
# All members of a fold on all its rows. Where the fold is scored, the first one also without the inner
# validation rows: its course is the log's.
TOLD = SCORED + PROBED
UNTOLD = SEALED + FOR_USE
TREES = {
    "trees grown": TOLD * (SEEDS + 1) + UNTOLD * SEEDS + STEPS,
    "tables of rows": (TOLD + 1) * STEPS + UNTOLD,
}
MEMBERS = FITTED * SEEDS
FITS = {
    # All penalties at once, and all rows under the one that was chosen.
    "ridge": {"eigendecompositions": FITTED + PROBED, "linear systems": FITTED + PROBED},
    **dict.fromkeys(("lgb", "xgb", "catboost"), TREES),
    "lstm": {
        "networks": 1,
        # An epoch and a forecast, of one length for all folds; that of a few days, kept for `predict`.
        "shapes compiled": 2 + 1,
        "screens": FITTED,
        "searches for pairs": FITTED,
        # A screen: what is linear, the penalty, and all rows under it; a network: the collapse of its tokens.
        "eigendecompositions": FITTED * 3 + MEMBERS,
        "epochs": MEMBERS * EPOCHS * STEPS,
        # Before and after each epoch that chooses; of the rows learned from, for the doctor; of test rows; of
        # those learned from once more, in sample; and of those between the last scored row and the next
        # decision.
        "network forecasts": MEMBERS * (1 + EPOCHS + 2) + SCORED * SEEDS + SEEDS,
    },
}


@pytest.mark.parametrize(
    "model", [pytest.param(m, marks=[pytest.mark.slow] * (m in ("catboost", "lstm"))) for m in FITS]
)
def test_a_training_fits_what_it_must_and_no_more(
    do: Counted, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if model == "lstm":
        from geiger.models.nets import exported, forecaster
        from geiger.models.nets.compiled import Programs

        forecaster._program.cache_clear()  # another test of this process may have made the same network
        monkeypatch.setattr(exported, "_programs", lambda: Programs(tmp_path))  # nothing is kept yet
    words = ("--config", "settings.toml", "--epochs", str(EPOCHS)) if model == "lstm" else ()
    work = do("train", model, "AAPL", *SMALL, *UNAIDED, *words)
    expected = {**TRAINED, **FITS[model]}
    assert of(work, expected) == expected
    assert read_again(work) == {INDEX: LOOKS, REGISTER: ADDED, "series": ADDED}


@pytest.mark.slow
def test_a_stack_is_trained_forecast_and_traded_from_what_there_is(do: Counted) -> None:
    """Of its base models one has a run already; of the other the time is estimated once."""
    do("train", "ridge", "AAPL", *SMALL, *UNAIDED)
    ridge = str(Path("runs", run_of("ridge"), "run.json"))
    work = do("train", "stack", "AAPL", *SMALL, *UNAIDED, "--config", "settings.toml")
    rivals, weighed = 3, 2  # simpler stacks; scored blocks of the stack
    expected = {
        **TRAINED,
        **FITS["lgb"],
        "hashes of prices": 2 * SERIES + 1,  # kept already: what lies there is checked
        "ledgers": 2 * (1 + BASELINES) + SCORED + weighed + rivals,
        "scorecards": 2,
        "health": 2,
        "frames read": SERIES + 2 * 3,  # what is kept; forecasts, members, sealed of each base model
        "frames written": 6
        + 7,  # the stack has out_of_fold, weights and rivals in place of members and importances
        "records read": 2 * 2 + 1,  # each base model is looked for to say how long it takes, and to use it
        "models written": 2,
        "models read": 1,  # of the base model that has a weight: ridge is constant here
    }
    assert of(work, expected) == expected
    assert read_again(work) == {
        **{INDEX: LOOKS, ridge: 4, str(Path("runs", "forecasts.jsonl")): 2},
        **{"series": 2 * ADDED, "scores": 2},  # of two runs; scores of ridge by each of them
    }

    runs = 3
    work = do("predict", "AAPL", "--model", "stack")
    expected = {
        **LOADED,
        "hashes of prices": 2 * SERIES + 1,
        "feature matrices": 1,
        "targets": 1,
        "frames read": SERIES + 2,  # forecasts, sealed
        "records read": runs + 1,  # first the newest, which tells a symbol from a panel
        "models read": 1,
    }
    assert of(work, expected) == expected
    newest = str(Path("runs", run_of("stack"), "run.json"))
    assert work.read_again == {INDEX: LOOKS, newest: 2}

    curve = 2 * 8  # ledgers: the forecasts and buying and holding at seven costs, and a day late
    again = {
        "judged series": 1,
        "hashes of prices": 2 * SERIES + 1,
        "feature matrices": SPANS,
        "targets": SPANS,
    }
    work = do("backtest", "AAPL", "--model", "ridge")  # as it was traded in training: only shown
    expected = {**again, "ledgers": curve, "frames read": SERIES + 1, "records read": runs + 1}
    assert of(work, expected) == expected
    assert read_again(work) == {INDEX: SERIES, newest: 2}

    work = do("backtest", "AAPL", "--model", "ridge", "--again")
    expected = {
        **again,
        **EVALUATED,
        "ledgers": EVALUATED["ledgers"] + curve,
        "frames read": SERIES + 3,  # forecasts, for the curve as well; in_sample
        "frames written": 2,  # forecasts, ledger
        # first the newest, as above; once more that of the run that made the forecasts, for its audit
        "records read": runs + 2,
    }
    assert of(work, expected) == expected
    folder = Path("runs", run_of("ridge"))  # its forecasts, for the curve and to trade them
    again_read = {str(folder): 2, str(folder / "run.json"): 2}
    assert read_again(work) == {INDEX: SERIES, newest: 2, **again_read, "series": ADDED}


def test_a_page_and_the_logs_read_each_file_once(do: Counted) -> None:
    do("train", "lgb", "AAPL", *SMALL, *UNAIDED)
    log = {"logs parsed": 1, "events parsed": 1}
    work = do("report", run_of("lgb"))
    expected = {
        **log,
        "logs checked": 1,
        "records read": 1,
        "frames read": 3,  # ledger, forecasts, importances
        # buy and hold, whole and at the strategy's volatility; both paths at six other costs, and a day late
        "ledgers": 2 + 2 * 7,
        "pages": 1,
    }
    assert of(work, expected) == expected
    assert work.read_again == {}
    work = do("logs", "list")
    assert of(work, log) == {**log, "logs checked": 1}
    assert work.read_again == {}
    assert of(do("logs", "list"), {}) == {}, "the index has it"
