"""The ablation's report: one page for people, one file for programs. No path of this machine is in either."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from geiger.files import write_atomically
from geiger.studies.ablate import Results, Task
from geiger.studies.arms import Arm
from geiger.studies.markets import Market
from geiger.studies.tables import Estimate, Row, make_rows, over_made_markets

HEADING = (
    *("arm", "linear eIC", "nonlinear eIC", "false alarms", "real IC", "k"),
    *("difference, made", "difference, real", "collapsed", "question"),
)
LEGEND = """\
A table compares every arm with its group's first one, market by market. Correlations count, of forecast and
outcome on rows that no training saw:

- **eIC**, on made markets: the correlation to be expected, that is the forecast's with the true mean times
  the largest one possible; `±` is a standard error, from the spread within markets of one kind.
- **linear**: markets whose signal is a line of one day's features (volume, reversal); **nonlinear**: those
  that take two facts of a row or earlier rows (interaction, delayed, memory).
- **false alarms**: markets without any signal where the correlation lies outside its 95% bound, from its
  influence values (1 in 20 by chance).
- **real IC**: correlation on real symbols. They share their days, so its error comes from what each day adds
  over all of them (clustered by date), and so does that of a difference.
- **k**: median spread of the forecasts, in spreads of the outcome.
- **difference**: arm minus base, paired, with a 95% interval; `=` less than a standard error, `+` better,
  `-` worse, `?` one market alone.
- **collapsed**: share of trainings that ended as a constant or as one sign; failed ones are named.

A forecast that is constant or failed counts as correlation 0. Every arm has the same target, fill at the next
open, and one seed a fold, whatever its recipe says.
"""


@dataclass(frozen=True)
class Ablation:
    """What the report tells of.

    Attributes
    ----------
    command : str
        The command line, without paths.
    arms : sequence of Arm
    tasks : sequence of Task
    results : Results
    beyond : mapping, optional
        R^2 of the study `beyond_range`: model -> case -> one a seed.
    """

    command: str
    arms: Sequence[Arm]
    tasks: Sequence[Task]
    results: Results
    beyond: Mapping[str, Mapping[str, Sequence[float]]] | None = None

    def found(self) -> dict[str, dict[Market, dict[str, Any]]]:
        """Return arm -> market -> result, of what has one."""
        known: dict[str, dict[Market, dict[str, Any]]] = {}
        for task in self.tasks:
            if task.key in self.results.by_key:
                known.setdefault(task.arm.name, {})[task.market] = self.results.by_key[task.key]
        return known

    def planned(self) -> dict[str, list[Market]]:
        """Return arm -> the markets it is to run on."""
        markets: dict[str, list[Market]] = {arm.name: [] for arm in self.arms}
        for task in self.tasks:
            markets[task.arm.name].append(task.market)
        return markets


def write_report(ablation: Ablation, out: Path) -> tuple[Path, Path]:
    """Write ``ablation.md`` and ``ablation.json`` into the folder `out` and return both."""
    page, data = out / "ablation.md", out / "ablation.json"
    rows = make_rows(ablation.arms, ablation.planned(), ablation.found())
    write_atomically(page, markdown(ablation, rows).encode())
    facts = json.dumps(as_facts(ablation, rows), indent=1, default=str, allow_nan=False)
    write_atomically(data, (facts + "\n").encode())
    return page, data


def markdown(ablation: Ablation, rows: Sequence[Row]) -> str:
    """Return the page."""
    parts = [
        "# Ablation: one thing changed at a time",
        f"```\n{ablation.command}\n```",
        _what_ran(ablation),
        LEGEND,
    ]
    for group in dict.fromkeys(row.arm.group for row in rows):
        parts += [f"## {group[0].upper()}{group[1:]}", _table(_of_group(group, rows, ablation))]
    if ablation.beyond:
        parts += ["## Beyond the range that was learned", _beyond(ablation.beyond)]
    parts += _troubles(ablation, rows)
    return "\n\n".join(part.strip() for part in parts) + "\n"


def as_facts(ablation: Ablation, rows: Sequence[Row]) -> dict[str, Any]:
    """Return everything behind the page as JSON-able facts."""
    found = ablation.found()
    return {
        "command": ablation.command,
        "rows": [_row_facts(row) for row in rows],
        "results": [
            {"arm": name, **{key: value for key, value in record.items() if key not in ("arm", "key")}}
            for name, records in found.items()
            for record in records.values()
        ],
        "beyond_range": ablation.beyond,
    }


def _row_facts(row: Row) -> dict[str, Any]:
    facts = asdict(row)
    for name in ("made_difference", "real_difference"):
        one: Estimate | None = getattr(row, name)
        if one is not None:
            facts[name] |= {"half_width": one.half_width, "mark": one.mark}
    return facts


def _of_group(group: str, rows: Sequence[Row], ablation: Ablation) -> list[Row]:
    """Return the group's rows, each base before the first arm that is compared with it.

    A base is shown on the markets that the group's arms ran on: on others it would be another figure.
    """
    members = [row for row in rows if row.arm.group == group]
    found, planned = ablation.found(), ablation.planned()
    shown: dict[str, Row] = {}
    for row in members:
        base = next((one for one in rows if one.arm.name == row.arm.base), None)
        if base is not None and base.arm.name not in shown:
            if row.arm.few and not base.arm.few:
                few = set(planned[row.arm.name])
                kept = {market: one for market, one in found.get(base.arm.name, {}).items() if market in few}
                base = make_rows([base.arm], {base.arm.name: list(few)}, {base.arm.name: kept})[0]
                base = replace(base, arm=replace(base.arm, name=f"{base.arm.name} (few markets)"))
            shown[base.arm.name] = base
        shown.setdefault(row.arm.name, row)
    return list(shown.values())


def _table(rows: Sequence[Row]) -> str:
    lines = [_line(HEADING), _line(["---"] * len(HEADING))]
    for row in rows:
        counted = (row.made_difference, row.real_difference)
        bad = f"{row.collapsed / row.done:.0%}" if row.done else "·"
        bad += f", {row.failed} failed" if row.failed else ""
        lines.append(
            _line(
                (
                    row.arm.name
                    if row.done == row.planned
                    else f"{row.arm.name} ({row.done} of {row.planned})",
                    *(_with_error(one) for one in (row.linear, row.nonlinear)),
                    f"{row.alarms} of {row.nulls}" if row.nulls else "·",
                    _with_error(row.real),
                    "·" if row.k is None else f"{row.k:.3f}",
                    *(_difference(one) for one in counted),
                    bad,
                    row.arm.question,
                )
            )
        )
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _with_error(one: Estimate | None) -> str:
    if one is None:
        return "·"
    return f"{one.mean:.4f}" if one.error is None else f"{one.mean:.4f} ± {one.error:.4f}"


def _difference(one: Estimate | None) -> str:
    if one is None:
        return "·"
    width = "" if one.half_width is None else f" ± {one.half_width:.4f}"
    return f"`{one.mark}` {one.mean:+.4f}{width}"


def _what_ran(ablation: Ablation) -> str:
    markets = list(dict.fromkeys(task.market for task in ablation.tasks))
    kinds = Counter(market.kind for market in markets)
    records = list({task.key: ablation.results.by_key.get(task.key) for task in ablation.tasks}.values())
    done = [record for record in records if record is not None]
    names = [market.name for market in markets if market.kind == "real"]
    spans = {
        (one["start"], one["end"])
        for market in markets
        if market.kind == "real"
        for one in [market.settings()]
    }
    lines = [
        f"- {len(ablation.arms)} arms; {len(done)} of {len(records)} different trainings are done.",
        f"- Made markets: {kinds['linear']} linear, {kinds['nonlinear']} nonlinear, "
        f"{kinds['null']} without a signal.",
    ]
    if names:
        start, end = next(iter(spans))
        lines.append(
            f"- Real symbols, {start or 'from their first day'} to {end or 'their last day'} and never in "
            f"the lock-box: {', '.join(names)}."
        )
    codes = Counter(record["environment"]["code"] for record in done)
    if codes:
        lines.append(
            "- Code: " + ", ".join(f"`{code}` ({n} trainings)" for code, n in codes.most_common()) + "."
        )
    versions = {tuple(sorted(record["environment"]["versions"].items())) for record in done}
    lines += [
        "- Versions: " + ", ".join(f"{name} {number}" for name, number in one) + "."
        for one in sorted(versions)
    ]
    seconds = sum(record["seconds"] for record in done)
    lines.append(f"- Processor time: {seconds / 3600:.1f} hours.")
    return "\n".join(lines)


def _beyond(beyond: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    cases = list(next(iter(beyond.values())))
    lines = [_line(("R² out of sample", *cases)), _line(["---"] * (len(cases) + 1))]
    lines += [
        _line((model, *(_with_error(over_made_markets(found[case])) for case in cases)))
        for model, found in beyond.items()
    ]
    text = (
        "A model learns a series from its last five values. `within`: a level whose test rows share the "
        "range of the train rows; `beyond`: a level with a trend, every test row above the train rows; "
        "`returns`: the returns of a level with a trend. Trees answer with means of what they saw, so a "
        "level that leaves its range leaves them behind; returns do not leave theirs."
    )
    return text + "\n\n" + "\n".join(lines)


def _troubles(ablation: Ablation, rows: Sequence[Row]) -> list[str]:
    """Return what failed and what is missing."""
    failed = [
        f"- {name} on {market.name}: {_without_paths(record['error'])}"
        for name, records in ablation.found().items()
        for market, record in records.items()
        if record["error"]
    ]
    missing = [
        f"- {row.arm.name}: {row.planned - row.done} of {row.planned}"
        for row in rows
        if row.done < row.planned
    ]
    errors = Counter(
        _without_paths(ablation.results.errors[task.key])
        for task in ablation.tasks
        if task.key in ablation.results.errors
    )
    broken = [f"- {n} times: {text}" for text, n in errors.most_common()]
    parts = []
    for title, lines in (("Failed", failed), ("Missing", missing), ("Broken, to be tried again", broken)):
        if lines:
            parts += [f"## {title}", "\n".join(lines)]
    return parts


def _without_paths(text: str) -> str:
    """Return one line in which a word with a slash is only its last part."""
    return " ".join(word.replace("\\", "/").rsplit("/", 1)[-1] for word in text.split())
