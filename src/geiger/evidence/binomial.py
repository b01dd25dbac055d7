"""How often something happened, and how often it may happen: exact intervals of a share."""

from __future__ import annotations

from collections.abc import Sequence


def share_interval(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share of which `count` of `n` independent cases were seen.

    It holds the true share at least as often as it promises; of no case it is 0 to 1.

    References
    ----------
    Clopper & Pearson (1934).

    >>> low, high = share_interval(0, 20)
    >>> low, round(high, 3)
    (0.0, 0.168)
    """
    from scipy.special import betaincinv  # scipy.stats, which has more words for it, takes half a second

    tail = (1.0 - level) / 2.0
    low = float(betaincinv(count, n - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, n - count, 1.0 - tail)) if count < n else 1.0
    return low, high


def too_often(counts: Sequence[tuple[int, int]], share: float, level: float = 0.05) -> list[bool]:
    """Return for each (count, n) whether its true share is above `share`, all of them looked at together.

    Nowhere wrongly, with a probability of 1 - `level`: exact one-sided p of each, step-down for their number.

    References
    ----------
    Holm (1979).

    >>> too_often([(1, 100), (8, 100), (2, 100)], 0.01)
    [False, True, False]
    """
    from scipy.special import bdtrc

    p_values = [float(bdtrc(count - 1, n, share)) if count else 1.0 for count, n in counts]
    found, order = [False] * len(counts), sorted(range(len(counts)), key=p_values.__getitem__)
    for place, i in enumerate(order):
        if p_values[i] * (len(counts) - place) > level:
            break
        found[i] = True
    return found
