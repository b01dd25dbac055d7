"""A cross-section with something in every field."""

from __future__ import annotations

from geiger.cross_section import CrossSection, Member, Portfolio, Quantile, RankIC, RankRival


def _ic(kind: str, name: str, mean: float, error: float) -> RankIC:
    return RankIC(kind=kind, name=name, days=4531, mean=mean, deviation=0.25, error=error)  # type: ignore[arg-type]


def _portfolio(name: str, cost_bps: float, net: float, **more: float) -> Portfolio:
    return Portfolio(
        name=name,
        cost_bps=cost_bps,
        days=4531,
        net=net,
        volatility=0.07,
        sharpe=net / 0.07,
        against=net,
        against_error=0.0168,
        turnover=112.5,
        break_even_bps=8.95,
        beta=-0.001,
        drawdown=0.1687,
        capacity=140.7e6,
        **more,  # type: ignore[arg-type]
    )


FOUND = CrossSection(
    least_names=10,
    names=(13, 13, 28),
    ics=(
        _ic("all", "all days", 0.032, 0.0039),
        _ic("period", "2002-2009", 0.041, 0.0065),
        _ic("period", "2010-2019", 0.0248, 0.0046),
        _ic("year", "2002", 0.05, 0.02),
        *(_ic("horizon", days, 0.03, 0.006) for days in ("1", "5", "21")),
        _ic("part", "gap before the fill", 0.0653, 0.0044),
        _ic("part", "day after it", 0.0203, 0.004),
        _ic("part", "night after that", 0.0359, 0.0042),
        _ic("delay", "one day late", 0.0155, 0.0041),
        _ic("neutral", "to beta and volatility", 0.0272, 0.0036),
    ),
    rivals=(
        RankRival(name="12-1 momentum", days=4531, mean=0.0152, error=0.0046, gain=0.0168, gain_error=0.0057),
        RankRival(name="low volatility", days=1),
    ),
    quantiles=(
        Quantile(number=1, days=4531, mean=-0.00037, error=0.0001),
        Quantile(number=2, days=4531, mean=-0.000001, error=0.0001),
        Quantile(number=3, days=4531, mean=0.00043, error=0.0001),
    ),
    spread=Quantile(number=0, days=4531, mean=0.0008, error=0.00013),
    portfolios=(
        _portfolio("long/short", 5.0, 0.0407, closed=2),
        _portfolio("long/short", 0.0, 0.0969),
        _portfolio("long/short", 10.0, -0.0156),
        _portfolio("long only", 5.0, 0.1727),
        Portfolio(name="equal weight", cost_bps=5.0, days=1),
    ),
    members=(
        Member(
            symbol="AAPL",
            first="2010-01-04",
            last="2019-12-31",
            days=2516,
            correlation=0.05,
            error=0.02,
        ),
        Member(symbol="GE", first="2002-01-02", last="2019-12-31", days=4531, correlation=0.01, error=0.02),
        Member(symbol="XOM", first="2002-01-02", last="2019-12-31", days=4531, correlation=-0.01, error=0.02),
        Member(symbol="NEW", first="", last="", days=0, left_out=7),
    ),
    explained=0.0006,
    explained_error=0.0003,
    slope=0.8,
    persistence=0.6,
)
