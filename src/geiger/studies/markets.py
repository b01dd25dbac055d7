"""The markets of a study: made ones whose true answer is known, and real ones up to a day."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from geiger.experiment.material import Material
from geiger.experiment.prepare import prepare
from geiger.features.catalogue import WARMUP
from geiger.market.loaded import Loaded
from geiger.market.snapshots import Store, content_hash
from geiger.market.sources import list_symbols
from geiger.market.synthetic import Planted, Signal, garch_market, planted_market
from geiger.seeds import derive
from geiger.settings import Config, recipe
from geiger.settings import override as changed

Kind = Literal["linear", "nonlinear", "null", "real"]

LINEAR = ("volume", "reversal")  # a line through the features of one row sees nearly all of these
R2, STRONG_R2 = 0.02, 0.10
REAL_ROWS = 3000  # guess of a real fold's rows, for estimates of time
FEW = (("volume", R2), ("interaction", STRONG_R2), (None, 0.0))
FEW_NUMBERS, FEW_REAL = 2, 2  # of each of these, and of real ones, for arms that take long
TAIL = 2  # last rows, whose label is not known


class Market(ABC):
    """Prices that an arm is trained on, with the settings they ask for."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What a report calls it."""

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """What can be learned from it."""

    @property
    @abstractmethod
    def changes(self) -> dict[str, Any]:
        """Settings that the market asks for, as `settings.override` takes them."""

    @property
    @abstractmethod
    def planted(self) -> tuple[Signal | None, float] | None:
        """The signal put into it and its R2, None for no signal; None as a whole where nobody put any."""

    @property
    @abstractmethod
    def learned_rows(self) -> int:
        """About how many rows a fold learns from."""

    @property
    @abstractmethod
    def among_few(self) -> bool:
        """Whether arms that take long are trained on it; of real ones, on the first `FEW_REAL` at hand."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return what identifies it, without its prices and without any path."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a hash of its data."""

    @abstractmethod
    def load(self, config: Config) -> tuple[Material, npt.NDArray[np.float64] | None]:
        """Return what a model learns from, and the expected log return of each row (n,) where it is known."""


@dataclass(frozen=True)
class MadeMarket(Market):
    """A market with a planted signal, or with none, cut into one fold.

    Attributes
    ----------
    signal : str, optional
        A signal of `planted_market`; None plants nothing.
    r2 : float
        Share of the next return's variance that the signal explains.
    number : int
        Tells apart markets of the same signal and strength; no two markets share a random number.
    train_rows, test_rows : int
        Rows learned from (inner validation rows included), and rows forecast.
    """

    signal: Signal | None
    r2: float
    number: int
    train_rows: int = 3000
    test_rows: int = 1000

    @property
    def name(self) -> str:
        """Signal, strength and number."""
        what = "nothing" if self.signal is None else f"{self.signal} {100 * self.r2:g}%"
        return f"{what} #{self.number}"

    @property
    def kind(self) -> Kind:
        """Whether a line can learn it."""
        if self.signal is None:
            return "null"
        return "linear" if self.signal in LINEAR else "nonlinear"

    @property
    def changes(self) -> dict[str, Any]:
        """One fold, no lock-box: the whole market is made for this study."""
        rows = {"min_train": self.train_rows, "refit": self.test_rows}
        return {"lockbox": 0, "max_folds": 1, "rolling": None, "start": None, "end": None, **rows}

    @property
    def planted(self) -> tuple[Signal | None, float]:
        """Signal and strength."""
        return self.signal, self.r2

    @property
    def learned_rows(self) -> int:
        """Rows of its one fold."""
        return self.train_rows

    @property
    def among_few(self) -> bool:
        """The first of a line, of two facts of one row, and of nothing."""
        return self.number < FEW_NUMBERS and self.planted in FEW

    def settings(self) -> dict[str, Any]:
        """Return its fields."""
        return asdict(self)

    def fingerprint(self) -> str:
        """Return the hash of its prices."""
        return content_hash(self._made().prices)

    def load(self, config: Config) -> tuple[Material, npt.NDArray[np.float64] | None]:
        """Make it, and everything a model learns from."""
        made = self._made()
        loaded = Loaded("MADE", made.prices, "frame", "made for a study")
        with TemporaryDirectory() as folder:
            store = Store(Path(folder))
            material = prepare(
                "MADE", config, data=None, context="none", library=store, snapshots=store, loaded=loaded
            )
        return material, made.true_mean if self.signal else None

    def _made(self) -> Planted:
        days = WARMUP + self.train_rows + 1 + self.test_rows + TAIL
        seed = derive(self.number, "ablation", str(self.signal), f"{self.r2:g}")
        if self.signal is None:
            prices = garch_market(days, seed)
            return Planted(prices, np.zeros(days), np.zeros(days))
        return planted_market(days, seed, self.r2, signal=self.signal)


@dataclass(frozen=True)
class RealMarket(Market):
    """A real symbol up to a day, its lock-box cut off before.

    Attributes
    ----------
    symbol : str
    data : Path, optional
        Folder of prices; without it those of `library` and the embedded ones.
    library : Path
        Prices that were added or fetched.
    """

    symbol: str
    data: Path | None = None
    library: Path = Path("runs/library")
    context: str | None = None
    start: str | None = None
    end: str | None = "2017-12-31"
    refit: int = 504
    max_folds: int = 3

    @property
    def name(self) -> str:
        """The symbol."""
        return self.symbol

    @property
    def kind(self) -> Kind:
        """Nobody knows what can be learned from it."""
        return "real"

    @property
    def changes(self) -> dict[str, Any]:
        """Few and long folds; the lock-box is that of the symbol's market."""
        span = {"start": self.start, "end": self.end}
        return {"lockbox": None, "refit": self.refit, "max_folds": self.max_folds, **span}

    @property
    def planted(self) -> None:
        """Nobody put anything into it."""
        return None

    @property
    def learned_rows(self) -> int:
        """A guess: the prices are not read for it."""
        return REAL_ROWS

    @property
    def among_few(self) -> bool:
        """No symbol is by itself."""
        return False

    def settings(self) -> dict[str, Any]:
        """Return its fields but for the places of files."""
        return {name: value for name, value in asdict(self).items() if name not in ("data", "library")}

    def fingerprint(self) -> str:
        """Return the hashes of the prices and of their context."""
        material, _ = self.load(changed(recipe("default"), self.changes))
        data = material.provenance
        hashes = (data.data_hash, data.context.market_hash, data.context.volatility_hash)
        return " ".join(known for known in hashes if known is not None)

    def load(self, config: Config) -> tuple[Material, npt.NDArray[np.float64] | None]:
        """Load prices and context, and compute everything a model learns from."""
        with TemporaryDirectory() as folder:  # several processes would write the same snapshots
            material = prepare(
                self.symbol,
                config,
                data=self.data,
                context=self.context,
                library=Store(self.library),
                snapshots=Store(Path(folder)),
            )
        return material, None


def made_markets(numbers: int = 4, *, train_rows: int = 3000, test_rows: int = 1000) -> list[MadeMarket]:
    """Return the made markets: each signal at a strength that some model can find, and some without."""
    kinds: list[tuple[Signal | None, float]] = [
        *(("volume", R2), ("reversal", R2), ("delayed", R2), ("memory", R2)),
        *(("interaction", STRONG_R2), (None, 0.0)),
    ]
    return [MadeMarket(signal, r2, i, train_rows, test_rows) for signal, r2 in kinds for i in range(numbers)]


def real_symbols(data: Path | None, library: Path) -> list[str]:
    """Return the symbols at hand, without indices, which cannot be bought."""
    return [symbol for symbol in list_symbols(data, Store(library)) if not symbol.startswith("^")]


def few_of(markets: Iterable[Market]) -> list[Market]:
    """Return the few markets for arms that take long: a line, two facts of one row, nothing, two symbols."""
    kept: list[Market] = []
    real = 0
    for market in markets:
        real += market.kind == "real"
        if market.among_few or (market.kind == "real" and real <= FEW_REAL):
            kept.append(market)
    return kept
