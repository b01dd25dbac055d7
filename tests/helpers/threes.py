"""For every check a run in which it fires, one in which it is quiet, and one in which it does not apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from geiger.checks.base import Case
from geiger.checks.forecasts import DOCTOR
from geiger.records import Outcome, RunLog, SourceArm, Status
from helpers.cases import (
    BARE,
    BY_USER,
    FALLING,
    GREEN,
    both,
    card,
    case,
    checkpoint,
    config,
    epochs,
    figures,
    fold_score,
    healthy,
    notes,
    scores,
    trained,
    warned,
    with_,
)
from helpers.verdicts import CHECK, VERDICT

NOTHING = lambda log: BARE  # noqa: E731 - a change like the others
RED = replace(GREEN, color="red", leak="features: own_x", cause="it reads the next row", mend="use shift(0)")
BEFORE = Case("AAPL_lstm_20251201_000000", healthy())


@dataclass(frozen=True)
class Three:
    """A case in which a check fires, one in which it is quiet, one in which it does not apply."""

    fires: Case
    quiet: Case
    silent: Case | None  # None where every log can be asked


SIGNAL = with_(verdict=("SIGNAL: the forecasts know something of the next day",))
BROKEN = replace(
    CHECK,
    planted=(SourceArm(r2=0.05, p_values=(0.5,) * 20, oracle_p_values=(0.001,) * 20),),
)


def judged(**changes: Any) -> Callable[[RunLog], RunLog]:
    return with_(judged=replace(VERDICT, **{"made_on": GREEN.day, **changes}))


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
    "GC701": Three(case(with_(audit=None)), case(), case(with_(audit=None, status=None))),
    "GC702": Three(case(with_(audit=RED)), case(), case(with_(audit=None))),
    "GC703": Three(case(with_(audit=replace(GREEN, other=("code",)))), case(), case(with_(audit=None))),
    "GC801": Three(case(both(SIGNAL, with_(audit=None))), case(SIGNAL), case()),
    "GC802": Three(case(judged(p_value=0.004, corrected_p=0.03)), case(judged()), case()),
    "GC803": Three(case(judged(made_on="2025-12-28")), case(judged()), case()),
    "GC804": Three(case(judged(check=BROKEN)), case(judged()), case(judged(check=None))),
    "GC509": Three(case(config(**{"Lock-box": "none"})), case(), case(config(**{"Lock-box": None}))),
}
