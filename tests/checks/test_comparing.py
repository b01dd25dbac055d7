from __future__ import annotations

from geiger.checks.comparing import CONDITIONS, cautions


def test_each_condition_that_differs_has_its_sentence_in_a_fixed_order() -> None:
    both = cautions({"Cost", "Symbol", "Learning Rate"})
    assert both == (
        "the runs are of different symbols (Symbol): figures do not compare one to one",
        "the runs pay different costs (Cost): figures do not compare one to one",
    )
    assert len(cautions(CONDITIONS)) == len(CONDITIONS)
    assert cautions({"Learning Rate"}) == ()
