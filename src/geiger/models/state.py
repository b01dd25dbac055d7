"""What a fit learned, as plain values: the form in which a model is kept on a disk.

Every model gives its `State` (`Predictor.state`) and is made again from one (`storage.restore`). A state that
comes from a file may hold anything, so whoever reads one asks for each value by name, type and size.
"""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geiger.errors import DataError
from geiger.learning.windows import Floats, Ints

MAX_FEATURES = 100_000
MAX_ROWS = 300_000  # days: a thousand years
MAX_WHOLE = 1_000_000  # trees, epochs
LARGEST = 1e300  # of a setting or weight: what is finite and still can be reckoned with


@dataclass(frozen=True, eq=False)
class State:
    """One model, or a part of one.

    Attributes
    ----------
    kind : str
        Which model: what `storage.restore` looks up.
    facts : mapping
        Values that JSON can hold. Floats keep every bit: JSON carries their shortest exact form.
    arrays : mapping of str to array
        Numbers in float64, float32, int64, int32 or uint32.
    blobs : mapping of str to bytes
        A library's own format, under the ending that its files have (``ubj``, ``txt``, ``cbm``).
    parts : tuple of State
        Models inside this one, in order.
    """

    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    parts: tuple[State, ...] = ()

    def fault(self, what: str) -> DataError:
        """Return the error that says what is wrong with this part."""
        return DataError(f"saved {self.kind}: {what}; not as geiger writes it, so save the model again")

    def require(
        self,
        kind: str,
        *,
        facts: Collection[str] = (),
        arrays: Collection[str] = (),
        optional: Collection[str] = (),
        blobs: Collection[str] = (),
        parts: int | None = 0,
    ) -> None:
        """Refuse a state that is of another kind, or holds less than this, or more.

        Parameters
        ----------
        kind : str
            What it must be.
        facts, arrays, blobs : collection of str
            Names of all that it must hold.
        optional : collection of str
            Arrays that need not be there.
        parts : int, optional
            How many there are; None for any number but none.

        Raises
        ------
        DataError
            If it is something else, or a name is missing or does not belong here.
        """
        if self.kind != kind:
            raise self.fault(f"a {kind} expected here")
        for word, given, least, most in (
            ("fact", self.facts, set(facts), set(facts)),
            ("array", self.arrays, set(arrays), {*arrays, *optional}),
            ("blob", self.blobs, set(blobs), set(blobs)),
        ):
            for name in sorted(least - set(given)):
                raise self.fault(f"{word} {name!r} is missing")
            for name in sorted(set(given) - most):
                raise self.fault(f"{word} {reprlib.repr(name)} does not belong here")
        if len(self.parts) != parts if parts is not None else not self.parts:
            raise self.fault(
                f"{'1 or more' if parts is None else parts} parts expected, got {len(self.parts)}"
            )

    def whole(self, name: str, *, least: int = 0, most: int = MAX_WHOLE) -> int:
        """Return a fact that is a whole number within these bounds."""
        value = self.facts.get(name)
        if type(value) is not int or not least <= value <= most:
            raise self.fault(
                f"{name} must be a whole number from {least} to {most}, got {reprlib.repr(value)}"
            )
        return value

    def number(self, name: str) -> float:
        """Return a fact that is a finite number."""
        value: Any = self.facts.get(name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not -LARGEST <= value <= LARGEST:
            raise self.fault(f"{name} must be a finite number, got {reprlib.repr(value)}")
        return float(value)

    def text(self, name: str, *, longest: int = 100) -> str:
        """Return a fact that is a short text."""
        value = self.facts.get(name)
        if not isinstance(value, str) or len(value) > longest:
            raise self.fault(f"{name} must be a text of at most {longest} letters, got {reprlib.repr(value)}")
        return value

    def array(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
        """Return an array of this type and shape, whose numbers are all finite.

        Parameters
        ----------
        shape : tuple of int or None
            None stands for any length.
        """
        value = self.arrays[name]
        if value.dtype != np.dtype(dtype):
            raise self.fault(f"{name} must be {dtype}, got {value.dtype}")
        fits = len(value.shape) == len(shape) and all(
            want in (None, got) for want, got in zip(shape, value.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if size is None else str(size) for size in shape)
            raise self.fault(f"{name} must have shape ({wanted}), got {value.shape}")
        if not np.isfinite(value).all():
            raise self.fault(f"{name} has a number that is missing or infinite")
        return value

    def floats(self, name: str, shape: tuple[int | None, ...]) -> Floats:
        """Return a float64 array of this shape, whose numbers are all finite."""
        return self.array(name, "float64", shape)


def spans_of(rows: Ints) -> Ints:
    """Return ascending row numbers (m,) as first and stop of each unbroken run (k, 2).

    >>> spans_of(np.array([3, 4, 5, 9])).tolist()
    [[3, 6], [9, 10]]
    """
    if not len(rows):
        return np.zeros((0, 2), np.int64)
    last = np.flatnonzero(np.diff(rows) != 1)
    first = np.concatenate([rows[:1], rows[last + 1]])
    return np.stack([first, np.concatenate([rows[last], rows[-1:]]) + 1], axis=1).astype(np.int64)


def rows_of(state: State, name: str) -> Ints:
    """Return the row numbers (m,) behind an array of spans (k, 2).

    Raises
    ------
    DataError
        If they do not ascend from 0 or more, or are more than any series has.
    """
    spans = state.array(name, "int64", (None, 2))
    flat = spans.ravel()
    if flat.size and (flat.min() < 0 or flat.max() > MAX_ROWS or not (np.diff(flat) > 0).all()):
        raise state.fault(f"{name} must hold ascending rows from 0 to {MAX_ROWS}")
    runs = [np.arange(first, stop, dtype=np.int64) for first, stop in spans.tolist()]
    return np.concatenate(runs) if runs else np.zeros(0, np.int64)
