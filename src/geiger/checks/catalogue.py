"""All checks of one run in the order of their codes, and the page that lists them."""

from __future__ import annotations

from geiger.checks import audited, forecasts, inputs, judged, trading, training, trends
from geiger.checks.base import Case, Check, Finding, Severity

CHECKS: tuple[Check, ...] = (
    *training.CHECKS,
    *forecasts.CHECKS,
    *trading.CHECKS,
    *inputs.CHECKS,
    *audited.CHECKS,
    *judged.CHECKS,
)
_ORDER = list(Severity)


def ask_all(case: Case) -> tuple[Finding, ...]:
    """Return what the checks find in one run, the gravest first, then by code."""
    found = [finding for check in CHECKS if (finding := check(case)) is not None]
    return tuple(sorted(found, key=lambda finding: (_ORDER.index(finding.severity), finding.code)))


def checks_page() -> str:
    """Return docs/checks.md."""
    rows = [_entry(c.code, c.title, c.severity, c.how, c.why) for c in CHECKS]
    rows += [_entry(t.code, t.title, t.severity, t.how, t.why) for t in trends.TRENDS]
    return _HEAD + "\n".join(rows)


def _entry(code: str, title: str, severity: Severity, how: str, why: str) -> str:
    return f"## {code} {title}\n\n**{severity}.** {how}\n\n{why}\n"


_HEAD = """\
# Checks

Made from the code by `make docs`. `geiger logs analyze` asks each of these questions of each log; a check
fires, stays quiet, or does not apply because the log does not say enough. Codes never change their meaning.
Each finding cites log and line, names the likely cause, and the next command to type.

- **FAIL**: mend it before anything else.
- **WARN**: go on knowing it.
- **NOTE**: worth knowing.

`GC1..` asks about the run and its learning curves, `GC2..` about the forecasts (health table, the doctor of
networks), `GC3..` about the plan's checkpoints, `GC4..` about trading, `GC5..` about data, settings and
versions, `GC6..` about several runs together, `GC7..` about the [audit](audit.md). A quiet check is no
evidence of skill.

"""
