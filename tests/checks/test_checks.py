"""Every check of one run: it fires, stays quiet, and does not apply."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from geiger.checks.base import Case, Check, Fires, NotApplicable, Quiet, Severity
from geiger.checks.catalogue import CHECKS, ask_all, checks_page
from geiger.checks.forecasts import DOCTOR
from geiger.checks.training import NO_END
from geiger.cli.parser import build_parser
from geiger.metrics import HealthCode
from geiger.records import (
    Cause,
    Checkpoint,
    Epoch,
    Figure,
    FoldResult,
    FoldScore,
    Notice,
    Outcome,
    RunLog,
    Score,
    Scorecard,
    Status,
    Training,
    Year,
)

CONFIG = {
    "Symbol": "AAPL",
    "Model": "lstm",
    "Features": "154",
    "Recipe": "default",
    "Data": "folder (my prices)",
    "Days": "2010-01-04 to 2025-12-01 (4000 rows)",
    "Data Hash": "0123456789ab",
    "Lock-box": "last 252 rows, from 2024-12-01",
    "Context": "SPY",
    "Fill": "next_open",
    "Cost": "5 bp a unit of turnover",
    "Plateau": "x 0.5 after 10 epochs, at least 1e-06",
    "Early Stopping": "patience 30 epochs, best weights kept",
    "Versions": "code 1, Python 3.11",
}
TRAINING = Training(
    loss="mse",
    target_unit="standardised",
    target_std=0.01,
    weight_decay=0.0,
    learning_rate=1e-3,
    final_learning_rate=2.5e-4,
    epochs=20,
    best_epoch=9,
    steps=900,
    head_gradient_first=1.0,
    head_gradient_last=0.5,
    k_train=0.1,
    rho_train=0.1,
    nrc1=None,
    nrc2=None,
    copies_yesterday=0.0,
)
NAME = "AAPL_lstm_20251229_143022"
CODES = {check.code: check for check in CHECKS}


def epochs(losses: list[tuple[float, float]], fold: int = 0) -> tuple[Epoch, ...]:
    return tuple(Epoch(i + 1, loss, val, 0.05, 52.0, fold=fold) for i, (loss, val) in enumerate(losses))


def fold_score(fold: int, above: float | None = 0.5, net: float = 0.05) -> FoldScore:
    return FoldScore(
        fold, f"20{10 + fold}-01-04", f"20{10 + fold}-12-30", 252, 0.02, 0.1, above, 0.52, net, 0.06
    )


def figures(**changes: float | None) -> tuple[Figure, ...]:
    values = {
        "Direction_Accuracy": 0.53,
        "Prediction_Std": 0.06,
        "Positive_%": 0.6,
        "WFE": 0.6,
        "Test_Sharpe": 0.8,
        "Correlation": 0.05,
        "Train_Correlation": 0.1,
        "Break-even_Cost": 12.0,
        "Buy_&_Hold_Sharpe": 0.7,
        **changes,
    }
    return tuple(Figure(name.replace("_", " "), value, "number") for name, value in values.items())


def healthy() -> RunLog:
    """A complete log in which nothing is wrong."""
    points = tuple(Checkpoint(n, f"checkpoint {n}", Outcome.PASS, "fine") for n in range(1, 6))
    scores = (
        Score("correlation", "ratio", "neither", (("strategy", 0.3), ("buy_and_hold", 1.0))),
        Score("volatility_matched_p", "p", "lower", (("strategy", 0.01),)),
    )
    card = Scorecard(
        scores=scores,
        years=tuple(Year(year, 252, 0.05, 0.06, 0.1, 9.0) for year in range(2010, 2014)),
        folds=tuple(fold_score(fold) for fold in range(4)),
        notes=("Health: SHRUNK_OK: the spread fits.", "Doctor: HEALTHY: Healthy: nothing is to be done."),
    )
    return RunLog(
        config=tuple(CONFIG.items()),
        epochs=epochs([(1.0 - 0.01 * i, 1.0 - 0.005 * i) for i in range(20)]),
        folds=(FoldResult(0, *["2010-01-04"] * 6, 1000, 100, 252, (60,), 1.0),),
        trainings=(TRAINING,),
        figures=figures(),
        checkpoints=points,
        scorecard=card,
        warnings=(),
        status=Status.SUCCESS,
    )


def case(change: Callable[[RunLog], RunLog] = lambda log: log, **facts: Any) -> Case:
    facts = {"idle": 7200.0, "today": dt.date(2026, 1, 5), **facts}
    return Case(NAME, change(healthy()), dt.datetime(2025, 12, 29, 14, 30, 22), **facts)


def config(**changes: str | None) -> Callable[[RunLog], RunLog]:
    """Change settings; None removes one. An underscore in a name stands for a space."""
    new = {name.replace("_", " "): value for name, value in changes.items()}

    def change(log: RunLog) -> RunLog:
        merged = {**dict(log.config), **new}
        return replace(log, config=tuple((k, v) for k, v in merged.items() if v is not None))

    return change


def with_(**changes: Any) -> Callable[[RunLog], RunLog]:
    return lambda log: replace(log, **changes)


def card(**changes: Any) -> Callable[[RunLog], RunLog]:
    return lambda log: replace(log, scorecard=replace(log.scorecard, **changes))


def notes(*texts: str) -> Callable[[RunLog], RunLog]:
    return card(notes=texts)


def warned(*codes: str) -> Callable[[RunLog], RunLog]:
    return with_(warnings=tuple(Notice(code, f"about {code}") for code in codes))


def both(*changes: Callable[[RunLog], RunLog]) -> Callable[[RunLog], RunLog]:
    def change(log: RunLog) -> RunLog:
        for one in changes:
            log = one(log)
        return log

    return change


def trained(**changes: Any) -> Callable[[RunLog], RunLog]:
    return with_(trainings=(replace(TRAINING, **changes), TRAINING, replace(TRAINING, **changes)))


def checkpoint(number: int, outcome: Outcome) -> Callable[[RunLog], RunLog]:
    return lambda log: replace(
        log,
        checkpoints=tuple(
            replace(p, outcome=outcome, action="do this") if p.number == number else p
            for p in log.checkpoints
        ),
    )


def scores(**values: float) -> Callable[[RunLog], RunLog]:
    return card(scores=tuple(Score(n, "ratio", "neither", (("strategy", v),)) for n, v in values.items()))


BARE = RunLog(schema=0, status=Status.SUCCESS)  # a log that says nothing but its status
NOTHING = lambda log: BARE  # noqa: E731 - a change like the others
BEFORE = Case("AAPL_lstm_20251201_000000", healthy())


@dataclass(frozen=True)
class Three:
    """A case in which a check fires, one in which it is quiet, one in which it does not apply."""

    fires: Case
    quiet: Case
    silent: Case | None  # None where every log can be asked


BY_USER = "by the user (Ctrl-C); finished folds are kept, and the same command goes on from there"
FALLING = [(1.0 - 0.02 * i, 0.98 if i == 2 else 1.0 + 0.01 * abs(i - 2)) for i in range(12)]
THREES: dict[str, Three] = {
    "GC101": Three(case(with_(status=None)), case(), case(with_(status=None, stopped=BY_USER))),
    "GC102": Three(
        case(both(with_(status=Status.FAILED), warned("TRAINING_FAILED"))), case(), case(with_(status=None))
    ),
    "GC103": Three(case(with_(unread=(3, 9))), case(), None),
    "GC104": Three(
        case(with_(epochs=epochs([(1.0, 1.0), (float("nan"), 1.0)]))), case(), case(with_(epochs=()))
    ),
    "GC105": Three(case(with_(status=Status.COLLAPSED)), case(), case(with_(status=None))),
    "GC106": Three(case(with_(figures=())), case(), case(with_(status=Status.FAILED, figures=()))),
    "GC107": Three(case(with_(status=None, schema=0)), case(), case(with_(status=None))),
    "GC108": Three(case(with_(status=None, stopped=BY_USER)), case(), None),
    "GC111": Three(case(with_(epochs=epochs(FALLING))), case(), case(with_(epochs=epochs(FALLING[:4])))),
    "GC112": Three(
        case(with_(figures=figures(Train_Correlation=0.8, Correlation=0.02))),
        case(with_(figures=figures(Train_Correlation=0.3, Correlation=0.0))),
        case(with_(figures=figures(Train_Correlation=None))),
    ),
    "GC113": Three(case(with_(epochs=epochs([(1.0, 1.0)] * 8))), case(), case(config(Model="ridge"))),
    "GC114": Three(
        case(trained(final_learning_rate=1e-3)), case(), case(both(trained(), config(Plateau="off")))
    ),
    "GC115": Three(case(trained(final_learning_rate=1e-6)), case(), case(config(Plateau=None))),
    "GC116": Three(case(trained(best_epoch=1)), case(), case(with_(trainings=()))),
    "GC117": Three(
        case(trained(best_epoch=20)), case(), case(config(Early_Stopping="patience off, last weights kept"))
    ),
    "GC118": Three(
        case(both(config(Model="lgb"), with_(folds=(replace(healthy().folds[0], rounds=(3, 4)),)))),
        case(config(Model="lgb")),
        case(),
    ),
    "GC201": Three(case(notes("Health: COLLAPSED_CONSTANT: all but constant.")), case(), case(NOTHING)),
    "GC202": Three(case(notes("Health: COLLAPSED_SIGN: by a bias.")), case(), case(NOTHING)),
    "GC203": Three(case(notes("Health: DRIFT_ONLY, NO_SKILL: drift.")), case(), case(NOTHING)),
    "GC204": Three(case(notes("Health: OVERDISPERSED: too wide.")), case(), case(NOTHING)),
    "GC205": Three(case(notes("Health: SHRUNK_OK, NO_SKILL: noise.")), case(), case(NOTHING)),
    **{
        code: Three(case(notes(f"Doctor: {cause}: Words: and more.")), case(), case(notes()))
        for cause, (code, _, _) in DOCTOR.items()
    },
    "GC230": Three(case(card(folds=(fold_score(0, 0.95), fold_score(1, 0.1)))), case(), case(card(folds=()))),
    **{
        f"GC30{n}": Three(
            case(checkpoint(n, Outcome.FAIL)), case(), case(checkpoint(n, Outcome.NOT_APPLICABLE))
        )
        for n in range(1, 6)
    },
    "GC401": Three(case(warned("LEAK_SUSPECT")), case(), case(with_(status=None, figures=()))),
    "GC402": Three(case(with_(figures=figures(**{"Break-even_Cost": 3.0}))), case(), case(config(Cost=None))),
    "GC403": Three(
        case(scores(correlation=0.9, volatility_matched_p=0.4)),
        case(scores(correlation=0.9, volatility_matched_p=0.01)),
        case(card(scores=())),
    ),
    "GC404": Three(
        case(card(folds=tuple(fold_score(n, net=net) for n, net in enumerate((0.5, -0.1, 0.02, -0.03))))),
        case(),
        case(card(folds=(), years=())),
    ),
    "GC405": Three(case(config(Fill="close")), case(), case(config(Fill=None))),
    "GC501": Three(case(config(Context="none")), case(), case(config(Context=None))),
    "GC502": Three(case(warned("DATA_GAPS")), case(warned("RESUMED")), case(with_(status=None))),
    "GC503": Three(case(config(Days="2000-01-03 to 2013-03-01")), case(), case(config(Days=None))),
    "GC504": Three(
        case(config(Recipe="plan"), before=BEFORE), case(before=BEFORE), case(config(Recipe="plan"))
    ),
    "GC505": Three(
        case(config(Data_Hash="ffff"), before=BEFORE), case(before=BEFORE), case(config(Data_Hash="ffff"))
    ),
    "GC506": Three(
        case(config(Versions="code 2"), before=BEFORE), case(before=BEFORE), case(config(Versions="code 2"))
    ),
    "GC507": Three(case(config(Features="160")), case(), case(config(Features=None))),
    "GC508": Three(case(warned("FALLBACK")), case(), None),
    "GC509": Three(case(config(**{"Lock-box": "none"})), case(), case(config(**{"Lock-box": None}))),
}


def test_every_check_has_its_three() -> None:
    assert set(THREES) == set(CODES)
    assert len(CODES) == len(CHECKS), "two checks share a code"


@pytest.mark.parametrize("code", CODES)
def test_it_fires(code: str) -> None:
    answer = CODES[code].ask(THREES[code].fires)
    assert isinstance(answer, Fires)
    assert answer.text
    assert answer.cause
    assert answer.evidence, "a finding rests on something"
    assert build_parser().parse_args(shlex.split(answer.next)[1:]), "the next step is a command"


@pytest.mark.parametrize("code", CODES)
def test_it_stays_quiet(code: str) -> None:
    assert CODES[code].ask(THREES[code].quiet) == Quiet()


@pytest.mark.parametrize("code", [code for code, three in THREES.items() if three.silent])
def test_it_does_not_apply(code: str) -> None:
    silent = THREES[code].silent
    assert silent is not None
    answer = CODES[code].ask(silent)
    assert isinstance(answer, NotApplicable)
    assert answer.why


def test_a_healthy_run_has_no_findings() -> None:
    assert ask_all(case()) == ()


def test_a_log_that_says_nothing_breaks_no_check() -> None:
    for log in (RunLog(), BARE, RunLog(status=Status.COLLAPSED)):
        ask_all(Case("x", log))


def test_the_gravest_comes_first() -> None:
    found = ask_all(case(both(config(Fill="close", Context="none"), warned("LEAK_SUSPECT"))))
    assert [f.code for f in found] == ["GC401", "GC501", "GC405"]


def test_a_log_that_still_grows_is_not_called_killed() -> None:
    (found,) = (f for f in ask_all(case(with_(status=None), idle=20.0)) if f.code == "GC101")
    assert found.severity is Severity.NOTE
    assert "may still go on" in found.text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (with_(status=None), "GC101"),
        (with_(status=None, stopped=BY_USER), "GC108"),
        (with_(status=None, schema=0), "GC107"),
        (with_(status=None, schema=0, stopped=BY_USER), "GC108"),
        (with_(status=None, lines={"STATUS": 90}), "GC107"),
    ],
)
def test_each_log_without_a_status_has_one_reason(change: Callable[[RunLog], RunLog], code: str) -> None:
    """It was killed only where a log of ours breaks off and nobody said why."""
    assert [f.code for f in ask_all(case(change)) if f.code in NO_END] == [code]


def test_figures_that_are_undefined_measure_nothing() -> None:
    names = ("Direction Accuracy", "Prediction Std", "Positive %", "WFE", "Test Sharpe")
    none = with_(figures=tuple(Figure(name, None, "number") for name in names))
    assert "GC106" in {f.code for f in ask_all(case(none))}


def test_a_run_that_ended_after_all_was_not_stopped() -> None:
    assert "GC108" not in {f.code for f in ask_all(case(with_(stopped=BY_USER)))}


def test_every_row_of_the_doctor_and_of_the_health_table_has_its_check() -> None:
    assert set(DOCTOR) == set(Cause) - {Cause.HEALTHY}
    quiet = {HealthCode.SHRUNK_OK, HealthCode.NONFINITE}  # the first is fine, the second ends FAILED
    for code in set(HealthCode) - quiet:
        found = ask_all(case(notes(f"Health: {code}: words.")))
        assert any(f.code.startswith("GC20") for f in found), code


def plan_log(std: str, positive: str, status: str) -> RunLog:
    from geiger.runlog.reader import parse_text

    return parse_text(
        "=== TRAINING CONFIG ===\nSymbol: AAPL\nModel: lstm_regressor\nFeatures: 154\n\n"
        "=== FINAL METRICS ===\nDirection Accuracy: 54.2%\n"
        f"Prediction Std: {std}\nPositive %: {positive}\nWFE: 42.3%\nTest Sharpe: 0.87\n\n"
        f"=== STATUS ===\n{status}\n"
    )


@pytest.mark.parametrize(
    ("std", "positive", "status", "codes"),
    [
        ("0.0423", "52.1%", "SUCCESS", ["GC304"]),
        ("0.0001", "52.1%", "COLLAPSED", ["GC105", "GC201", "GC302", "GC304"]),
        ("0.0423", "99.9%", "COLLAPSED", ["GC105", "GC202", "GC304"]),
        ("0.0423", "99.9%", "SUCCESS", ["GC203", "GC304"]),
    ],
)
def test_a_log_with_the_plans_sections_only_is_judged_by_its_figures(
    std: str, positive: str, status: str, codes: list[str]
) -> None:
    found = ask_all(Case("AAPL_lstm_20251229_143022", plan_log(std, positive, status)))
    assert [f.code for f in found] == codes
    lines = {f.code: f.evidence[0].line for f in found}
    assert lines["GC304"] == 10
    assert all(line is not None for line in lines.values())


def test_the_next_command_quotes_what_the_log_says() -> None:
    found = ask_all(case(both(config(Data="folder (a b; rm -rf x)", Recipe="plan"), warned("LEAK_SUSPECT"))))
    words = shlex.split(next(f.next for f in found if f.code == "GC401"))
    assert words == ["geiger", "data", "show", "AAPL", "--data", "a b; rm -rf x"]


def test_prices_from_a_folder_are_named_by_the_folder_so_that_the_context_is_found_again() -> None:
    for place, wanted in (
        ("folder (prices/AAPL.csv)", "geiger data show AAPL --data prices"),
        ("file (mine/AAPL.csv)", "geiger data show AAPL --data mine/AAPL.csv"),
        ("embedded (AAPL of a sample)", "geiger data show AAPL"),
    ):
        assert case(config(Data=place)).command("data show") == wanted


def test_a_run_is_backtested_as_itself_and_a_backtest_as_the_run_it_traded() -> None:
    assert case().backtest() == f"geiger backtest AAPL --run {NAME}"
    traded = case(config(Forecasts_of="AAPL_lstm_20251201_000000"))
    assert traded.backtest() == "geiger backtest AAPL --run AAPL_lstm_20251201_000000"
    assert case(config(Data_Hash=None, Data=None)).backtest() == "geiger backtest AAPL --model lstm"


def test_a_killed_run_goes_on_with_the_very_command_it_was_typed_with() -> None:
    line = "geiger train lstm AAPL --epochs 7 --data 'my prices'"
    assert case(config(Command=line)).again() == line
    assert case().again() == "geiger train lstm AAPL --data 'my prices'"
    for other in ("rm -rf x", "geiger 'train", "geiger data fetch X", ""):
        assert case(config(Command=other)).again() == case().again()
    hostile = case(config(Command="geiger train lstm AAPL ; reboot")).again()
    assert hostile == "geiger train lstm AAPL ';' reboot", "one command, whatever the log says"
    own = config(Model="own", Data=None)
    assert case(own).again() == "geiger logs show AAPL_lstm_20251229_143022"
    assert case(own).remedy() == "geiger train ridge AAPL"


def test_a_symbol_that_is_none_is_not_put_into_a_command() -> None:
    hostile = case(both(config(Symbol="A;reboot", Fill="close")))
    assert all("reboot" not in f.next for f in ask_all(hostile))


def test_the_remedy_is_never_the_same_run_again() -> None:
    for recipe, model, wanted in (
        ("plan", "lstm", "geiger train lstm AAPL --recipe default"),
        ("default", "lstm", "geiger train ridge AAPL"),
        ("default", "ridge", "geiger data show AAPL"),
    ):
        assert case(config(Recipe=recipe, Model=model, Data=None)).remedy() == wanted


def test_the_page_lists_every_check() -> None:
    page = checks_page()
    for check in CHECKS:
        assert f"## {check.code} {check.title}\n" in page


def test_codes_never_change() -> None:
    """Programs rely on them: a code may be added here, none may go or change its meaning."""
    assert {code: check.title for code, check in CODES.items()} | KNOWN == {
        code: check.title for code, check in CODES.items()
    }


KNOWN = {
    "GC101": "The run was killed",
    "GC102": "The run failed",
    "GC103": "Lines that cannot be read",
    "GC106": "Nothing was measured",
    "GC107": "No STATUS",
    "GC108": "The run was stopped",
    "GC201": "Collapsed to a constant",
    "GC202": "One sign by a bias",
    "GC304": "Checkpoint 4: WFE > 50%",
    "GC401": "Too good to be true",
}


def fires_only(check: Check, one: Case) -> bool:
    return isinstance(check.ask(one), Fires)


def test_over_fitting_needs_more_than_half_of_the_members() -> None:
    good = [(1.0 - 0.01 * i, 1.0 - 0.005 * i) for i in range(12)]
    half = with_(epochs=epochs(FALLING) + epochs(good, fold=1))
    most = with_(epochs=epochs(FALLING) + epochs(FALLING, fold=1) + epochs(good, fold=2))
    assert not fires_only(CODES["GC111"], case(half))
    assert fires_only(CODES["GC111"], case(most))


def test_over_fitting_counts_more_where_the_last_weights_are_kept() -> None:
    kept, lost = (
        CODES["GC111"](case(both(with_(epochs=epochs(FALLING)), config(Early_Stopping=text))))
        for text in ("patience 30 epochs, best weights kept", "patience off, last weights kept")
    )
    assert kept is not None
    assert lost is not None
    assert (kept.severity, lost.severity) == (Severity.NOTE, Severity.WARN)
    assert "epoch 3 0.9800, epoch 12 1.0900" in kept.text


def test_one_year_can_carry_the_result_where_the_log_has_no_folds() -> None:
    years = tuple(Year(2010 + i, 252, net, 0.0, 0.1, 1.0) for i, net in enumerate((-0.02, 0.4, -0.05)))
    found = CODES["GC404"](case(card(folds=(), years=years)))
    assert found is not None
    assert found.text.startswith("year 2011 gained 40.00%, all others together -6.90%")


RISING = [(1.0 + 0.02 * i, val) for i, (_, val) in enumerate(FALLING)]


@pytest.mark.parametrize(
    ("code", "change", "why"),
    [
        ("GC111", with_(epochs=epochs(RISING)), "the train loss rises too"),
        ("GC402", with_(figures=figures(**{"Break-even_Cost": -3.0})), "it loses before costs"),
        (
            "GC403",
            both(scores(correlation=0.9, volatility_matched_p=0.4), with_(figures=figures(Test_Sharpe=-0.2))),
            "no gain to explain",
        ),
        (
            "GC404",
            card(folds=tuple(fold_score(n, net=net) for n, net in enumerate((0.2, -0.3, -0.1, -0.1)))),
            "nothing to carry",
        ),
        ("GC401", with_(figures=figures(Test_Sharpe=2.9)), "daily returns allow it"),
    ],
)
def test_the_other_side_of_a_condition(code: str, change: Callable[[RunLog], RunLog], why: str) -> None:
    assert CODES[code].ask(case(change)) == Quiet(), why


def test_a_booster_that_keeps_all_its_trees_did_not_keep_its_best_epoch() -> None:
    grown = both(config(Model="lgb"), with_(epochs=epochs(FALLING)))
    for rounds, severity in ((12, Severity.WARN), (3, Severity.NOTE)):
        folds = (replace(healthy().folds[0], rounds=(rounds,)),)
        found = CODES["GC111"](case(both(grown, with_(folds=folds))))
        assert found is not None
        assert found.severity is severity


def test_a_run_on_fresh_prices_is_not_stale_because_a_year_of_them_is_locked() -> None:
    """Development rows up to 2024-12-31 and a year of locked ones after them, read on 2026-01-05."""
    locked = {"Days": "2000-01-03 to 2024-12-31", "Lock-box": "last 252 rows, from 2025-01-02"}
    assert CODES["GC503"].ask(case(config(**locked))) == Quiet()
    found = CODES["GC503"](case(config(**{**locked, "Lock-box": "none"})))
    assert found is not None
    assert found.text == "the development rows end on 2024-12-31, 370 days ago"
    old = CODES["GC503"](case(config(**{**locked, "Days": "2000-01-03 to 2023-12-29"})))
    assert old is not None
    assert old.text.endswith("738 days ago; the 252 locked rows after it cover at most about 365 of these")
