"""The tables of docs/evidence/speed.md, from what bench/table.py and bench/curves.py stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "bench" / "results"
MEGABYTES = 1000  # a gigabyte


def speed_parts(results: Path = RESULTS) -> dict[str, str]:
    """Return each part of the page by its name; a part that was not measured yet says so."""
    grown, table = _stored(results / "curves.json"), _stored(results / "table.json")
    parts = dict.fromkeys(("machine", "curves", "points"), "Not measured yet: `make curves`.\n")
    if grown is not None:
        parts["machine"] = _machine(grown)
        parts["curves"], parts["points"] = _curves(grown["curves"]), _points(grown["curves"])
    return parts | {"memory": _memory({} if table is None else table["rows"])}


def _stored(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _memory(rows: dict[str, Any]) -> str:
    """Return the table of the rows on memory; `rows` are those of table.json, by name."""
    found = {name: row for name, row in rows.items() if row["group"] == "memory"}
    if not found:
        return 'Not measured yet: `make bench BENCH="--only memory"`.\n'
    lines = ["| | resident memory, GB | PSS, GB | goal | met |", "|---|---:|---:|---|---|"]
    for name, row in found.items():
        pss = f"{row['pss'] / MEGABYTES:.2f}" if "pss" in row else ""
        met = {True: "yes", False: "no", None: ""}[row["met"]]
        lines.append(f"| {name} | {row['value'] / MEGABYTES:.2f} | {pss} | {row['goal']} | {met} |")
    return "\n".join(lines) + "\n"


def _machine(record: dict[str, Any]) -> str:
    facts, loads = record["machine"], ", ".join(f"{load:.1f}" for load in record["loads"])
    where = f"{facts['cores']} cores of {facts['processor']}, {facts['system']}, Python {facts['python']}"
    when = f"{facts['day']}, commit {facts['commit']}"
    text = f"{where}, {when}; rounds: {record['rounds']}, load before: {loads}."
    if not record["quiet"]:
        text += (
            "\n**The machine was not quiet**: seconds of the clock are far too long, and processor seconds "
            "somewhat too long."
        )
    if record["not_measured"]:
        text += f"\nNot measured yet: {'; '.join(record['not_measured'])}."
    return f"{text}\n"


def _curves(curves: dict[str, Any]) -> str:
    lines = [
        "| cost against | range | exponent, processor s | fixed s | s for one more | library: exponent | "
        "library's share | exponent, memory |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, curve in curves.items():
        rows, fit = curve["points"], curve["fit_cpu"]
        floor, memory = curve.get("fit_floor"), curve.get("fit_pss")
        cells = [
            name,
            f"{rows[0]['size']} to {rows[-1]['size']}",
            _power(fit),
            f"{fit['fixed']:.1f}",
            f"{fit['one_more']:.2g}",
            _power(floor),
            "" if floor is None else f"{rows[-1]['floor'] / rows[-1]['cpu']:.0%}",
            _power(memory),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _power(fit: dict[str, float] | None) -> str:
    return "" if fit is None else f"{fit['exponent']:.2f} ± {fit['error']:.2f}"


def _points(curves: dict[str, Any]) -> str:
    lines = [
        "| cost against | size | processor s | of it the library | clock s | memory, MB: PSS | RSS |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, curve in curves.items():
        for row in curve["points"]:
            cells = [
                f"{row['cpu']:.1f}",
                f"{row['floor']:.1f}" if "floor" in row else "",
                f"{row['seconds']:.1f}",
            ]
            cells += [f"{row[key]:.0f}" if key in row else "" for key in ("pss", "rss")]
            lines.append(f"| {name} | {row['size']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
