"""A check of your own beside ours: fires on runs that trade more than a hundred times their equity a year."""

from geiger.checks.base import Answer, Case, Fires, NotApplicable, Quiet, Severity, check
from geiger.figures import FigureName
from geiger.records import Figure, RunLog, Status


@check(
    "OWN101",
    "Trades too much",
    Severity.WARN,
    how="Turnover a Year is above 100.",
    why="At a few basis points a trade, costs alone eat several percent a year.",
)
def trades_too_much(case: Case) -> Answer:
    """Ask one log."""
    turnover = case.value(FigureName.TURNOVER_A_YEAR)
    if turnover is None:
        return NotApplicable("the log has no turnover")
    if turnover <= 100.0:
        return Quiet()
    cited = case.at_figure(FigureName.TURNOVER_A_YEAR, f"{turnover:.0f}")
    return Fires(
        f"turns over {turnover:.0f} times a year", (cited,), "The sign rule.", case.commands.backtest()
    )


log = RunLog(
    config=(("Symbol", "AAPL"), ("Model", "lgb")),
    figures=(Figure(FigureName.TURNOVER_A_YEAR, 240.0, "ratio"),),
    lines={"FINAL METRICS/Turnover a Year": 43},  # `geiger.runlog.read_log` finds the lines of a real log
    status=Status.SUCCESS,
)
finding = trades_too_much(Case("AAPL_gbm_lgb_20251229_143022", log))
assert finding is not None
print(log.status, finding.code, finding.text, finding.evidence[0].place)
