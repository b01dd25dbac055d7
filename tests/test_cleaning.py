from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from geiger.cleaning import clean
from helpers.logs import steady


@steady
@given(st.text())
def test_clean_text_is_one_printable_line_and_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert once.isprintable()
    assert not once.startswith("===")
    assert clean(once) == once
