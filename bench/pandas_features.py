"""The 154 features a second time, written the way a pandas user would: rolling, ewm, shift, numpy windows.

Used twice: as the peer of the benchmark and as the second implementation in the tests. It expects ordinary
bars (ranges and volume above 0, a complete context, weekdays) and has no guards for markets that
stand still.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view


def seeded(x: pd.Series, rate: float, n: int) -> pd.Series:
    """Exponential mean started at the mean of the first n values."""
    x = x.copy()
    start = int(x.notna().to_numpy().argmax()) + n - 1
    seed = x.iloc[: start + 1].mean()
    x.iloc[:start] = np.nan
    x.iloc[start] = seed
    return x.ewm(alpha=rate, adjust=False).mean()


def ema(x: pd.Series, n: int) -> pd.Series:
    """Exponential mean of span n."""
    return seeded(x, 2 / (n + 1), n)


def wilder(x: pd.Series, n: int) -> pd.Series:
    """Wilder's mean."""
    return seeded(x, 1 / n, n)


def windows(x: pd.Series, n: int) -> np.ndarray:
    """All windows of n values as rows."""
    return sliding_window_view(x.to_numpy(), n)


def padded(values: np.ndarray, like: pd.Series) -> pd.Series:
    """Put NaN before values so that they end with the series."""
    out = np.full(len(like), np.nan)
    out[len(like) - len(values) :] = values
    return pd.Series(out, index=like.index)


def age_of_max(x: pd.Series, n: int) -> pd.Series:
    """Rows since the largest of the last n values."""
    return padded(windows(x, n)[:, ::-1].argmax(axis=1), x)


def rank(x: pd.Series, n: int) -> pd.Series:
    """Percentile of today's value in its window."""
    return (x.rolling(n).rank() - 1) / (n - 1)


def imbalance(a: pd.Series, b: pd.Series) -> pd.Series:
    """Relative difference of two amounts."""
    return (a - b) / (a + b)


def momentum(p: pd.DataFrame, r: pd.Series, tr: pd.Series) -> dict[str, pd.Series]:
    """Return the group momentum."""
    h, l, c = p["high"], p["low"], p["close"]  # noqa: E741
    out = {f"return_{n}": np.log(c / c.shift(n)) for n in (1, 2, 3, 5, 10, 21, 63, 126, 252)}
    out["momentum_12_1"] = np.log(c.shift(21) / c.shift(252))
    for n in (63, 252):
        out[f"time_series_momentum_{n}"] = out[f"return_{n}"] / (r.rolling(63).std() * np.sqrt(n))
    change = c.diff()
    for n in (2, 14):
        up, down = wilder(change.clip(lower=0).where(change.notna()), n), wilder((-change).clip(lower=0), n)
        out[f"rsi_{n}"] = up / (up + down)
    bottom, top = l.rolling(14).min(), h.rolling(14).max()
    out["stochastic_k_14"] = (c - bottom) / (top - bottom)
    out["stochastic_d_14_3"] = out["stochastic_k_14"].rolling(3).mean()
    tp = (h + l + c) / 3
    middle = tp.rolling(20).mean()
    spread = windows(tp, 20)
    mad = padded(np.abs(spread - spread.mean(axis=1, keepdims=True)).mean(axis=1), c)
    out["cci_20"] = (tp - middle) / (1.5 * mad)
    pressure = (c - np.minimum(l, c.shift())).where(c.shift().notna())
    parts = {n: pressure.rolling(n).sum() / tr.rolling(n).sum() for n in (7, 14, 28)}
    out["ultimate_7_14_28"] = (4 * parts[7] + 2 * parts[14] + parts[28]) / 7
    out["return_rank_126"] = rank(r, 126)
    out["max_return_21"], out["min_return_21"] = r.rolling(21).max(), r.rolling(21).min()
    falls, rises = (r < 0).where(r.notna()), (r > 0).where(r.notna())
    balance = falls.astype(float).rolling(252).mean() - rises.astype(float).rolling(252).mean()
    out["information_discreteness_252"] = np.sign(out["return_252"]) * balance
    return out


def trend(p: pd.DataFrame, tr: pd.Series) -> dict[str, pd.Series]:
    """Return the group trend."""
    h, l, c = p["high"], p["low"], p["close"]  # noqa: E741
    sma = {n: c.rolling(n).mean() for n in (5, 10, 21, 50, 200)}
    out = {f"close_to_mean_{n}": np.log(c / sma[n]) for n in sma}
    out["mean_cross_5_21"], out["mean_cross_50_200"] = np.log(sma[5] / sma[21]), np.log(sma[50] / sma[200])
    efficiency = c.diff(10).abs() / c.diff().abs().rolling(10).sum()
    rate = ((efficiency * (2 / 3 - 2 / 31) + 2 / 31) ** 2).to_numpy()
    kama, close = np.full(len(c), np.nan), c.to_numpy()
    value = close[9]
    for t in range(10, len(c)):
        value = value + rate[t] * (close[t] - value)
        kama[t] = value
    out["adaptive_mean_gap_10"] = np.log(c / kama)
    line = ema(c, 12) - ema(c, 26)
    out["macd_12_26"] = line / c
    out["macd_histogram_12_26_9"] = (line - ema(line, 9)) / c
    thrice = ema(ema(ema(c, 15), 15), 15)
    out["trix_15"] = np.log(thrice / thrice.shift())
    up, down = h.diff(), -l.diff()
    plus = up.where((up > down) & (up > 0), 0.0).where(up.notna())
    minus = down.where((down > up) & (down > 0), 0.0).where(up.notna())
    rise, fall = wilder(plus, 14), wilder(minus, 14)
    out["adx_14"] = wilder((rise - fall).abs() / (rise + fall), 14)
    out["directional_gap_28"] = (wilder(plus, 28) - wilder(minus, 28)) / wilder(tr, 28)
    out["aroon_25"] = (age_of_max(-l, 26) - age_of_max(h, 26)) / 25
    logs, time = np.log(c), pd.Series(np.arange(len(c), dtype=float), index=c.index)
    for n in (21, 63, 252):
        out[f"trend_slope_{n}"] = logs.rolling(n).cov(time) / time.rolling(n).var()
    out["trend_fit_63"] = logs.rolling(63).corr(time) ** 2
    return out


def volatility(p: pd.DataFrame, r: pd.Series, tr: pd.Series, atr: pd.Series) -> dict[str, pd.Series]:
    """Return the group volatility."""
    o, h, l, c = (p[x] for x in ("open", "high", "low", "close"))  # noqa: E741
    std = {n: r.rolling(n).std() for n in (5, 21, 63, 252)}
    out = {f"volatility_{n}": std[n] for n in std}
    out["ewma_volatility"] = np.sqrt(seeded(r**2, 0.06, 21))
    for n in (1, 5, 22):
        out[f"absolute_return_{n}"] = r.abs().rolling(n).mean()
    hl, co, gap = np.log(h / l), np.log(c / o), np.log(o / c.shift())
    out["parkinson_10"] = np.sqrt((hl**2 / (4 * np.log(2))).rolling(10).mean())
    out["garman_klass_21"] = np.sqrt((hl**2 / 2 - (2 * np.log(2) - 1) * co**2).rolling(21).mean())
    rs = np.log(h / c) * np.log(h / o) + np.log(l / c) * np.log(l / o)
    out["rogers_satchell_63"] = np.sqrt(rs.rolling(63).mean())
    k = 0.34 / (1.34 + 127 / 125)
    var = gap.rolling(126).var() + k * co.rolling(126).var() + (1 - k) * rs.rolling(126).mean()
    out["yang_zhang_126"] = np.sqrt(var)
    out["average_true_range_14"] = atr / c
    out["true_range_ratio_14"] = tr / atr
    out["volatility_ratio_5_21"] = np.log(std[5] / std[21])
    out["volatility_ratio_21_252"] = np.log(std[21] / std[252])
    out["downside_share_63"] = (r.clip(upper=0) ** 2).rolling(63).sum() / (r**2).rolling(63).sum()
    n = 63
    out["skewness_63"] = r.rolling(n).skew() * (n - 2) / np.sqrt(n * (n - 1))
    n = 252
    out["kurtosis_252"] = (r.rolling(n).kurt() * (n - 2) * (n - 3) / (n - 1) - 6) / (n + 1)
    out["volatility_of_volatility_63"] = std[21].rolling(63).std(ddof=0) / std[21].rolling(63).mean()
    out["volatility_rank_252"] = rank(std[21], 252)
    pairs = (r.abs() * r.abs().shift()).rolling(62).sum()
    out["jump_share_63"] = (1 - np.pi / 2 * 63 / 62 * pairs / (r**2).rolling(63).sum()).clip(0, 1)
    out["bollinger_width_20"] = 4 * c.rolling(20).std(ddof=0) / c.rolling(20).mean()
    return out


def volume(p: pd.DataFrame, r: pd.Series) -> dict[str, pd.Series]:
    """Return the group volume."""
    h, l, c, v = (p[x] for x in ("high", "low", "close", "volume"))  # noqa: E741
    mean = {n: v.rolling(n).mean() for n in (5, 21, 63, 252)}
    out = {"volume_shock_21": imbalance(v, mean[21])}
    out["volume_trend_5_21"] = imbalance(mean[5], mean[21])
    out["volume_trend_21_252"] = imbalance(mean[21], mean[252])
    out["volume_z_63"] = (v - mean[63]) / v.rolling(63).std(ddof=0)
    out["volume_rank_50"] = rank(v, 50)
    signed = np.sign(c.diff()) * v
    for n in (21, 63):
        out[f"balance_of_volume_{n}"] = signed.rolling(n).sum() / v.rolling(n).sum()
    flow = (2 * c - h - l) / (h - l) * v
    out["money_flow_21"] = flow.rolling(21).sum() / v.rolling(21).sum()
    out["accumulation_oscillator_3_10"] = (4.5 * ema(flow, 10) - ema(flow, 3)) / ema(v, 10)
    tp = (h + l + c) / 3
    up = (tp * v).where(tp.diff() > 0, 0.0).where(tp.diff().notna()).rolling(14).sum()
    down = (tp * v).where(tp.diff() < 0, 0.0).where(tp.diff().notna()).rolling(14).sum()
    out["money_flow_index_14"] = up / (up + down)
    out["force_index_13"] = ema(r * v, 13) / ema(v.where(r.notna()), 13)
    impact = r.abs() / (c * v)
    out["illiquidity_ratio_21_252"] = np.log(impact.rolling(21).mean() / impact.rolling(252).mean())
    out["volume_return_correlation_63"] = r.rolling(63).corr(v)
    out["volume_size_correlation_63"] = r.abs().rolling(63).corr(v)
    out["traded_price_gap_63"] = np.log(c / ((tp * v).rolling(63).sum() / v.rolling(63).sum()))
    gap = pd.Series(
        np.where(l > c.shift(), c.shift() / l, np.where(h < c.shift(), c.shift() / h, 1.0)), c.index
    )
    beta = np.log(h / l) ** 2 + np.log(h / l).shift() ** 2
    top, bottom = np.maximum(h * gap, h.shift()), np.minimum(l * gap, l.shift())
    gamma, root = np.log(top / bottom) ** 2, 3 - 2 * np.sqrt(2)
    alpha = ((np.sqrt(2 * beta) - np.sqrt(beta)) / root - np.sqrt(gamma / root)).clip(lower=0)
    out["corwin_schultz_21"] = (2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))).rolling(21).mean()
    out["roll_spread_63"] = 2 * np.sqrt((-r.rolling(63).cov(r.shift(), ddof=0)).clip(lower=0))
    out["zero_return_share_63"] = (r == 0).where(r.notna()).astype(float).rolling(63).mean()
    return out


def candles(p: pd.DataFrame, atr: pd.Series) -> dict[str, pd.Series]:
    """Return the group candles."""
    o, h, l, c = (p[x] for x in ("open", "high", "low", "close"))  # noqa: E741
    size, top, bottom = h - l, np.maximum(o, c), np.minimum(o, c)
    gap, day, before = np.log(o / c.shift()), np.log(c / o), c.shift()
    out = {"gap_ratio_14": (o - before) / atr}
    out["overnight_tilt_21"] = gap.rolling(21).sum() / (gap.abs() + day.abs()).rolling(21).sum()
    squares = (gap**2).rolling(63).sum()
    out["overnight_variance_share_63"] = squares / (squares + (day**2).rolling(63).sum())
    out["body"], out["upper_shadow"], out["lower_shadow"] = (
        (c - o) / size,
        (h - top) / size,
        (bottom - l) / size,
    )
    out["close_location"] = (2 * c - h - l) / size
    out["mean_close_location_10"] = out["close_location"].rolling(10).mean()
    spread = np.log(h / l)
    out["range_ratio_21"] = imbalance(spread, spread.rolling(21).mean())
    shared = np.minimum(h, h.shift()) - np.maximum(l, l.shift())
    out["range_overlap"] = (shared / (np.maximum(h, h.shift()) - np.minimum(l, l.shift()))).where(
        before.notna()
    )
    out["narrow_range_7"] = spread.rolling(7).min() / spread
    holds = (
        (top >= top.shift()) & (bottom <= bottom.shift()) & ((top > top.shift()) | (bottom < bottom.shift()))
    )
    side = np.sign(c - o)
    out["engulfing"] = side.where(holds & (side == -side.shift()) & (side != 0), 0.0).where(before.notna())
    return out


def levels(p: pd.DataFrame, tr: pd.Series) -> dict[str, pd.Series]:
    """Return the group levels."""
    h, l, c = p["high"], p["low"], p["close"]  # noqa: E741
    out = {}
    for n in (63, 252):
        bottom, top = l.rolling(n).min(), h.rolling(n).max()
        out[f"range_position_{n}"] = (c - bottom) / (top - bottom)
    out["channel_width_63"] = np.log(h.rolling(63).max() / l.rolling(63).min())
    for n in (21, 63, 252):
        out[f"close_to_high_{n}"] = np.log(c / c.rolling(n).max())
    out["close_to_low_252"] = np.log(c / c.rolling(252).min())
    out["days_since_high_252"] = age_of_max(h, 252) / 251
    out["days_since_low_252"] = age_of_max(-l, 252) / 251
    out["bollinger_position_20"] = (c - c.rolling(20).mean()) / (2 * c.rolling(20).std(ddof=0))
    out["keltner_position_20_10"] = (c - ema(c, 20)) / (2 * wilder(tr, 10))
    block = windows(c, 63)
    out["max_drawdown_63"] = padded((block / np.maximum.accumulate(block, axis=1) - 1).min(axis=1), c)
    out["ulcer_index_14"] = np.sqrt(((c / c.rolling(14).max() - 1) ** 2).rolling(14).mean())
    out["close_rank_126"] = rank(c, 126)
    return out


def regime(p: pd.DataFrame, r: pd.Series, tr: pd.Series) -> dict[str, pd.Series]:
    """Return the group regime."""
    h, l, c = p["high"], p["low"], p["close"]  # noqa: E741
    out = {f"autocorrelation_{n}": r.rolling(n).corr(r.shift()) for n in (63, 252)}
    out["size_autocorrelation_126"] = r.abs().rolling(126).corr(r.abs().shift())
    for q, n in ((5, 126), (10, 252)):
        count, long = n - q + 1, np.log(c / c.shift(q))
        middle, drift = long.rolling(count).mean(), r.rolling(n).mean()
        spread = long.rolling(count).var(ddof=0) + (middle - q * drift) ** 2
        out[f"variance_ratio_{q}_{n}"] = spread / (q * (1 - q / n)) / r.rolling(n).var()
    block = windows(r, 126)
    walk = (block - block.mean(axis=1, keepdims=True)).cumsum(axis=1)
    rescaled = (np.maximum(walk.max(axis=1), 0) - np.minimum(walk.min(axis=1), 0)) / block.std(axis=1)
    out["hurst_126"] = padded(np.log(rescaled) / np.log(126), c)
    for n in (10, 63):
        out[f"efficiency_ratio_{n}"] = np.log(c / c.shift(n)).abs() / r.abs().rolling(n).sum()
    top = np.maximum(h, c.shift()).where(r.notna()).rolling(14).max()
    bottom = np.minimum(l, c.shift()).where(r.notna()).rolling(14).min()
    out["choppiness_14"] = np.log(tr.rolling(14).sum() / (top - bottom)) / np.log(14)
    signs = np.sign(c.diff())
    same = ((signs == signs.shift()) & (signs != 0)).where(signs.shift().notna())
    out["sign_persistence_63"] = same.astype(float).rolling(63).mean()
    streak = signs.groupby((signs != signs.shift()).cumsum()).cumcount() + 1
    out["run_length"] = signs * streak.clip(upper=10) / 10
    order = pd.Series(0.0, index=c.index)
    triples = np.argsort(windows(-c, 3), axis=1, kind="stable") @ np.array([9, 3, 1])
    code = padded(triples.astype(float), c)
    for pattern in np.unique(triples):
        share = (code == pattern).where(code.notna()).astype(float).rolling(63).mean().round(12)
        order = order - share * np.log(share.where(share > 0, 1.0))
    out["permutation_entropy_63"] = order / np.log(6)
    logs = np.log(c)
    reversion = r.rolling(63).cov(logs.shift()) / logs.shift().rolling(63).var()
    out["mean_reversion_63"] = reversion.clip(-1, 1)
    out["leverage_effect_126"] = r.abs().rolling(126).corr(r.shift())
    return out


def context(p: pd.DataFrame, r: pd.Series, m: pd.Series, v: pd.Series) -> dict[str, pd.Series]:
    """Return the group context."""
    c, mr = p["close"], np.log(m / m.shift())
    std = {n: mr.rolling(n).std() for n in (21, 63, 252)}
    out = {f"market_return_{n}": np.log(m / m.shift(n)) for n in (1, 5, 21, 252)}
    out["market_volatility_21"] = std[21]
    out["market_volatility_ratio_21_252"] = np.log(std[21] / std[252])
    out["market_to_mean_200"] = np.log(m / m.rolling(200).mean())
    out["market_drawdown_252"] = np.log(m / m.rolling(252).max())
    beta = {n: r.rolling(n).cov(mr) / mr.rolling(n).var() for n in (63, 252)}
    out["market_beta_63"], out["market_beta_252"] = beta[63], beta[252]
    down, own = mr.where(mr < 0), r.where(mr < 0)
    downside = own.rolling(252, min_periods=2).cov(down) / down.rolling(252, min_periods=2).var()
    out["market_downside_beta_252"] = downside.where(std[252].notna())
    out["market_correlation_63"] = r.rolling(63).corr(mr)
    out["market_idiosyncratic_share_126"] = 1 - r.rolling(126).corr(mr) ** 2
    left = r.rolling(252).var(ddof=0) - beta[252] * r.rolling(252).cov(mr, ddof=0)
    drift = r.rolling(126).sum() - beta[252] * mr.rolling(126).sum()
    out["market_residual_momentum_126_252"] = drift / np.sqrt(left * 126)
    out["market_relative_return_21"] = np.log(c / c.shift(21)) - np.log(m / m.shift(21))
    out["market_relative_volatility_63"] = np.log(r.rolling(63).std() / std[63])
    out["implied_level"] = v / 100 / np.sqrt(252)
    out["implied_to_mean_252"] = np.log(v / v.rolling(252).mean())
    out["implied_change_1"], out["implied_change_5"] = np.log(v / v.shift(1)), np.log(v / v.shift(5))
    out["implied_rank_126"] = rank(v, 126)
    out["implied_premium_21"] = np.log(v / 100 / np.sqrt(252) / std[21])
    return out


def clock(days: pd.DatetimeIndex) -> dict[str, pd.Series]:
    """Return the group clock."""
    angle = 2 * np.pi * days.day_of_week / 7
    year = 2 * np.pi * (days.day_of_year - 1) / 365.25
    out = {
        "weekday_sin": np.sin(angle),
        "weekday_cos": np.cos(angle),
        "monday": (days.day_of_week == 0) * 1.0,
    }
    out["year_sin"], out["year_cos"] = np.sin(year), np.cos(year)
    first, last = days[0] - pd.offsets.QuarterBegin(startingMonth=1), days[-1] + pd.offsets.QuarterEnd()
    weekdays = pd.Series(1.0, index=pd.bdate_range(first, last))
    month, quarter = (
        weekdays.groupby(weekdays.index.to_period("M")),
        weekdays.groupby(weekdays.index.to_period("Q")),
    )
    passed, whole = month.cumsum().reindex(days), month.transform("sum").reindex(days)
    out["month_progress"] = passed / whole
    out["turn_of_month"] = ((passed <= 3) | (passed == whole)) * 1.0
    out["quarter_progress"] = (quarter.cumsum() / quarter.transform("sum")).reindex(days)
    out["january"] = (days.month == 1) * 1.0
    place = pd.Series(np.arange(len(weekdays)), index=weekdays.index).reindex(days)
    out["weekdays_missed"] = (place.diff() - 1).clip(upper=5)
    friday = days + pd.to_timedelta(4 - days.day_of_week, unit="D")
    out["expiry_week"] = ((friday.day >= 15) & (friday.day <= 21)) * 1.0
    return {name: pd.Series(np.asarray(values, dtype=float), index=days) for name, values in out.items()}


def pandas_features(prices: pd.DataFrame, market: pd.Series, implied: pd.Series) -> pd.DataFrame:
    """Return the features of bars indexed by day, beside an index and a volatility index on the same days."""
    p, c = prices, prices["close"]
    r = np.log(c / c.shift())
    tr = (np.maximum(p["high"], c.shift()) - np.minimum(p["low"], c.shift())).where(c.shift().notna())
    atr = wilder(tr, 14)
    parts = [
        momentum(p, r, tr),
        trend(p, tr),
        volatility(p, r, tr, atr),
        volume(p, r),
        candles(p, atr),
        levels(p, tr),
        regime(p, r, tr),
        context(p, r, market, implied),
        clock(pd.DatetimeIndex(p.index)),
    ]
    return pd.DataFrame({name: column for part in parts for name, column in part.items()})
