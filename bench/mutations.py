"""Whether `geiger audit` finds what somebody who knows only the pipeline would break in it.

    python bench/mutations.py --data DIR [--symbol AAPL] [--only 05 17]

Each file of bench/mutations/ is one small mistake, written from the pipeline's code before the audit had run
on any of them; most look ahead, some only change numbers. Each is applied to a clone of this repository at
its last commit, and the command alone has to say which. Writes the last section of docs/evidence/audit.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from harness import ROOT, machine

FOLDER = Path(__file__).parent / "mutations"
PAGE = ROOT / "docs" / "evidence" / "audit.md"
HEADING = "## Mistakes put into the pipeline itself"
RED = 3


@dataclass(frozen=True)
class Mutation:
    """One mistake, as ``index.json`` tells of it, and what the command said."""

    diff: str
    stage: str
    what: str
    looks_ahead: bool
    model: str
    options: str
    config: str | None
    special: str | None
    said: str = ""

    @property
    def right(self) -> bool:
        """Whether the command said red of a look ahead, and green of anything else."""
        return self.said.startswith("red" if self.looks_ahead else "green")


def main() -> None:
    """Audit every mutation, print as it goes, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of SYMBOL.csv")
    parser.add_argument("--symbol", default="AAPL")
    parser.add_argument("--only", nargs="*", default=(), metavar="NN", help="these alone; nothing is written")
    args = parser.parse_args()
    found = []
    with TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        for row in json.loads((FOLDER / "index.json").read_text()):
            if args.only and not row["diff"].startswith(tuple(args.only)):
                continue
            found.append(Mutation(**row, said=_said(row, clone, args)))
            print(f"{row['diff']}: {found[-1].said}{'' if found[-1].right else '   <-- WRONG'}", flush=True)
    if not args.only:
        kept = PAGE.read_text(encoding="utf-8").split(HEADING)[0].rstrip()
        PAGE.write_text("\n".join([kept, "", *_section(found, args.symbol)]) + "\n", encoding="utf-8")


def _said(row: dict[str, Any], clone: Path, args: argparse.Namespace) -> str:
    """Return what the command says of a clone with one mutation: its color, and where it looks ahead."""
    _git(clone, "checkout", "--quiet", ".")
    _git(clone, "apply", "--recount", str(FOLDER / row["diff"]))
    words = [
        "audit",
        args.symbol,
        "--model",
        row["model"],
        "--data",
        str(args.data.resolve()),
        "--json",
        "--again",
    ]
    words += ["--max-folds", "12", *row["options"].split()]
    with TemporaryDirectory() as place:
        if row["config"]:
            (Path(place) / "config.toml").write_text(row["config"])
            words += ["--config", "config.toml"]
        done = subprocess.run(
            [sys.executable, "-m", "geiger", *words, "--runs-dir", place, "--log-dir", place],
            env={**os.environ, "PYTHONPATH": str(clone / "src")},
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode not in (0, RED):
        return f"error: {done.stderr.strip().splitlines()[-1:]}"
    audit = json.loads(done.stdout)
    if not audit["leaks"]:
        return str(audit["color"])
    first = audit["leaks"][0]
    return f"{audit['color']}: {first['stage']}, {first['column']}"


def _git(clone: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(clone), *words], check=True)


def _section(found: Sequence[Mutation], symbol: str) -> Iterator[str]:
    facts, ahead = machine(), [one for one in found if one.looks_ahead]
    caught = sum(one.right for one in ahead)
    quiet = sum(one.right for one in found if not one.looks_ahead)
    yield HEADING
    yield ""
    when = f"{facts['day']}, commit {facts['commit']}"
    yield f"Made by `python bench/mutations.py --data DIR` on {symbol}; {when}."
    yield (
        "Each is one small mistake in our own source (`bench/mutations/`), written from the pipeline's code "
        "by somebody"
    )
    yield "who had not read the audit. The command alone has to say which of them look ahead, and where."
    yield ""
    others = len(found) - len(ahead)
    told = f"{caught} of {len(ahead)} that look ahead were red; {quiet} of {others} that do not were green"
    yield f"**{told}.**"
    yield ""
    yield "| mistake | made in | model | looks ahead | the audit said |"
    yield "|---|---|---|---|---|"
    for one in found:
        ahead_word, wrong = "yes" if one.looks_ahead else "no", "" if one.right else " **(wrong)**"
        given = " ".join([one.options, *(one.config or "").splitlines()[1:]]).strip()
        options = f" `{given}`" if given else ""
        yield f"| {one.what} | {one.stage} | {one.model}{options} | {ahead_word} | {one.said}{wrong} |"


if __name__ == "__main__":
    main()
