from __future__ import annotations

from pathlib import Path

from geiger.figures import FigureName, ScoreName
from geiger.glossary import TERMS, entries, glossary_page, pieces

ROOT = Path(__file__).parents[1]


def test_words_stand_in_order_and_mean_one_thing() -> None:
    names = [term.name for term in TERMS]
    assert names == sorted(names, key=lambda name: name.lower().replace("²", "2"))
    assert len(entries()) == sum(1 + len(term.also) for term in TERMS), "a word stands in two entries"
    assert len({term.anchor for term in TERMS}) == len(TERMS)


def test_every_entry_says_what_it_means_in_whole_sentences() -> None:
    for term in TERMS:
        assert term.words.endswith("."), term.name
        assert len(term.words) > 30, term.name


def test_the_longest_word_is_found_and_no_part_of_another() -> None:
    found = [(text, term.name) for text, term in pieces("Rank IC, ICIR and MAGIC; p 0.02") if term]
    assert found == [("Rank IC", "rank IC"), ("ICIR", "ICIR"), ("p", "p")]
    assert "".join(text for text, _ in pieces("k of 1, pred_std")) == "k of 1, pred_std"


PLAIN = {  # words that everybody has
    *("Positive %", "Above Train Mean %", "Copies Yesterday", "Best Epoch", "Beat Buy & Hold"),
    *("Head Gradient, first epoch", "Head Gradient, last epoch", "Mean Absolute Weight"),
}


def test_figures_that_are_no_plain_words_have_an_entry() -> None:
    explained = {figure for figure in FigureName if any(term for _, term in pieces(figure))}
    assert {str(figure) for figure in FigureName} - {str(figure) for figure in explained} == PLAIN
    assert any(term for _, term in pieces(ScoreName.CAGR.label))


def test_the_page_is_fresh_and_holds_every_entry() -> None:
    page = glossary_page()
    assert (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8") == page, "run `make docs`"
    assert page.count("\n| **") == len(TERMS)
