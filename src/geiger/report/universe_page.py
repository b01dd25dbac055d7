"""The page of a panel's run: what its scores know of the symbols of a day beside each other.

One HTML file that needs nothing else, like the page of a symbol. A part that a run has nothing for is left
out, with its line in the contents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from geiger.backtest.baselines import BUY_AND_HOLD, VOLATILITY_MATCHED
from geiger.backtest.portfolio import EXPOSURE_MATCHED
from geiger.cross_section import CrossSection, Member, Portfolio, RankIC, RankRival
from geiger.records import as_text
from geiger.report.gather import EQUAL, MATCHED_EQUAL
from geiger.report.parts import (
    MEANINGS,
    MOST_ROWS,
    SHAPES,
    Chart,
    KeyFigure,
    Table,
    alarms_of,
    answered,
    counted,
    is_alarm,
    render,
    wealth_chart,
    written,
)
from geiger.report.path_parts import (
    MONTHS,
    distribution_chart,
    falls_table,
    importances_chart,
    months_table,
    rolling_sharpe_chart,
    sharpe_table,
)
from geiger.report.run_page import epochs_chart, weights_chart
from geiger.report.tables import (
    figures_table,
    folds_table,
    ladder_table,
    pairs_table,
    scorecard_table,
    trained_table,
    years_table,
)
from geiger.report.universe import Traces, UniverseView, by_month, by_symbol_and_year, own_sum
from geiger.report.universe_charts import (
    Point,
    Small,
    columns_drawing,
    curve_drawing,
    heat_drawing,
    heat_steps,
    multiples_drawing,
    points_drawing,
    sums_drawing,
)
from geiger.report.view import Floats

CLEAR = 1.645  # errors above 0: one in twenty without skill
BEYOND = 0.0228  # of cells without skill that lie more than two errors to one side
WINDOW = 252  # days of a running mean
MOST_SMALL = 30  # small multiples, and rows of the heat map of symbols
MOST_HEAT = 60
MOST_RANKED = 40
PERCENT = "rank IC, %"
PATHS = {
    BUY_AND_HOLD: EQUAL,
    VOLATILITY_MATCHED: MATCHED_EQUAL,
    EXPOSURE_MATCHED: f"{EQUAL} at the same exposure",
}
HELD = EQUAL.capitalize()
GROUPS: Mapping[str, int] = {"all": 0, "period": 1, "delay": 2, "neutral": 2, "horizon": 3, "part": 4}


def universe_page(view: UniverseView) -> str:
    """Return the page of one run of a panel."""
    run, found, traces = view.run, view.found, view.traces
    shown, alarms = _shown(view), alarms_of(run)
    return render(
        "universe.html.j2",
        view=run,
        title=f"{run.symbol}, {run.model}",
        symbols=counted(len(view.members), "symbol"),
        shape=SHAPES.get(run.status, "square"),
        meaning=MEANINGS.get(run.status, "not a status that this version knows"),
        answer=answered(run.gist, alarms),
        alarms=alarms,
        key_figures=[] if found is None else _key_figures(found),
        ics=None if found is None else _ic_table(found),
        ic_points=None if found is None else _ic_chart(found),
        ic_years=None if found is None else _years_chart(found),
        sums=None if traces is None else _sums_chart(traces),
        months=None if traces is None else _months_chart(traces),
        quantiles=None if found is None else _quantiles_chart(found),
        rivals=None if found is None else _rivals_chart(found),
        equity=None if run.equity is None else wealth_chart("equity", "Equity and drawdown", run.equity),
        falls=falls_table(run.paths),
        monthly=months_table(run.paths.months),
        sharpe_range=sharpe_table(run.paths.sharpe_range),
        rolling_sharpe=rolling_sharpe_chart(run.paths),
        distribution=distribution_chart(run.paths),
        importances=importances_chart(run.importances),
        portfolios=None if found is None else _portfolios_table(found, view.paid_bps),
        costs=None if found is None else _costs_chart(found, view.paid_bps),
        ranking=_ranking_chart(view),
        ranked_on=view.ranked_on,
        symbol_heat=None if traces is None else _symbol_heat(traces, shown),
        smalls=None if traces is None else _multiples(traces, view, shown),
        members=None if found is None else _members_table(found),
        members_said=None if found is None else _members_said(found.members),
        sources=_sources_table(view),
        years=years_table(run, HELD),
        folds=folds_table(run, HELD) if run.folds else None,
        training=epochs_chart(run),
        weights=weights_chart(run.weights),
        checkpoints=run.checkpoints,
        ladder=ladder_table(run),
        scorecard=scorecard_table(run, PATHS),
        all_figures=figures_table(run),
        trained=trained_table(run),
        notices=[notice for notice in run.notices if not is_alarm(notice)],
        data=pairs_table("Where the prices came from", run.data),
        settings=pairs_table("Settings that shaped this run", run.settings),
        idle=pairs_table("Settings of models that this run did not use", run.idle_settings),
        environment=pairs_table("Machine and versions", run.environment),
    )


def ic_name(one: RankIC) -> str:
    """Say what a rank correlation is of.

    >>> ic_name(RankIC(kind="horizon", name="5", days=9)), ic_name(RankIC(kind="part", name="gap", days=9))
    ('held 5 days', 'part: gap')
    """
    match one.kind:
        case "neutral":
            return f"neutral {one.name}"
        case "horizon":
            return f"held {one.name} day{'' if one.name == '1' else 's'}"
        case "part":
            return f"part: {one.name}"
    return one.name


def ic_cells(one: RankIC) -> tuple[str, ...]:
    """Return the cells of a rank correlation: days, mean, error, t, ICIR a day."""
    return (
        str(one.days),
        written(one.mean, "return"),
        written(one.error, "return"),
        written(one.t, "ratio"),
        written(one.ratio, "ratio"),
    )


def _key_figures(found: CrossSection) -> list[KeyFigure]:
    return [*_ic_figures(found), *_portfolio_figures(found), *_other_figures(found)]


def _ic_figures(found: CrossSection) -> list[KeyFigure]:
    figures = []
    notes = {
        "all": ("Rank IC", ""),
        "delay": ("Rank IC, one day late", "what is left where every decision is filled a day later"),
        "neutral": ("Rank IC, neutral", "of what beta and volatility do not explain of the scores"),
    }
    for kind, (label, note) in notes.items():
        one = next((one for one in found.ics if one.kind == kind), None)
        if one is not None:
            said = note or f"over the symbols of a day, mean of {counted(one.days, 'day')}; 0 without skill"
            error = f"error {written(one.error, 'return')}, t {written(one.t, 'ratio')}"
            figures.append(KeyFigure(label, written(one.mean, "return"), error, said))
    if found.spread is not None:
        figures.append(
            KeyFigure(
                "Highest less lowest group",
                _bps(found.spread.mean),
                f"error {_bps(found.spread.error)}",
                "a day and before costs: symbols of the highest scores less those of the lowest",
            )
        )
    return figures


def _portfolio_figures(found: CrossSection) -> list[KeyFigure]:
    if not found.portfolios:
        return []
    main = found.portfolios[0]
    even = next((one for one in found.portfolios if one.name == EQUAL), None)
    fall = "" if even is None else f", {EQUAL} {written(even.drawdown, 'share')}"
    return [
        KeyFigure(
            f"{main.name.capitalize()}, net a year",
            written(main.net, "return"),
            "" if even is None else f"{EQUAL} {written(even.net, 'return')}",
            f"beside {EQUAL} at the same exposure {_signed(main.against)}, "
            f"error {written(main.against_error, 'return')}",
        ),
        KeyFigure(
            "Sharpe ratio, net",
            written(main.sharpe, "ratio"),
            "" if even is None else f"{EQUAL} {written(even.sharpe, 'ratio')}",
            f"deepest drawdown {written(main.drawdown, 'share')}{fall}",
        ),
        KeyFigure(
            "Break-even cost",
            written(main.break_even_bps, "bp"),
            f"paid {main.cost_bps:g} bp",
            "of a unit of turnover, one way, at which trading eats all that was earned",
        ),
    ]


def _other_figures(found: CrossSection) -> list[KeyFigure]:
    figures = [
        KeyFigure(
            "R² beyond the day's mean",
            written(found.explained, "return"),
            f"error {written(found.explained_error, 'return')}",
            "of the forecasts with their slope, out of sample",
        ),
        KeyFigure(
            "Slope",
            written(found.slope, "ratio"),
            "1 takes scores as they are",
            "by which the last fold scaled its scores, from what earlier ones were worth",
        ),
        KeyFigure(
            "Order kept a day",
            written(found.persistence, "ratio"),
            "1 keeps it whole, 0 makes a new one",
            "rank correlation of a day's scores with those of the day before",
        ),
        KeyFigure(
            "Symbols a day",
            f"{found.names[1]}",
            f"from {found.names[0]} to {found.names[2]}",
            f"median; a day counts from {found.least_names} on",
        ),
    ]
    above, clear, told = _tally(found.members)
    if told:
        figures.append(
            KeyFigure(
                "Symbols above 0",
                f"{above} of {told}",
                f"{clear} clearly, {0.05 * told:.1f} expected by chance",
                f"own correlation over time; clearly: by {CLEAR} errors",
            )
        )
    return figures


def _in_table(found: CrossSection) -> list[RankIC]:
    """Return the rank correlations but those of years, in the order of the table and of its chart."""
    return sorted(
        (one for one in found.ics if one.kind in GROUPS), key=lambda one: list(GROUPS).index(one.kind)
    )


def _ic_table(found: CrossSection) -> Table | None:
    rows = tuple((ic_name(one), *ic_cells(one)) for one in _in_table(found))
    columns = ("Rank IC", "Days", "Mean", "Error", "t", "ICIR a day")
    return Table("Mean daily rank correlation of scores with outcomes", columns, rows) if rows else None


def _ic_chart(found: CrossSection) -> Chart | None:
    points = [
        Point(ic_name(one), 100 * one.mean, _percent(one.error), GROUPS[one.kind])
        for one in _in_table(found)
        if one.mean is not None
    ]
    if not points:
        return None
    first = found.ics[0]
    gist = (
        f"Over {counted(first.days, 'day')} with at least {found.least_names} symbols the mean daily rank IC "
        f"is {written(first.mean, 'return')}, with a standard error of {written(first.error, 'return')}."
    )
    return Chart(points_drawing("ic", "Rank IC with errors", gist, points, PERCENT), gist)


def _years_chart(found: CrossSection) -> Chart | None:
    years = [one for one in found.ics if one.kind == "year" and one.mean is not None]
    if not years:
        return None
    points = [Point(one.name, 100 * (one.mean or 0.0), _percent(one.error)) for one in years]
    above = sum(point.value > 0 for point in points)
    best, worst = max(points, key=lambda one: one.value), min(points, key=lambda one: one.value)
    gist = (
        f"{above} of {counted(len(points), 'year')} lie above 0; the best is {best.label} with "
        f"{best.value:.2f}%, the worst {worst.label} with {worst.value:z.2f}%."
    )
    rows = tuple((one.name, *ic_cells(one)) for one in years)
    table = Table("Rank IC by year", ("Year", "Days", "Mean", "Error", "t", "ICIR a day"), rows)
    return Chart(columns_drawing("ic-years", "Rank IC by year", gist, points, PERCENT, "year"), gist, table)


def _sums_chart(traces: Traces) -> Chart | None:
    known = np.isfinite(traces.daily)
    daily, days = traces.daily[known], traces.days[known]
    if daily.size < 2:
        return None
    total, spread = float(daily.sum()), float(daily.std(ddof=1))
    reach = 1.96 * spread * float(np.sqrt(daily.size))
    gist = (
        f"The daily rank IC of {counted(daily.size, 'day')} adds up to {total:.1f}; 95% of sums without "
        f"skill end between −{reach:.1f} and {reach:.1f}, were one day's independent of the next one's."
    )
    years = days.astype("datetime64[Y]")
    last = [int(np.flatnonzero(years == year)[-1]) for year in np.unique(years)]
    sums = np.cumsum(daily)
    rows = tuple((str(years[i]), str(days[i]), f"{sums[i]:.2f}") for i in last)
    table = Table(
        "Sum of the daily rank IC at the end of each year", ("Year", "Day", "Sum"), rows[-MOST_ROWS:]
    )
    return Chart(sums_drawing("ic-sum", gist, days, daily, WINDOW), gist, table)


def _months_chart(traces: Traces) -> Chart | None:
    years, values, errors = by_month(traces)
    if not years.size:
        return None
    values, errors = 100 * values, 100 * errors
    gist = f"Mean rank IC of {_beyond(values, errors, 'month')}"
    labels = tuple(str(year) for year in years)
    drawing = heat_drawing(
        "months", "Rank IC by month", gist, labels, MONTHS, values, errors, narrow_numbers=True
    )
    table = Table("Mean daily rank IC of each month, %", ("Year", *MONTHS), _cells(labels, values))
    return Chart(drawing, gist, table)


def _quantiles_chart(found: CrossSection) -> Chart | None:
    told = [one for one in found.quantiles if one.mean is not None]
    if len(told) < 2:
        return None
    points = [Point(str(one.number), 1e4 * (one.mean or 0.0), _bp(one.error)) for one in told]
    spread = found.spread
    ends = (
        ""
        if spread is None or spread.mean is None
        else f" The highest less the lowest makes {_bps(spread.mean)} a day, error {_bps(spread.error)}."
    )
    rising = sum(later.value > earlier.value for earlier, later in pairwise(points))
    gist = (
        f"Mean return beyond the day's mean, of {len(points)} groups of the day's scores: it rises at "
        f"{rising} of {counted(len(points) - 1, 'step')} from group to group.{ends}"
    )
    rows = [(str(one.number), str(one.days), _bps(one.mean), _bps(one.error)) for one in found.quantiles]
    if spread is not None:
        rows.append(("highest less lowest", str(spread.days), _bps(spread.mean), _bps(spread.error)))
    columns = ("Group, 1 has the lowest scores", "Days", "Mean", "Error")
    table = Table("Return beyond the day's mean, a day, before costs", columns, tuple(rows))
    drawing = columns_drawing(
        "quantiles",
        "Return by group of scores",
        gist,
        points,
        "bp a day",
        "group of scores, lowest first",
    )
    return Chart(drawing, gist, table)


def _rivals_chart(found: CrossSection) -> Chart | None:
    told = [one for one in found.rivals if one.gain is not None]
    if not told:
        return None
    points = [Point(one.name, 100 * (one.gain or 0.0), _percent(one.gain_error)) for one in told]
    clear = sum(point.value > 1.96 * (point.error or np.inf) for point in points)
    gist = (
        f"Our rank IC less that of {counted(len(points), 'simpler score')} on the same days and symbols: "
        f"{clear} of {len(points)} differences lie above 0 with their whole interval."
    )
    rows = tuple((one.name, *rival_cells(one)) for one in found.rivals)
    columns = ("Rival", "Days", "Its rank IC", "Error", "Ours more by", "Error", "t")
    table = Table("Scores of one feature, on the same days and symbols", columns, rows)
    unit = "our rank IC less theirs, %"
    return Chart(points_drawing("rivals", "Ours less simpler scores", gist, points, unit), gist, table)


def rival_cells(one: RankRival) -> tuple[str, ...]:
    """Return the cells of a rival: days, its mean with error, what ours adds with error and t."""
    means = (one.mean, one.error, one.gain, one.gain_error)
    t = _over(one.gain, one.gain_error)
    return (str(one.days), *(written(value, "return") for value in means), written(t, "ratio"))


def _portfolios_table(found: CrossSection, paid_bps: float) -> Table | None:
    own = [one for one in found.portfolios if one.cost_bps == paid_bps] or list(found.portfolios[:1])
    if not own:
        return None
    columns = (
        *("Portfolio", "Net a year", "Volatility", "Sharpe", f"Beside {EQUAL}", "Error"),
        *("Turnover a year", "Break-even", "Beta", "Drawdown", "Capacity"),
    )
    closed = max(one.closed for one in found.portfolios)
    note = (
        f"{counted(closed, 'position')} had to be closed at a last price, without a next open."
        if closed
        else ""
    )
    caption = f"Ways of trading the scores, at {own[0].cost_bps:g} bp of each unit of turnover"
    return Table(caption, columns, tuple(_portfolio_row(one) for one in own), note=note)


def _portfolio_row(one: Portfolio) -> tuple[str, ...]:
    return (
        one.name,
        written(one.net, "return"),
        written(one.volatility, "return"),
        written(one.sharpe, "ratio"),
        _signed(one.against),
        written(one.against_error, "return"),
        "undefined" if one.turnover is None else f"{one.turnover:.1f}",
        written(one.break_even_bps, "bp"),
        written(one.beta, "ratio"),
        written(one.drawdown, "share"),
        "unknown" if one.capacity is None else f"{one.capacity / 1e6:,.0f} m",
    )


def _costs_chart(found: CrossSection, paid_bps: float) -> Chart | None:
    if not found.portfolios:
        return None
    name = found.portfolios[0].name
    curve = sorted(
        (one for one in found.portfolios if one.name == name and one.against is not None),
        key=lambda one: one.cost_bps,
    )
    if len(curve) < 2:
        return None
    at: Floats = np.array([one.cost_bps for one in curve])
    points = [
        Point(f"{one.cost_bps:g}", 100 * (one.against or 0.0), _percent(one.against_error)) for one in curve
    ]
    own = int(np.argmin(np.abs(at - paid_bps)))
    even = curve[own].break_even_bps
    gist = (
        f"{name.capitalize()} beside {EQUAL} at the same exposure: {points[0].value:z.2f}% a year at "
        f"{points[0].label} bp of each unit of turnover, {points[-1].value:z.2f}% at {points[-1].label} bp. "
        f"Trading costs alone eat all of it at {written(even, 'bp')}; what is borrowed is paid besides."
    )
    rows = tuple(
        (
            f"{one.cost_bps:g} bp",
            written(one.net, "return"),
            written(one.sharpe, "ratio"),
            _signed(one.against),
            written(one.against_error, "return"),
        )
        for one in curve
    )
    columns = ("Cost, one way", "Net a year", "Sharpe", f"Beside {EQUAL}", "Error")
    table = Table(f"{name.capitalize()} by what a unit of turnover costs", columns, rows)
    unit = ("cost of a unit of turnover, one way, bp", f"beside {EQUAL}, % a year")
    return Chart(curve_drawing("costs", "What costs leave", gist, at, points, own, unit), gist, table)


def _ranking_chart(view: UniverseView) -> Chart | None:
    ranked = view.ranking
    if not ranked:
        return None
    half = MOST_RANKED // 2
    shown = ranked if len(ranked) <= MOST_RANKED else (*ranked[:half], *ranked[-half:])
    points = [
        Point(one.symbol, one.score, group=0 if i < half or len(ranked) <= MOST_RANKED else 1)
        for i, one in enumerate(shown)
    ]
    part = "" if len(shown) == len(ranked) else f" Drawn are the {half} highest and the {half} lowest."
    gist = (
        f"Scores of the {counted(len(ranked), 'symbol')} of {view.ranked_on}, the last scored day: highest "
        f"{ranked[0].symbol} with {ranked[0].score:.3f} daily volatilities, lowest {ranked[-1].symbol} with "
        f"{ranked[-1].score:z.3f}.{part}"
    )
    rows = tuple(
        (
            str(place),
            one.symbol,
            f"{one.score:z.3f}",
            written(one.volatility, "return"),
            written(one.forecast, "return"),
            written(one.outcome, "return"),
        )
        for place, one in enumerate(ranked, 1)
    )
    columns = ("Place", "Symbol", "Score", "Daily volatility", "Forecast", "What came of it")
    table = Table(f"Ranking of {view.ranked_on}, returns of one day", columns, rows)
    unit = "score, daily volatilities"
    return Chart(points_drawing("ranking", "Last ranking", gist, points, unit, bars=True), gist, table)


def _shown(view: UniverseView) -> list[int]:
    """Return the columns of the symbols in the order of their own correlation, the highest first."""
    if view.traces is None:
        return []
    known = {} if view.found is None else {one.symbol: one.correlation for one in view.found.members}
    place = {symbol: i for i, symbol in enumerate(view.traces.symbols)}

    def order(symbol: str) -> tuple[bool, float, str]:
        own = known.get(symbol)
        return own is None, -(own or 0.0), symbol

    return [place[symbol] for symbol in sorted(place, key=order)]


def spaced(columns: Sequence[int], most: int) -> list[int]:
    """Return at most so many, evenly spaced, the first and the last among them: no selection of good ones.

    >>> spaced(range(10), 4), spaced([1, 2], 4)
    ([0, 3, 6, 9], [1, 2])
    """
    if len(columns) <= most:
        return list(columns)
    return [columns[i] for i in np.linspace(0, len(columns) - 1, most).round().astype(int)]


def _part(shown: int, all_of_them: int) -> str:
    if shown == all_of_them:
        return ""
    return (
        f" {shown} of {all_of_them} symbols are drawn, evenly spaced in the order of their own correlation, "
        "the highest and the lowest among them."
    )


def _symbol_heat(traces: Traces, ordered: Sequence[int]) -> Chart | None:
    chosen = spaced(ordered, MOST_HEAT)
    years, values, errors = by_symbol_and_year(traces, chosen)
    values, errors = 100 * values, 100 * errors
    if not np.isfinite(errors).any():
        return None
    gist = f"Own correlation of {_beyond(values, errors, 'year of a symbol', 'years of a symbol')}"
    labels, names = tuple(str(year) for year in years), [traces.symbols[column] for column in chosen]
    drawing = heat_drawing(
        "symbol-years",
        "Own correlation by symbol and year",
        gist,
        names,
        labels,
        values,
        errors,
        narrow_numbers=False,
    )
    table = Table(
        "Correlation of a symbol's scores with its outcomes in each year, %",
        ("Symbol", *labels),
        _cells(names, values),
    )
    return Chart(drawing, gist + _part(len(chosen), len(ordered)), table)


def _multiples(traces: Traces, view: UniverseView, ordered: Sequence[int]) -> Chart | None:
    known = {} if view.found is None else {one.symbol: one for one in view.found.members}
    first, last = traces.days[0], traces.days[-1]
    length = max(1, int((last - first).astype(int)))
    smalls = []
    for column in spaced(ordered, MOST_SMALL):
        days, scores, outcomes = traces.of(column)
        line = own_sum(scores, outcomes)
        if line is None:
            continue
        symbol = traces.symbols[column]
        at = (days - first).astype(np.float64) / length
        own = known.get(symbol)
        said = "" if own is None or own.correlation is None else f"{100 * own.correlation:z.1f}%"
        smalls.append(Small(symbol, said, at, line))
    if not smalls:
        return None
    outside = sum(abs(float(one.line[-1])) > 1.96 for one in smalls)
    gist = (
        f"Running sum of score × outcome of {counted(len(smalls), 'symbol')}, in units of what chance does "
        f"over its own days; beside the name stands its correlation. {outside} of {len(smalls)} end outside "
        f"the shaded fan, where chance alone leaves {0.05 * len(smalls):.1f}."
    )
    ends = str(first)[:4], str(last)[:4]
    drawing = multiples_drawing("smalls", "Each symbol by itself", gist, smalls, ends)
    return Chart(drawing, gist + _part(len(smalls), len(ordered)))


def _members_table(found: CrossSection) -> Table | None:
    if not found.members:
        return None

    def order(one: Member) -> tuple[bool, float, str]:
        return one.correlation is None, -(one.correlation or 0.0), one.symbol

    rows = tuple(
        (
            one.symbol,
            written(one.correlation, "number"),
            written(one.error, "number"),
            written(_over(one.correlation, one.error), "ratio"),
            str(one.days),
            str(one.left_out),
            one.first or "never",
            one.last or "never",
        )
        for one in sorted(found.members, key=order)
    )
    columns = (
        "Symbol",
        "Correlation",
        "Error",
        "t",
        "Days scored",
        "Rows left out",
        "First scored",
        "Last scored",
    )
    note = (
        "Rows are left out where too many opens of the last year repeat the close before, so that nobody "
        "could have traded at them: they are learned from, and never scored. "
        if any(one.left_out for one in found.members)
        else ""
    )
    note += f"A day on which fewer than {found.least_names} symbols have a score counts in no figure."
    return Table("Each symbol's own correlation over time, the highest first", columns, rows, note=note)


def _tally(members: Sequence[Member]) -> tuple[int, int, int]:
    """Return how many symbols lie above 0, how many of them clearly, and how many have a correlation."""
    told = [one for one in members if one.correlation is not None]
    above = [one for one in told if (one.correlation or 0.0) > 0.0]
    clear = [one for one in above if one.error and (one.correlation or 0.0) > CLEAR * one.error]
    return len(above), len(clear), len(told)


def _members_said(members: Sequence[Member]) -> str | None:
    above, clear, told = _tally(members)
    if not told:
        return None
    return (
        f"{above} of {told} symbols lie above 0, where chance alone puts half. {clear} do so by {CLEAR} "
        f"errors, where chance alone puts {0.05 * told:.1f}: so many would look good if no score knew "
        "anything."
    )


def _sources_table(view: UniverseView) -> Table | None:
    if not view.members:
        return None
    rows = tuple(
        (
            one.symbol,
            one.first_day,
            one.last_day,
            str(one.rows),
            str(one.stale),
            one.where,
            one.data_hash[:12],
        )
        for one in view.members
    )
    columns = ("Symbol", "First day", "Last day", "Rows", "Stale, left out", "From", "Hash")
    return Table("Prices of each symbol", columns, rows)


def _beyond(values: Floats, errors: Floats, word: str, plural: str | None = None) -> str:
    """Say how many cells lie beyond two errors to each side, and how many chance puts there."""
    steps = heat_steps(values, errors)
    cells = int(np.sum(steps >= 0))
    above, below = int(np.sum(steps >= 5)), int(np.sum((steps >= 0) & (steps <= 1)))
    positive = float(np.mean(values[steps >= 0] > 0)) if cells else 0.0
    words = counted(cells, word) if plural is None or cells == 1 else f"{cells} {plural}"
    return (
        f"{words}: {as_text(positive, 'share')} lie above 0; {above} lie more than two errors above it and "
        f"{below} more than two below, where chance alone puts about {BEYOND * cells:.0f} on each side."
    )


def _cells(labels: Sequence[str], values: Floats) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (label, *("" if not np.isfinite(value) else f"{value:z.1f}" for value in row))
        for label, row in zip(labels, values.tolist(), strict=True)
    )


def _over(value: float | None, error: float | None) -> float | None:
    return None if value is None or not error else value / error


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _bp(value: float | None) -> float | None:
    return None if value is None else 1e4 * value


def _bps(value: float | None) -> str:
    return "undefined" if value is None else f"{1e4 * value:z.1f} bp"


def _signed(value: float | None) -> str:
    return written(value, "return") if value is None else f"{100 * value:+z.2f}%"
