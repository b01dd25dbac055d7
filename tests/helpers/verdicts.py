"""A verdict that has something of everything."""

from __future__ import annotations

from geiger.records import (
    Answer,
    CheckSource,
    Notice,
    RegisterHead,
    SourceArm,
    Tries,
    Verdict,
    Worth,
)

CHECK = CheckSource(
    symbol="AAPL",
    model="ridge",
    level=0.01,
    source="momentum",
    days=1709,
    null=SourceArm(r2=0.0, p_values=(0.001, *[0.5] * 19)),
    planted=(SourceArm(r2=0.05, p_values=(*[0.001] * 19, 0.5), oracle_p_values=(0.001,) * 20),),
)
VERDICT = Verdict(
    answer=Answer.CANNOT_TELL,
    sentence="what was found could be luck",
    reasons=(Notice("WEAK", "what was found could be luck"),),
    days=1709,
    first="2006-01-03",
    last="2012-10-15",
    statistic=1.2,
    p_value=0.1151,
    corrected_p=0.2412,
    level=0.01,
    slope=0.41,
    slope_error=0.26,
    needed_slope=0.32,
    explained=0.0006,
    detectable=0.0041,
    days_for_measured=2310,
    days_for_needed=0,
    worth=Worth.NO,
    worth_p=0.8,
    worth_corrected_p=0.9,
    difference=-0.012,
    deflated_sharpe=0.31,
    tries=Tries(key="k", series="s", skill=3, economic=4, lost=1, head=RegisterHead(7, 9, "5f" * 32)),
    check=CHECK,
    not_checked=("audit: was not asked for",),
    made_on="2026-11-29",
    data_to="2013-10-15",
)
