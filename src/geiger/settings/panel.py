"""How many symbols are learned from as one: what a panel does differently from a symbol alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from geiger.errors import SettingError
from geiger.settings.setting import Settings, setting

Normalisation = Literal["rolling", "ranked"]
PanelTarget = Literal["demeaned", "ranked", "raw"]
RowWeights = Literal["rows", "days", "symbols"]


@dataclass(frozen=True)
class PanelSettings(Settings):
    """What shapes the forecasts of a panel, and of nothing else."""

    section: ClassVar[str] = "panel"
    least_names: int = setting(
        10,
        "Symbols that a day needs to count, in learning and in scoring.",
        unit="symbols",
        least=2,
        shapes="panel",
    )
    normalisation: Normalisation = setting(
        "rolling",
        "What linear models and networks read: each symbol in its own past deviations, or its rank of the "
        "day. Trees read the features as they are.",
        shapes="panel",
    )
    window: int = setting(
        756, "Rows of a symbol's past that it is measured by.", unit="days", least=20, shapes="panel"
    )
    window_least: int = setting(
        252, "The fewest such rows: before, a symbol has no part.", unit="days", least=2, shapes="panel"
    )
    clip: float = setting(
        4.0, "Largest absolute value of a feature after that.", unit="deviations", above=0, shapes="panel"
    )
    target: PanelTarget = setting(
        "demeaned",
        "What selection learns: the return beyond the mean of the day, its rank in the day, or the return.",
        shapes="panel",
    )
    target_clip: float = setting(
        4.0, "Largest absolute return that is learned.", unit="daily deviations", above=0, shapes="panel"
    )
    weights: RowWeights = setting(
        "rows",
        "What counts alike in learning: every row, every day, or every symbol however long its history.",
        shapes="panel",
    )
    deviations: tuple[float, ...] = setting(
        (30_000.0,),
        "Penalties to choose from on what a symbol's own coefficients may differ from those of all, "
        "ascending; none at all is always among the choices.",
        unit="rows",
        above=0,
        shapes="panel",
    )
    slope_days: int = setting(
        126,
        "First days forecast out of sample, from which only the size of the forecasts is learned.",
        unit="days",
        least=20,
        shapes="panel",
    )
    tree_refit: int | None = setting(
        252, "Days between two fits of trees, where it is given.", unit="days", least=1, shapes="panel"
    )

    def check(self) -> None:
        """Refuse penalties that are not ascending, and a window below its least."""
        if list(self.deviations) != sorted(self.deviations):
            raise SettingError(f"panel.deviations must be ascending, got {self.deviations}")
        if self.window_least > self.window:
            raise SettingError(
                f"panel.window_least {self.window_least} lies above panel.window {self.window}; swap them"
            )
