"""Where the audit of a panel cuts, and the part of its days that is made again around each cut.

To make all days of many symbols again for every other future would take an hour. What looks ahead does so in
any stretch of days, so three stretches are taken, and the whole pipeline runs on each: the beginning of the
run, with its own settings; days around the edge of a middle fold; and the last days. In the last two less is
learned from.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from geiger.audit.cuts import FIRST_TEST_ROW, INSIDE, Cut
from geiger.audit.lighter import lighter_config
from geiger.audit.panel_pipeline import Made, material_in
from geiger.audit.panel_worlds import PanelWorld
from geiger.errors import DataError
from geiger.features.catalogue import WARMUP
from geiger.learning.folds import MIN_VALID_ROWS, Fold
from geiger.panel.folds import counting
from geiger.panel.issue import FEWEST_DAYS
from geiger.panel.plan import PanelPlan
from geiger.panel.walk import bases_of
from geiger.settings import Config, override

EDGE = "first row of a middle fold"
FIRST_KNOWN = "first forecast whose outcome is known"
AHEAD = 30  # days behind the last cut of a window
MEASURED, LEAST_MEASURED = 126, 63  # days by which symbols are measured in a lighter window
REFIT = 63  # days between its fits
LEARNED = 140  # days that its first fold learns from
TAUGHT = 20  # days that teach its slope
OWN_DAYS = 2500  # days before the first forecasts, up to which they are made as the run made them
SPARE = 5  # days, for those on which too few symbols trade


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch of days, what the pipeline makes of it, and the cuts in it.

    Attributes
    ----------
    base : Made
        Of the world as it is.
    lighter : bool
        Whether less is learned from than in the run.
    """

    world: PanelWorld
    config: Config
    cuts: tuple[Cut, ...]
    base: Made
    lighter: bool


@dataclass(frozen=True)
class Stretch:
    """Positions in the panel's calendar: first and last, the cuts between, and the fold edge that is kept."""

    first: int
    last: int
    edge: int
    places: tuple[tuple[int, str], ...]
    lighter: bool


def stretches_of(planned: PanelPlan) -> tuple[Stretch, ...]:
    """Return where a plan is cut; each day is cut at once."""
    material, config = planned.material, planned.work.config
    days, folds = counting(material), max(planned.folds.values(), key=len)
    first, middle, last = folds[0], folds[len(folds) // 2], folds[-1]
    found, taken = [], set[int]()
    for places, fold in (
        (_beginning(first, len(days), config), first),
        (((middle.test.start, EDGE), (_inside(middle), INSIDE)), middle),
        (((last.test.stop - 1, "last test row"),), last),
    ):
        own = [(int(days[place]), why) for place, why in places if place < len(days)]
        own = [(place, why) for place, why in own if place not in taken]
        if own:
            taken |= {place for place, _ in own}
            found.append(_stretch(int(days[fold.test.start]), own, fold is first, planned))
    return tuple(found)


def _beginning(first: Fold, days: int, config: Config) -> tuple[tuple[int, str], ...]:
    issued = first.test.start + config.panel.slope_days + 2 * (config.horizon + 1)
    return (
        (first.test.start, FIRST_TEST_ROW),
        (first.test.stop - 1, "last row of the first fold"),
        *(((issued, FIRST_KNOWN),) if issued + config.horizon + 1 < days else ()),
    )


def _inside(fold: Fold) -> int:
    return fold.test.start + min(len(fold.test), REFIT) // 2


def _stretch(edge: int, places: list[tuple[int, str]], is_first: bool, planned: PanelPlan) -> Stretch:
    config, total = planned.work.config, len(planned.material.calendar)
    last = min(max(place for place, _ in places) + AHEAD + config.horizon + 1, total - 1)
    if is_first and edge <= OWN_DAYS:
        return Stretch(0, last, edge, tuple(places), lighter=False)
    refit = min(config.refit, REFIT)
    before = WARMUP + min(config.panel.window_least, LEAST_MEASURED) + _learned(config) + SPARE
    before += config.horizon + refit * _earlier(config, refit)
    return Stretch(max(edge - before, 0), last, edge, tuple(places), lighter=True)


def _learned(config: Config) -> int:
    """Return the fewest days that a fold can learn from."""
    share = config.valid_share
    return max(LEARNED, math.ceil((MIN_VALID_ROWS + config.horizon + 1) / min(share, 1.0 - share)) + 1)


def _earlier(config: Config, refit: int) -> int:
    """Return how many folds come before the one at the edge, so that its candidate is a choice."""
    return math.ceil((FEWEST_DAYS + config.horizon + 1) / refit)


def windows_of(planned: PanelPlan, world: PanelWorld) -> Iterator[tuple[Stretch, Window | DataError]]:
    """Yield the windows, or why one cannot be made."""
    for stretch in stretches_of(planned):
        try:
            yield stretch, _window(planned, world, stretch)
        except DataError as error:
            yield stretch, error


def _window(planned: PanelPlan, world: PanelWorld, stretch: Stretch) -> Window:
    calendar, config = planned.material.calendar, window_config(planned)
    started = planned.work.config.start
    beginning = dt.date.min if started is None else dt.date.fromisoformat(started)
    first = beginning if stretch.first == 0 else calendar[stretch.first]
    part = world.between(first, calendar[stretch.last])
    if stretch.lighter:
        config = override(config, _lighter_settings(config))
    material = material_in(part, config)
    if stretch.lighter:
        before = int((material.calendar.gather(counting(material)) < calendar[stretch.edge]).sum())
        refit = config.refit
        folds = min(_earlier(config, refit), (before - config.horizon - _learned(config)) // refit)
        if folds < 0:
            raise DataError(
                f"only {before} days with enough symbols lie before the fold edge of {calendar[stretch.edge]}"
            )
        learned = before - config.horizon - folds * refit
        rolling = None if planned.work.config.rolling is None else learned
        config = replace(config, min_train=learned, rolling=rolling)
    cuts = tuple(Cut(place, calendar[place], why) for place, why in stretch.places)
    return Window(part, config, cuts, Made(material, planned.model, config), stretch.lighter)


def window_config(planned: PanelPlan) -> Config:
    """Return the settings of a run for a part of its days: nothing is locked, no fold is left out."""
    config, _ = lighter_config(planned.work.config, bases_of(planned.model, planned.work.config))
    return replace(config, lockbox=0, start=None, end=None, max_folds=None)


def _lighter_settings(config: Config) -> dict[str, object]:
    panel = config.panel
    return {
        "refit": min(config.refit, REFIT),
        "rolling": None,
        "panel": {
            "window": min(panel.window, MEASURED),
            "window_least": min(panel.window_least, LEAST_MEASURED),
            "slope_days": min(panel.slope_days, TAUGHT),
            "tree_refit": None,
        },
    }


def told(planned: PanelPlan, windows: list[Window]) -> tuple[str, ...]:
    """Return sentences that say what is made lighter than in the run."""
    _, found = lighter_config(planned.work.config, bases_of(planned.model, planned.work.config))
    smaller = [window for window in windows if window.lighter]
    if smaller:
        learned = " and ".join(str(window.config.min_train) for window in smaller)
        one = smaller[0].config
        found += (
            f"around {sum(len(window.cuts) for window in smaller)} of the cuts, folds of {one.refit} days "
            f"that learn from {learned} days or more, symbols measured by {one.panel.window} days, and "
            f"{one.panel.slope_days} days that teach the slope",
        )
    return found
