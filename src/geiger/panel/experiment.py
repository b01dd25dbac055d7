"""Many symbols, one model, all settings: what a panel is asked to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geiger import settings
from geiger.errors import SettingError
from geiger.experiment.context import Context, load_context
from geiger.market.calendar import valid_symbol
from geiger.market.readers import read_given
from geiger.market.snapshots import Store
from geiger.market.sources import Loaded, list_symbols, load
from geiger.runs.folder import RunsFolder
from geiger.settings import Config


@dataclass(frozen=True)
class Panel:
    """A named set of symbols on one calendar, one model, all settings.

    Attributes
    ----------
    name : str
        Stands for the symbol in logs, runs and commands.
    symbols : tuple of str
        Its members, each once; their order changes nothing.
    model : str
        A name of the model catalogue, such as ``ridge`` or ``lgb``, or ``stack``.
    config : Config
        A recipe for panels (`settings.panel_recipe`), or one with changes.
    data : Path, optional
        Folder of ``SYMBOL.csv`` or ``.parquet``, or one long file; without it stored and embedded prices.
    context : str, optional
        Symbol of the market index; None takes one that is at hand, ``"none"`` does without.
    prices : mapping of str to frame, optional
        The prices themselves (pandas or polars, yfinance's column names), by symbol, in place of a source.
    command : str, optional
        The command line that asked for it, which the log repeats; it changes nothing.
    """

    name: str
    symbols: tuple[str, ...]
    model: str = "ridge"
    config: Config = field(default_factory=lambda: settings.panel_recipe("default"))
    data: Path | None = None
    context: str | None = None
    prices: Mapping[str, Any] | None = None
    runs_dir: Path = Path("runs")
    log_dir: Path = Path("training_logs")
    command: str | None = None

    def __post_init__(self) -> None:
        name = valid_symbol(self.name)
        members = tuple(sorted({valid_symbol(symbol) for symbol in self.symbols}))
        if name in members:
            raise SettingError(f"panel {name}: a panel needs a name that none of its symbols has")
        least = self.config.panel.least_names
        if len(members) < least:
            raise SettingError(
                f"panel {name}: {len(members)} symbols, and a day counts from {least} on; name more, or "
                "lower panel.least_names (below 10 no verdict is given)"
            )
        object.__setattr__(self, "symbols", members)

    @property
    def symbol(self) -> str:
        """The panel's name, which stands where a symbol would."""
        return self.name

    @property
    def runs(self) -> RunsFolder:
        """The folder of all runs."""
        return RunsFolder(Path(self.runs_dir))

    def loaded(self, symbol: str) -> Loaded:
        """Return the prices of a member, from memory or from their source."""
        if self.prices is None:
            return load(symbol, data=self._place, store=Store(self.runs.library))
        if symbol not in self.prices:
            raise SettingError(f"panel {self.name}: no prices are given for {symbol}")
        read = read_given(self.prices[symbol], symbol)
        layout = f"{read.layout}; {read.adjustment}"
        return Loaded(symbol, read.prices, "frame", "given in memory", read.notes, layout, read.actions)

    def surroundings(self) -> Context:
        """Return the index and the volatility index that are at hand, for all members alike."""
        return load_context(self.symbols[0], self._place, self.context, Store(self.runs.library))

    def names_a_symbol(self) -> bool:
        """Whether prices of a symbol with the panel's name are at hand: one name would stand for both."""
        place = self._place
        folder = place if place is not None and place.is_dir() else None
        return self.name in list_symbols(folder, Store(self.runs.library))

    @property
    def _place(self) -> Path | None:
        return None if self.data is None else Path(self.data)
