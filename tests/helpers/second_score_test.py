"""The standardised score test a second time: slow, row by row, written from its description alone.

Nothing of ``geiger.evidence`` is imported here, and each row begins again from the raw inputs it may know,
so that a running sum that went wrong, or a row read too early, shows as a difference.
"""

import math

import numpy as np

DECAY = 0.94
START_ROWS = 60
FLOOR_SHARE = 0.25
CENTRE_FORECASTS = 252
FIT_ROWS = 60
OUTCOME_CLIP = 1.5
FORECAST_CLIP = 3.0
SKIPPED_ROWS = 20
SHRINKING_ROWS = 21
FEWEST_SCORES = 250


def volatility(returns: np.ndarray) -> list[float]:
    """Volatility at every row, NaN on the first 59; a row without a return leaves it as it was."""
    variance: list[float] = []
    result: list[float] = []
    for row, value in enumerate(returns):
        if row < START_ROWS - 1:
            result.append(math.nan)
            continue
        if row == START_ROWS - 1:
            first = [float(r) ** 2 for r in returns[:START_ROWS] if not math.isnan(r)]
            variance.append(math.fsum(first) / len(first))
        elif math.isnan(value):
            variance.append(variance[-1])
        else:
            variance.append(DECAY * variance[-1] + (1 - DECAY) * float(value) ** 2)
        ordered = sorted(variance)
        middle = len(ordered) // 2
        median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
        result.append(math.sqrt(max(variance[-1], FLOOR_SHARE * median)))
    return result


def line_at(x: list[float], y: list[float], at: float) -> float:
    """What the least-squares line through (x, y) says at ``at``; the mean of y where x has no spread."""
    mean_x = math.fsum(x) / len(x)
    mean_y = math.fsum(y) / len(y)
    spread = math.fsum((a - mean_x) ** 2 for a in x)
    if spread <= 1e-20 * len(x) * mean_x**2:
        return mean_y
    slope = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    return mean_y + slope * (at - mean_x)


def second_scores(
    returns: np.ndarray, outcome: np.ndarray, known_from: np.ndarray, forecast: np.ndarray, horizon: int
) -> dict[str, list[float]]:
    """Scores of the test rows, one by one.

    ``returns``, ``outcome``, ``known_from`` and ``forecast`` have one entry for each day; ``forecast`` is NaN
    where no forecast was made, ``outcome`` NaN where there is none, and the outcome of row i may be used from
    row ``known_from[i]`` on.
    """
    n = len(returns)
    s = volatility(returns)
    u = [math.nan] * n
    clipped = [math.nan] * n
    result: dict[str, list[float]] = {name: [] for name in ("row", "u", "v", "g", "raw_g", "score")}
    earlier_g: list[float] = []
    centred: list[float] = []
    earlier_x: list[float] = []
    tested = 0
    for t in range(n):
        if math.isnan(s[t]):
            continue
        known = [
            i
            for i in range(t + 1)
            if known_from[i] <= t and not math.isnan(s[i]) and not math.isnan(outcome[i])
        ]
        if known and not math.isnan(outcome[t]):
            q = [1 / s[i] ** 2 for i in known]
            ybar = math.fsum(w * outcome[i] for w, i in zip(q, known, strict=True)) / math.fsum(q)
            u[t] = (outcome[t] - ybar) / (s[t] * math.sqrt(horizon))
            clipped[t] = min(max(u[t], -OUTCOME_CLIP), OUTCOME_CLIP)
        if math.isnan(forecast[t]):
            continue
        before = [i for i in range(t) if not math.isnan(forecast[i]) and not math.isnan(s[i])]
        before = before[-CENTRE_FORECASTS:]
        tested += 1
        if not before:
            continue
        q = [1 / s[i] ** 2 for i in before]
        fbar = math.fsum(w * forecast[i] for w, i in zip(q, before, strict=True)) / math.fsum(q)
        raw_g = (forecast[t] - fbar) / s[t]
        if len(earlier_x) >= SKIPPED_ROWS:
            x_bar = math.fsum(earlier_x) / len(earlier_x)
            g_bar = math.fsum(centred) / len(centred)
            spread = math.fsum((x - x_bar) ** 2 for x in earlier_x)
            both = math.fsum((x - x_bar) * (a - g_bar) for x, a in zip(earlier_x, centred, strict=True))
            more = 1 + SHRINKING_ROWS / len(earlier_x)
            centred.append(raw_g)
            raw_g -= both / spread / more * (1 / s[t] - x_bar)
        else:
            centred.append(raw_g)
        earlier_x.append(1 / s[t])
        g = raw_g
        if earlier_g:
            limit = FORECAST_CLIP * math.sqrt(math.fsum(a * a for a in earlier_g) / len(earlier_g))
            g = min(max(raw_g, -limit), limit)
        earlier_g.append(raw_g)
        fitted = [i for i in known if not math.isnan(clipped[i])]
        if math.isnan(clipped[t]) or len(fitted) < FIT_ROWS or tested <= SKIPPED_ROWS:
            continue
        v = clipped[t] - line_at([1 / s[i] for i in fitted], [clipped[i] for i in fitted], 1 / s[t])
        for name, value in (("row", t), ("u", u[t]), ("v", v), ("g", g), ("raw_g", raw_g), ("score", g * v)):
            result[name].append(value)
    return result


def second_bias(g: list[float], v: list[float], horizon: int, delay: int) -> float:
    """What the statistic has without skill, in standard errors."""
    n = len(g)
    phi = math.fsum(g[i] * g[i - 1] for i in range(1, n)) / math.fsum(a * a for a in g)
    news = [math.nan] + [g[i] - phi * g[i - 1] for i in range(1, n)]
    news_size = math.sqrt(math.fsum(a * a for a in news[1:]) / (n - 1))
    v_size = math.sqrt(math.fsum(a * a for a in v) / n)
    d = 0.0
    for later in range(1, horizon + delay + 1):
        d -= math.fsum(news[i + later] * v[i] for i in range(n - later)) / n / news_size / v_size
    d = min(max(d / math.sqrt(horizon), 0.0), 1.0)
    return d * min(phi / math.sqrt(n * (1 - phi**2)), 0.42) if phi > 0 else 0.0


def second_p(scores: list[float], horizon: int, bias: float) -> tuple[float, float]:
    """Statistic and one-sided p of scores."""
    from scipy import stats

    n = len(scores)
    if n < FEWEST_SCORES:
        return 0.0, 1.0
    mean = math.fsum(scores) / n
    if horizon == 1:
        error = math.sqrt(math.fsum((c - mean) ** 2 for c in scores)) / n
    else:
        b = round(0.4 * n ** (2 / 3))
        total = 0.0
        for j in range(1, b + 1):
            wave = math.fsum(c * math.cos(math.pi * j * (i + 0.5) / n) for i, c in enumerate(scores))
            total += 2 / n * wave * wave
        error = math.sqrt(total / b / n)
    if error == 0.0:
        return 0.0, 1.0
    t = mean / error - bias
    return t, float(stats.norm.sf(t) if horizon == 1 else stats.t.sf(t, b))
