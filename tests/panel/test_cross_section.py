"""All that is measured of a panel, on scores whose truth is known, and on a small panel's own walk."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from geiger.backtest.baselines import BUY_AND_HOLD
from geiger.backtest.costs import Costs
from geiger.backtest.scorecard import scorecard
from geiger.codec import fitted, plain
from geiger.cross_section import CrossSection, RankIC
from geiger.errors import DataError
from geiger.evidence.cross_section import holding, quantile_returns, rank_ic
from geiger.features.catalogue import NAMES
from geiger.panel.cross_section import (
    COSTS_BPS,
    LONG_SHORT,
    RIVALS,
    Scored,
    decades,
    measured,
    quantile_count,
    rival_scores,
    scored_of,
    traded,
)
from geiger.panel.material import PanelMaterial
from geiger.panel.plan import PanelPlan
from geiger.panel.walk import PanelWalk, walk
from helpers.panels import SYMBOLS

NAN = np.nan
DAYS, N, LEAST = 900, 24, 10
FREE = Costs(cost_bps=0.0, borrow_rate=0.0)


def made(seed: int = 0, *, r2: float = 0.01, drift: float = 0.0) -> Scored:
    """Symbols with a shared factor; what is planted is paid from one open to the next, after the fill."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(DAYS, N))
    night, day = (0.01 * rng.normal(size=(DAYS, N)) for _ in range(2))
    day += 0.008 * rng.normal(size=(DAYS, 1)) * rng.uniform(0.5, 1.5, N) + drift
    day[1:] += 0.0142 * np.sqrt(r2) * signal[:-1]
    closes = 100 * np.exp(np.cumsum(night + day, axis=0))
    opens = closes / np.exp(day)
    scores = np.where(np.arange(DAYS)[:, None] < 200, NAN, signal)
    outcomes = holding(opens, 1)
    volatility = np.full((DAYS, N), 0.0142)
    return Scored(
        symbols=tuple(f"S{i:02d}" for i in range(N)),
        day=np.datetime64("2018-06-01") + np.arange(DAYS),
        scores=scores,
        expected=np.sqrt(r2) * scores,
        outcomes=outcomes,
        volatility=volatility,
        opens=opens,
        closes=closes,
        money=np.full((DAYS, N), 1e7),
        rivals={"itself": scores, "noise": rng.normal(size=(DAYS, N))},
        left_out=tuple(range(N)),
        slope=0.5,
    )


def one(found: CrossSection, kind: str, name: str | None = None) -> RankIC:
    return next(ic for ic in found.ics if ic.kind == kind and name in (None, ic.name))


@pytest.fixture(scope="module")
def found() -> CrossSection:
    return measured(made(r2=0.02), least=LEAST, costs=Costs())


def test_the_first_correlation_is_that_of_all_days(found: CrossSection) -> None:
    scored = made(r2=0.02)
    daily = rank_ic(scored.scores, scored.outcomes, LEAST)
    ic = found.ics[0]
    assert (ic.kind, ic.days) == ("all", DAYS - 202)
    assert ic.mean == pytest.approx(np.nanmean(daily))
    assert (ic.t or 0.0) > 8
    assert sum(year.days for year in found.ics if year.kind == "year") == ic.days


def test_a_signal_of_a_day_is_in_that_day_alone(found: CrossSection) -> None:
    assert (one(found, "part", "day after it").t or 0.0) > 8
    for name in ("gap before the fill", "night after that"):
        assert abs(one(found, "part", name).t or 0.0) < 3.5
    assert abs(one(found, "delay").t or 0.0) < 3.5
    horizons = [one(found, "horizon", str(days)).mean or 0.0 for days in (1, 5, 21)]
    assert horizons[0] > horizons[1] > horizons[2]
    assert one(found, "horizon", "1").mean == pytest.approx(found.ics[0].mean)


def test_scores_that_load_on_nothing_are_as_good_when_made_neutral(found: CrossSection) -> None:
    neutral, plainly = one(found, "neutral"), found.ics[0]
    assert neutral.mean == pytest.approx(plainly.mean, abs=2 * (plainly.error or 0.0))


def test_rivals_are_measured_beside_the_scores(found: CrossSection) -> None:
    itself, noise = found.rivals
    assert (itself.mean, itself.gain) == (pytest.approx(found.ics[0].mean), 0.0)
    assert abs(noise.mean or 0.0) < 4 * (noise.error or 0.0)
    assert (noise.gain or 0.0) > 5 * (noise.gain_error or 0.0)


def test_the_share_explained_is_what_was_planted(found: CrossSection) -> None:
    """The shared factor's loadings add to what the mean of the day does not take away, so a little less."""
    assert found.explained is not None
    assert found.explained_error is not None
    assert 0.005 < found.explained < 0.02 + 3 * found.explained_error
    assert found.explained > 4 * found.explained_error


def test_quantiles_rise_and_members_are_all_told(found: CrossSection) -> None:
    assert [q.number for q in found.quantiles] == [1, 2, 3, 4, 5]
    assert (found.quantiles[0].mean or 0.0) < 0.0 < (found.quantiles[-1].mean or 0.0)
    scored = made(r2=0.02)
    simple = quantile_returns(scored.scores, np.expm1(scored.outcomes), 5, LEAST)
    assert [q.mean for q in found.quantiles] == pytest.approx(np.nanmean(simple, axis=0), rel=1e-9)
    assert found.spread is not None
    assert found.spread.mean == pytest.approx(
        (found.quantiles[-1].mean or 0.0) - (found.quantiles[0].mean or 0.0)
    )
    assert [(m.days, m.left_out) for m in found.members] == [(DAYS - 200, i) for i in range(N)]
    assert sum((m.correlation or 0.0) > 0 for m in found.members) > N * 0.8
    assert found.names == (N, N, N)
    assert (found.slope, found.least_names) == (0.5, LEAST)


def test_portfolios_cost_what_they_are_said_to(found: CrossSection) -> None:
    main = [p for p in found.portfolios if p.name == LONG_SHORT]
    assert found.portfolios[0].cost_bps == 5.0
    assert sorted(p.cost_bps for p in main) == sorted(COSTS_BPS)
    nets = [p.net or 0.0 for p in sorted(main, key=lambda p: p.cost_bps)]
    assert nets[0] > nets[1] > nets[2] > nets[3]
    turnover = main[0].turnover or 0.0
    assert nets[0] - nets[2] == pytest.approx(turnover * 0.001, rel=0.02)
    by_name = {p.name: p for p in found.portfolios if p.cost_bps == 5.0}
    assert (by_name["no-trade band"].turnover or 0.0) < turnover
    assert (by_name["not smoothed"].turnover or 0.0) > turnover
    assert by_name["equal weight"].beta == pytest.approx(1.0)
    assert abs(by_name[LONG_SHORT].beta or 0.0) < 0.2
    assert by_name["long only"].against == pytest.approx(
        (by_name["long only"].net or 0.0) - (by_name["equal weight"].net or 0.0), abs=0.01
    )
    assert all(p.capacity and p.closed == 0 for p in found.portfolios)


def test_another_rate_of_its_own_stands_first_and_no_cost_twice() -> None:
    other = measured(made(), least=LEAST, costs=Costs(cost_bps=4.0, slippage_bps=3.0))
    rates = [p.cost_bps for p in other.portfolios if p.name == LONG_SHORT]
    assert rates == [7.0, *COSTS_BPS]


def test_without_a_link_nothing_is_found() -> None:
    ts = []
    for seed in range(30):
        scored = made(seed, r2=0.0)
        ts.append(measured(scored, least=LEAST, costs=FREE).ics[0].t or 0.0)
    assert np.mean(np.abs(ts) > 1.96) <= 0.2
    assert abs(np.mean(ts)) < 0.7


def test_scores_of_one_day_more_change_no_earlier_day() -> None:
    scored = made()
    cut = 700
    rest = {
        name: getattr(scored, name)[:cut]
        for name in ("day", "scores", "expected", "outcomes", "volatility", "opens", "closes", "money")
    }
    short = dataclasses.replace(scored, **rest, rivals={})
    whole, part = (traded(s, least=LEAST, costs=Costs()).ledger for s in (scored, short))
    same = part.height - 1  # the last row pays for closing
    for name in ("day", "weight", "gross", "net", "turnover"):
        assert whole[name].head(same).equals(part[name].head(same))


def test_the_ledger_and_its_baselines_make_a_scorecard() -> None:
    done = traded(made(drift=0.001), least=LEAST, costs=Costs())
    card = scorecard(done.ledger, done.baselines)
    assert card.rows == done.ledger.height == DAYS - 202
    np.testing.assert_allclose(done.ledger["weight"], 1.0)
    assert done.held.closed == 0
    assert done.baselines[BUY_AND_HOLD]["equity"][-1] > 1.2


def test_the_record_goes_through_json(found: CrossSection) -> None:
    assert fitted(json.loads(json.dumps(plain(found))), CrossSection) == found


def test_rivals_are_features_of_the_contract_with_a_sign() -> None:
    assert {feature for feature, _ in RIVALS.values()} <= set(NAMES)
    grids = rival_scores(lambda name: np.array([[float(NAMES.index(name))]]))
    assert grids["12-1 momentum"][0, 0] == NAMES.index("momentum_12_1")
    assert grids["close-location reversal"][0, 0] == -NAMES.index("close_location")
    assert len(grids) == 5


@pytest.mark.parametrize(("names", "count"), [(13, 3), (20, 5), (99, 5), (100, 10)])
def test_quantiles_for_so_many_names(names: int, count: int) -> None:
    assert quantile_count(names) == count


def test_decades() -> None:
    days = np.array(["1999-12-31", "2003-01-02", "2009-06-01", "2010-01-04"], dtype="datetime64[D]")
    found = decades(days)
    assert list(found) == ["1999", "2003-2009", "2010"]
    assert found["2003-2009"] == (days[1], days[2])


def test_what_does_not_fit_is_refused() -> None:
    scored = made()
    with pytest.raises(DataError, match=r"noise has shape \(900, 3\), days and symbols are \(900, 24\)"):
        dataclasses.replace(scored, rivals={"noise": scored.scores[:, :3]})
    with pytest.raises(DataError, match="no day has scores of 25 symbols"):
        measured(scored, least=25, costs=Costs())


@pytest.fixture(scope="module")
def small(small_plan: PanelPlan) -> tuple[PanelMaterial, PanelWalk]:
    return small_plan.material, walk(small_plan.material, "ridge", small_plan.work.config)


def test_grids_of_a_walk_hold_what_its_frame_says(small: tuple[PanelMaterial, PanelWalk]) -> None:
    material, done = small
    scored = scored_of(material, done, 1)
    day = {date: row for row, date in enumerate(material.calendar.to_list())}
    column = {symbol: place for place, symbol in enumerate(scored.symbols)}
    frame = done.forecasts
    at = ([day[d] for d in frame["day"]], [column[s] for s in frame["symbol"]])
    np.testing.assert_allclose(scored.scores[at], frame["score"])
    np.testing.assert_allclose(scored.outcomes[at], frame["outcome"])
    np.testing.assert_allclose(scored.expected[at] * scored.volatility[at], frame["forecast"])
    assert np.isfinite(scored.scores * scored.outcomes).sum() == frame.height
    np.testing.assert_allclose(
        scored.rivals["1-day reversal"][at],
        -np.diff(np.log(scored.closes), axis=0, prepend=NAN)[at],
        rtol=1e-4,
        atol=1e-6,
    )
    told = measured(scored, least=10, costs=Costs())
    assert [member.symbol for member in told.members] == list(SYMBOLS)
    assert told.names[2] == len(SYMBOLS)


def test_rows_that_nobody_could_trade_are_in_no_grid(small: tuple[PanelMaterial, PanelWalk]) -> None:
    """Neither scored nor ranked nor held."""
    material, done = small
    day = int(material.day[done.issued.rows.start])
    stale = (material.member == 3) & (material.day < day + 30)
    assert stale.any()
    scored = scored_of(dataclasses.replace(material, tradable=material.tradable & ~stale), done, 1)
    for grid in (scored.scores, scored.expected, scored.outcomes, *scored.rivals.values()):
        assert np.isnan(grid[day : day + 30, 3]).all()
        assert np.isfinite(grid[day + 30 : day + 40, 3]).any()


def test_a_member_that_ends_is_closed_at_its_last_price(small: tuple[PanelMaterial, PanelWalk]) -> None:
    material, done = small
    assert traded(scored_of(material, done, 1), least=10, costs=Costs()).held.closed == 1
