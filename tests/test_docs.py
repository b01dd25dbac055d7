"""Documentation runs: commands parse, examples end well, links lead somewhere."""

from __future__ import annotations

import doctest
import json
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import geiger
from geiger.audit.stages import panel_stages_table, stages_table
from geiger.checks.catalogue import checks_page
from geiger.cli import main
from geiger.cli.page import cli_page
from geiger.cli.parser import build_parser
from geiger.evidence.error_rates import rates_tables
from geiger.market.synthetic import planted_market
from geiger.settings.page import settings_page
from geiger.studies.null_markets import FAMILIES
from geiger.tomorrow.live import CROSSED, CROSSED_YEARS, Live

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page: Path) -> list[str]:
    """Return the lines of code blocks that call geiger."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M)
    lines = [line.split("#")[0].strip() for kind, block in blocks if not kind for line in block.splitlines()]
    return [line for line in lines if re.match(r"(\.venv/bin/)?geiger ", line)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_parses(page: Path) -> None:
    for line in commands(page):
        assert build_parser().parse_args(shlex.split(line)[1:]).handler


def test_the_readme_has_commands_to_check() -> None:
    assert len(commands(ROOT / "README.md")) >= 3


def test_the_page_of_commands_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in ("20", "300"):  # the width of a terminal changes nothing
        monkeypatch.setenv("COLUMNS", columns)
        written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
        assert written == cli_page(), "run `make docs`"


def test_the_page_of_checks_is_fresh() -> None:
    assert (ROOT / "docs" / "checks.md").read_text(encoding="utf-8") == checks_page(), "run `make docs`"


def test_the_page_of_settings_is_fresh() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == settings_page(), "run `make docs`"


def made_by(tool: str, function: str) -> str:
    """Return a page, or a part of one, as a tool makes it now."""
    return str(runpy.run_path(str(ROOT / "tools" / f"{tool}.py"))[function]())


def test_the_page_of_python_is_fresh() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert page == made_by("api", "api_page"), "run `make docs`"
    for name in set(geiger.__all__) - {"__version__"}:
        assert f"\n## geiger.{name}\n" in page


def test_the_page_of_decisions_is_fresh() -> None:
    page = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert page == made_by("decisions", "decisions_page"), "run `make docs`"


def test_the_readme_shows_what_the_demo_printed() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"<!-- demo -->\n{made_by('demo', 'demo_part')}<!-- end of demo -->" in page, "run `make docs`"


def test_the_table_of_stages_is_fresh() -> None:
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    assert f"<!-- stages -->\n{stages_table()}<!-- end of stages -->" in page, "run `make docs`"
    table = panel_stages_table()
    assert f"<!-- panel stages -->\n{table}<!-- end of panel stages -->" in page, "run `make docs`"


def test_the_tables_of_error_rates_are_fresh() -> None:
    page = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    assert f"<!-- rates -->\n{rates_tables()}<!-- end of rates -->" in page, "run `make docs`"


def test_pages_count_the_checks_there_are() -> None:
    there = checks_page().count("\n## GC")
    page = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    assert f"[{there} checks](checks.md)" in page


def test_the_crossing_rate_beside_an_e_value_is_the_measured_one() -> None:
    """Over all markets without skill, of what bench/live.py kept: what users see, and what the pages say."""
    stored = json.loads((ROOT / "bench" / "results" / "live.json").read_text(encoding="utf-8"))
    null = {family.name for family in FAMILIES if family.null}
    there = [
        (sum(day <= CROSSED_YEARS * 252 for day in days.values()), stored["paths"])
        for cell in stored["cells"]
        if cell["market"] in null
        for days in cell["reached"].values()
    ]
    assert len(there) == 12 * len(null)
    reached, of = (sum(values) for values in zip(*there, strict=True))
    assert round(reached / of, 3) == CROSSED
    page = (ROOT / "docs" / "evidence" / "live.md").read_text(encoding="utf-8")
    told = re.search(rf"{100 * CROSSED:.1f}% \(error [\d.]+%\) within {CROSSED_YEARS} years", page)
    assert told
    assert f"`{Live(63, 2.14, None).text()}`" in (ROOT / "docs" / "stack.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """Commands of one code block, the exit code that the page states, and what it says that they print."""

    lines: tuple[str, ...]
    code: int
    shown: str


def executed(page: Path) -> Iterator[Block]:
    """Yield the commands of a page in order; a text block right behind them is their output."""
    parts = re.findall(r"^```(\w*)\n(.*?)^```$|^(\S)", page.read_text(encoding="utf-8"), re.S | re.M)
    for place, (kind, block, other) in enumerate(parts):
        lines = [line for line in block.splitlines() if re.match(r"(\.venv/bin/)?geiger ", line)]
        if other or kind or not lines:
            continue
        after = parts[place + 1] if place + 1 < len(parts) else ("", "", "")
        stated = re.search(r"exit code (\d)", block)
        code = int(stated[1]) if stated else 0
        yield Block(tuple(line.split("#")[0] for line in lines), code, after[1] if after[0] == "text" else "")


@pytest.mark.slow
def test_the_first_pages_run_from_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command, in order, with the exit codes and the output that the pages state.

    The pages begin with the same lines, which are run once.
    """
    monkeypatch.chdir(tmp_path)
    printed: dict[str, str] = {}
    for name in ("README.md", "docs/start.md", "docs/tutorial.md"):
        found = list(executed(ROOT / name))
        assert sum(len(block.lines) for block in found) >= 3
        for block in found:
            for line in block.lines:
                if line not in printed:
                    words = [_newest(tmp_path / "runs", word) for word in shlex.split(line)[1:]]
                    assert main(words) == block.code, line
                    printed[line] = capsys.readouterr().out
            out = "".join(printed[line] for line in block.lines)
            same = doctest.OutputChecker().check_output(block.shown, out, doctest.ELLIPSIS)
            assert not block.shown or same, f"{block.lines}: {name} says\n{block.shown}\nand came:\n{out}"


def test_the_code_of_the_readme_is_an_example() -> None:
    (code,) = blocks(ROOT / "README.md", "python")
    assert code in (ROOT / "examples" / "quickstart.py").read_text(encoding="utf-8")


def _newest(runs: Path, word: str) -> str:
    """Return the newest run of the same symbol and model, where `word` is the name of a run."""
    stem = re.fullmatch(r"(.+_)\d{8}_\d{6}", word)
    return max(path.name for path in runs.glob(f"{stem[1]}????????_??????")) if stem else word


def blocks(page: Path, kind: str) -> list[str]:
    """Return the code blocks of one kind."""
    found = re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M)
    return [str(block) for block in found]


def test_the_code_of_your_own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's file with features, target and estimator is written, and every command given with it."""
    page = ROOT / "docs" / "extending.md"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices").mkdir()
    prices = planted_market(1000, 1, 0.02).prices.rename({"day": "Date"})
    prices.drop("raw_close").write_csv(tmp_path / "prices" / "ACME.csv")
    mine, in_python = blocks(page, "python")
    (tmp_path / "mine.py").write_text(mine)
    lines = [line for line in commands(page) if "mine.py" in line]
    assert len(lines) >= 5
    small = ["--recipe", "quick", "--min-train", "200", "--lockbox", "50", "--max-folds", "1"]
    for line in lines:
        words = shlex.split(line)[1:]
        assert main([*words, *(small if words[0] != "predict" else [])]) in (0, 3), line
    assert {path.name.split("_")[1] for path in (tmp_path / "runs").glob("ACME_*")} == {"ridge", "own"}
    done = subprocess.run([sys.executable, "-c", in_python], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("amount\n", "")


def test_the_code_of_a_panel_runs() -> None:
    (code,) = blocks(ROOT / "docs" / "panel.md", "python")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] in ("SIGNAL", "NO SIGNAL", "CANNOT TELL")
    assert "'score', 'market', 'forecast', 'outcome'" in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted(ROOT.glob("bench/results/*.md"))], ids=lambda page: page.name
)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(
        r"`((?:src|tests|docs|bench|tools|examples|training)/[\w./-]+)`", page.read_text("utf-8")
    )
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.slow
@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_every_example_ends_well(example: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("SUCCESS")


@pytest.mark.slow
def test_the_site_is_built_and_loads_nothing(tmp_path: Path) -> None:
    """A link that leads nowhere is an error; the pages need no network and name no folder of ours."""
    site, kept = tmp_path / "site", tmp_path / "kept"
    options = ["-b", "html", "-W", "--keep-going", "-q", "-c", "docs", "-d", str(kept)]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, ".", str(site)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    pages = {path.relative_to(site).as_posix(): path for path in site.rglob("*.html")}
    for page in PAGES[1:]:
        assert page.relative_to(ROOT).with_suffix(".html").as_posix() in pages
    loading = r"<(?:(?:script|img|iframe)[^>]*\bsrc|link[^>]*\bhref)=.(?:https?:)?//|url\(.?(?:https?:)?//"
    for file in site.rglob("*"):
        text = file.read_bytes().decode(errors="replace") if file.is_file() else ""
        assert str(ROOT) not in text, file
        if file.suffix in (".html", ".css"):
            assert not re.search(loading, text), file
    assert "docs/index.html" in pages["index.html"].read_text(encoding="utf-8")
