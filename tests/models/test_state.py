from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from geiger.errors import DataError
from geiger.models.base import State
from geiger.models.state import rows_of, spans_of


@given(npst.arrays(np.bool_, st.integers(0, 60)))
def test_rows_come_back_from_their_spans(mask) -> None:
    rows = np.flatnonzero(mask).astype(np.int64)
    spans = spans_of(rows)
    assert len(spans) == np.count_nonzero(np.diff(np.concatenate([[0], mask.astype(int)])) == 1)
    again = rows_of(State("linear", arrays={"rows": spans}), "rows")
    assert again.dtype == np.int64
    assert np.array_equal(again, rows)


@pytest.mark.parametrize(
    "spans",
    [
        [[3, 3]],
        [[5, 4]],
        [[-1, 4]],
        [[0, 4], [4, 5]],
        [[0, 4], [2, 6]],
        [[0, 10**9]],
        [[-(2**63), 2**63 - 1]],
    ],
)
def test_spans_that_are_none_are_refused(spans) -> None:
    with pytest.raises(DataError, match="ascending rows"):
        rows_of(State("linear", arrays={"rows": np.array(spans, np.int64)}), "rows")
