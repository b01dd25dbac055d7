"""Does the trading result stand on its own feet: costs, market beta, single folds and years, alarms."""

from __future__ import annotations

import math

from geiger.backtest.yardsticks import days_to_alarm
from geiger.checks.base import Answer, Case, Evidence, Fires, NotApplicable, Quiet, Severity, check
from geiger.figures import FigureName, ScoreName
from geiger.records import as_text

LIKE_THE_MARKET = 0.7  # correlation of the net returns with buy-and-hold
CHANCE = 0.05  # p of the volatility-matched difference above which it cannot be told from chance
TOO_OFTEN_RIGHT = 0.7  # the plan calls 65% excellent; no market rises on so many of its days
PARTS = 3  # folds or years of which one can carry the result


@check(
    "GC401",
    "Too good to be true",
    Severity.FAIL,
    how="The log warns LEAK_SUSPECT: direction accuracy above its base rate, net Sharpe ratio or R^2 beyond "
    "what daily returns allow, by more than 1.645 standard errors. In a log without a scorecard: a Test "
    "Sharpe above 3, with the number of days from which on that is beyond chance, or a direction accuracy "
    "above 70% where no base rate stands beside it.",
    why="A value of the future among the inputs makes such figures: rule that out before believing them.",
)
def leak(case: Case) -> Answer:
    sharpe = case.value(FigureName.SHARPE)
    if case.log.status is None and not case.log.figures:
        return NotApplicable("the log has no figures")
    if case.warned("LEAK_SUSPECT"):
        cited = case.at_warning("LEAK_SUSPECT")
        text = case.warning("LEAK_SUSPECT")
    elif sharpe is not None and not case.log.scorecard.scores and (days := days_to_alarm(sharpe)):
        cited = case.at_figure(FigureName.SHARPE, f"{sharpe:.2f}")
        text = (
            f"a net Sharpe ratio of {sharpe:.2f} is more than daily returns allow if it comes from {days} "
            "days or more: with fewer it may be chance, and the log does not say how many there were"
        )
    elif (right := _too_often_right(case)) is not None:
        cited = case.at_figure(FigureName.DIRECTION_ACCURACY, as_text(right, "share"))
        text = f"a direction accuracy of {as_text(right, 'share')} is more than daily returns allow"
    else:
        return Quiet()
    return Fires(
        text,
        (cited,),
        "A future value among the inputs, labels that overlap the test rows, or prices in a wrong order.",
        _after_an_alarm(case),
    )


def _after_an_alarm(case: Case) -> str:
    """Return what looks for the leak; of another program's log, whose prices nobody knows, what shows it."""
    if not case.log.schema:
        return case.commands.show()
    return case.commands.audit() if case.log.audit is None else case.commands.prices()


def _too_often_right(case: Case) -> float | None:
    """Return a direction accuracy that no day-ahead forecast has, of a log that states no base rate."""
    right = case.value(FigureName.DIRECTION_ACCURACY)
    alone = case.value(FigureName.BASE_RATE) is None and not case.log.scorecard.scores
    return right if right is not None and alone and right > TOO_OFTEN_RIGHT else None


@check(
    "GC402",
    "Costs above the edge",
    Severity.WARN,
    how="The break-even cost is above 0 and below the cost charged for a unit of turnover.",
    why="The forecasts earn something before costs, and the trades spend it all.",
)
def costs_above_edge(case: Case) -> Answer:
    even, cost = case.value(FigureName.BREAK_EVEN_COST), case.settings.cost_bps
    if even is None or cost is None:
        return NotApplicable("the log lacks the break-even cost or the cost")
    if not 0.0 < even < cost:
        return Quiet()
    return Fires(
        f"{cost:g} bp are charged for a unit of turnover, {as_text(even, 'bp')} would use up the gain",
        (
            case.at_figure(FigureName.BREAK_EVEN_COST, as_text(even, "bp")),
            case.at_setting("Cost"),
        ),
        "Positions turn over faster than the forecasts change their mind about.",
        case.remedy()
        if case.is_panel or case.settings.rule == "proportional"
        else case.commands.backtest(("--rule", "proportional")),
    )


@check(
    "GC403",
    "Beta dressed as skill",
    Severity.WARN,
    how="The net returns go with buy-and-hold (correlation above 0.7), the Sharpe ratio is above 0, and the "
    "difference to buy-and-hold of the same volatility has a p above 0.05.",
    why="The gain cannot be told from that of being in the market, which needs no model.",
)
def beta(case: Case) -> Answer:
    together, p = (
        case.score(name) for name in (ScoreName.MARKET_CORRELATION, ScoreName.VOLATILITY_MATCHED_P)
    )
    sharpe = case.value(FigureName.SHARPE)
    if together is None or p is None or sharpe is None:
        return NotApplicable("the log has no scorecard with the market beside it")
    if not (together > LIKE_THE_MARKET and sharpe > 0.0 and p > CHANCE):
        return Quiet()
    held = case.value(FigureName.BUY_AND_HOLD_SHARPE)
    return Fires(
        f"correlation {together:.2f} with buy-and-hold, Sharpe {sharpe:.2f} beside its "
        f"{as_text(held, 'ratio')}; the volatility-matched difference has p {p:.3f}",
        (
            case.at_score(ScoreName.MARKET_CORRELATION, f"correlation to buy and hold {together:.2f}"),
            case.at_score(ScoreName.VOLATILITY_MATCHED_P, f"p {p:.3f}"),
            case.at_figure(FigureName.SHARPE, f"{sharpe:.2f}"),
        ),
        "Positions that are long most of the time and follow the market's drift rather than its turns.",
        case.commands.report(),
    )


@check(
    "GC404",
    "One fold carries the result",
    Severity.WARN,
    how="Of three folds or more, the growth of one is at least that of all together, which is above 0; "
    "without "
    "fold figures, of three years or more.",
    why="Without that one period nothing is left: it may be an accident of that time.",
)
def one_fold(case: Case) -> Answer:
    card = case.log.scorecard
    nets = [(f"SCORECARD/Fold/{f.fold}", f"fold {f.fold} ({f.first} to {f.last})", f.net) for f in card.folds]
    if len(nets) < PARTS:
        nets = [(f"SCORECARD/Year/{y.year}", f"year {y.year}", y.strategy) for y in card.years]
    growth = [(key, name, math.log1p(net)) for key, name, net in nets if net is not None and net > -1.0]
    if len(growth) < PARTS:
        return NotApplicable("the log has no three folds or years")
    total = sum(g for _, _, g in growth)
    key, name, most = max(growth, key=lambda item: item[2])
    if not 0.0 < total <= most:
        return Quiet()
    gained, rest = math.expm1(most), math.expm1(total - most)
    return Fires(
        f"{name} gained {as_text(gained, 'return')}, all others together {as_text(rest, 'return')}",
        (case.at(key, f"{name}: {as_text(gained, 'return')}"),),
        "One lucky period, or a regime that came once.",
        case.commands.report(),
    )


@check(
    "GC405",
    "Filled at a close that nobody can trade",
    Severity.NOTE,
    how="The fill is the close that the decision has seen.",
    why="Nobody can trade at the price that the decision rests on: the result is an upper bound.",
)
def upper_bound(case: Case) -> Answer:
    fill = case.settings.fill
    if fill is None:
        return NotApplicable("the log does not name the fill")
    if fill != "close":
        return Quiet()
    warned: tuple[Evidence, ...] = (case.at_warning("FILL_CLOSE"),) if case.warned("FILL_CLOSE") else ()
    return Fires(
        "decisions are filled at the close they have seen",
        (case.at_setting("Fill"), *warned),
        "Chosen with --fill close, or a market without usable opens.",
        # What the run chose for want of opens it would choose again.
        case.commands.prices() if warned else case.commands.train(("--fill", "next_open")),
    )


CHECKS = (leak, costs_above_edge, beta, one_fold, upper_bound)
