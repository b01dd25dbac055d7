from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from geiger.cleaning import clean, clean_setting, spotless
from geiger.codec import compact
from helpers.logs import steady

PIECES = st.sampled_from(
    [
        "a",
        " ",
        "  ",
        "=",
        ":",
        "===",
        "token",
        "PASSWD",
        "api",
        "key",
        "secret:",
        "http://",
        "@",
        "\n",
        "\x1b",
        "é",
        "pa\u017f\u017fword",
        "to\u212aen",
        "credential",
        "Authorization",
        "passphrase",
        "\u202e",
        "\t",
        "1.5",
    ]
)


@steady
@given(st.text())
def test_clean_text_is_one_printable_line_and_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert once.isprintable()
    assert not once.startswith("===")
    assert clean(once) == once


@steady
@given(st.lists(st.lists(PIECES, max_size=4).map("".join), max_size=4))
def test_what_is_spotless_stays_as_it_is(texts: list[str]) -> None:
    if spotless(compact(texts)):
        assert [clean(text) for text in texts] == texts
        pairs = [(name, value) for name in texts for value in texts if ":" not in name]
        assert [clean_setting(*pair) for pair in pairs] == pairs


def test_what_logs_say_is_spotless_and_what_hides_a_secret_is_not() -> None:
    assert spotless(compact(["AAPL", "folder (/data/AAPL.csv)", "5 bp a unit of turnover", "", "2 > 1: yes"]))
    for text in (
        "a  b",
        " a",
        "a ",
        "=== STATUS ===",
        "a\nb",
        "\x07",
        "é",
        "password=x",
        "API key",
        "x://y@z",
    ):
        assert not spotless(compact(["AAPL", text])), text
