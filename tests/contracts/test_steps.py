"""Every step that is told can be taken: it parses, it runs, it finds the same folders, it leads on."""

from __future__ import annotations

import argparse
import ast
import datetime as dt
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest

import geiger
from geiger.analysis.analyzer import ACT, analyze, analyze_case, next_steps
from geiger.analysis.logbook import LogBook, brief_of
from geiger.checks.base import Case, Fires
from geiger.checks.commands import Typed
from geiger.checks.trends import find_trends
from geiger.cli.parser import build_parser, parse
from geiger.command_line import Folders
from geiger.market.synthetic import planted_market
from geiger.records import RunSettings, Status
from geiger.runlog.wording import settings_in
from geiger.runs.folder import RunsFolder
from geiger.runs.gist import gist_of
from helpers.cases import CODES, GREEN
from helpers.commands import call
from helpers.threes import THREES

SMALL = "--recipe quick --min-train 200 --lockbox 50 --refit 60 --max-folds 2"
TYPED = f"geiger train ridge AAA --data 'my prices' {SMALL} --runs-dir 'my runs' --log-dir 'my logs'"
ELSEWHERE = Folders("my runs", "my logs")
MOST = 12  # steps after which nothing more is asked for


def settings_of_a_run(case: Case, **changes: object) -> RunSettings:
    """Return what a log says, of a run of ours that was typed."""
    said = settings_in(case.log.config)
    given = {"symbol": "AAA", "command": TYPED, "runs_dir": "my runs", "data_hash": "abc", "members": None}
    return replace(said, source="folder", where="my prices/AAA.csv", **{**given, **changes})  # type: ignore[arg-type]


def of_a_run(case: Case, name: str, **changes: object) -> Case:
    log = replace(case.log, settings=settings_of_a_run(case, **changes))
    return replace(case, name=name, log=log, folders=Folders(logs="my logs"))


def name_of(minute: int, model: str = "ridge") -> str:
    sections = {"lgb": "gbm_lgb", "xgb": "gbm_xgb", "catboost": "gbm_catboost"}
    return f"AAA_{sections.get(model, model)}_20260101_{minute // 60:02d}{minute % 60:02d}00"


# Every step parses, and names the folders of the run and of the reader


@pytest.mark.parametrize("code", CODES)
def test_a_step_names_the_folders_and_the_options_of_its_run(code: str) -> None:
    fires = THREES[code].fires
    model = settings_in(fires.log.config).model or "ridge"
    case = of_a_run(fires, name_of(0, model), model=model)
    answer = CODES[code].ask(case)
    assert isinstance(answer, Fires)
    args = vars(parse(shlex.split(answer.next)[1:]))
    assert str(args.get("runs_dir", "my runs")) == "my runs"
    assert str(args.get("log_dir", "my logs")) == "my logs"
    assert not {"SYMBOL", "MODEL", "FILE", "FILE.py:NAME"} & set(shlex.split(answer.next))
    if args["command"] == "train":
        assert str(args["data"]) == "my prices"
        assert args["min_train"] == 200


# No step leads back to itself


@dataclass
class Folder:
    """A made-up folder of logs, in which every step is taken and the fault stays whatever is done."""

    cases: list[Case]

    def _trained(self, case: Case) -> Case:
        """Return a backtest with the line that trained what it traded, as the analyzer finds it."""
        of = case.settings.forecasts_of
        line = next((brief_of(other).line for other in self.cases if of and other.name == of), "")
        return replace(case, line=line)

    def first_act(self) -> str | None:
        backtests = {case.settings.forecasts_of: case.name for case in self.cases if case.is_backtest}
        logs = [analyze_case(self._trained(case), backtested=backtests.get(case.name)) for case in self.cases]
        briefs = [brief_of(case) for case in self.cases]
        steps = next_steps(logs, find_trends(briefs, ELSEWHERE), briefs)
        return next((step.command for step in steps if step.kind == ACT), None)

    def take(self, command: str) -> None:
        typed = Typed.of(command)
        assert typed is not None
        newest = self.cases[-1]
        action, minute = typed.words[0], len(self.cases)
        began = dt.datetime(2026, 1, 1, minute // 60, minute % 60)
        if action in ("audit", "judge"):
            self.cases = [self._looked_at(case, action, typed) for case in self.cases]
            return
        if action == "train":
            model = typed.words[1]
            made = of_a_run(
                newest,
                name_of(minute, model),
                model=model,
                recipe=typed.value("--recipe") or "default",
                command=command,
                forecasts_of=None,
            )
        else:
            assert action == "backtest", command
            traded_anew = typed.has("--rule") or typed.has("--again")
            assert traded_anew, "as it was traded already it makes no run"
            traded = next(case for case in self.cases if case.name == typed.value("--run"))
            made = of_a_run(
                replace(traded, log=replace(traded.log, epochs=(), folds=(), trainings=())),
                name_of(minute, "backtest"),
                model=traded.settings.model,
                recipe=traded.settings.recipe,
                forecasts_of=traded.name,
                rule=typed.value("--rule") or "sign",
                command=None,
            )
        self.cases.append(replace(made, began=began, log=replace(made.log, status=self._ended(made))))

    def _ended(self, made: Case) -> Status:
        return made.log.status or Status.SUCCESS  # what was killed or stopped comes to its end

    def _looked_at(self, case: Case, action: str, typed: Typed) -> Case:
        run = typed.value("--run") or (typed.words[1] if action == "judge" else case.name)
        if run not in (case.name, case.settings.forecasts_of):
            return case
        log = case.log
        if action == "audit":
            return replace(case, log=replace(log, audit=log.audit if log.audit else GREEN))
        assert log.judged is not None
        return replace(case, log=replace(log, judged=replace(log.judged, made_on="2026-01-02")))


@pytest.mark.parametrize("code", CODES)
def test_following_the_steps_comes_to_an_end_though_nothing_gets_better(code: str) -> None:
    fires = THREES[code].fires
    model = settings_in(fires.log.config).model or "ridge"
    start = of_a_run(fires, name_of(0, model), model=model)
    folder = Folder([replace(start, began=dt.datetime(2026, 1, 1))])
    taken: list[str] = []
    while (step := folder.first_act()) is not None:
        assert step not in taken, f"{step} again, after {taken}"
        taken.append(step)
        assert len(taken) <= MOST, taken
        folder.take(step)


# Every step runs


def as_export(prices: pl.DataFrame) -> pl.DataFrame:
    names = {"Date": "day", "Open": "open", "High": "high", "Low": "low", "Close": "close"}
    told = {name: pl.col(column) for name, column in names.items()}
    return prices.select(**told, **{"Adj Close": pl.col("close"), "Volume": pl.col("volume")})


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny market, and two runs of it in folders with spaces in their names."""
    place = tmp_path_factory.mktemp("a place")
    (place / "my prices").mkdir()
    as_export(planted_market(1300, 1, 0.1).prices).write_csv(place / "my prices" / "AAA.csv")
    with chdir(place):
        for cost in (5, 6):
            assert call(f"{TYPED} --cost-bps {cost} --no-audit --no-check-source") == 0
    return place


@pytest.fixture
def place(two_runs: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to which a test may add runs."""
    return shutil.copytree(two_runs, tmp_path / two_runs.name)


def told_in(place: Path) -> Iterator[str]:
    """Yield every command that checks, patterns and the analysis can tell of the run there."""
    first, path = sorted((place / "my logs").glob("*.log"))
    real = LogBook(Path("my logs"), keep=False).case(path.stem)
    for code, three in THREES.items():
        said = settings_in(three.fires.log.config)
        settings = replace(
            real.settings,
            model=said.model,
            training=said.training,
            fill=said.fill,
            context=said.context,
            lockbox_rows=said.lockbox_rows,
            features=said.features,
            recipe=said.recipe,
            last_day=said.last_day,
        )
        before = None if three.fires.before is None else replace(real, name=first.stem)
        case = replace(three.fires, name=path.stem, folders=real.folders, before=before)
        answer = CODES[code].ask(replace(case, log=replace(case.log, settings=settings)))
        if isinstance(answer, Fires):
            yield answer.next
    briefs = [
        replace(brief_of(real), name=name, began=f"2026-01-01T00:00:0{n}", status="COLLAPSED")
        for n, name in enumerate((first.stem, first.stem, path.stem))
    ]
    yield from (trend.next for trend in find_trends(briefs, real.places))
    analysis = analyze(LogBook(Path("my logs"), keep=False))
    yield from (step.command for step in analysis.steps)
    yield from (log.next for log in analysis.logs)
    yield gist_of(RunsFolder(Path("my runs")).load(path.stem).record, ELSEWHERE).next


def quickly(command: str) -> str:
    """Return a command as it runs in seconds: of a training of another model what it would do."""
    if " train ridge " in command:
        return f"{command} --no-audit --no-check-source"
    if " train " in command:
        return f"{command} --dry-run"
    return command


@pytest.mark.slow
def test_every_step_runs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with chdir(place):
        commands = sorted(set(told_in(place)))
        assert len(commands) > 10
        for command in commands:
            if command.startswith("geiger logs watch"):  # which ends by itself only with --seconds
                command += " --seconds 1"
            assert call(quickly(command)) == 0, (command, capsys.readouterr().err)


FOLDERS = "--runs-dir 'my runs' --log-dir 'my logs'"
SESSION = [  # what a person types, some of it wrong
    f"geiger train ridge AAA --data 'my prices' {SMALL} --cost-bps 7 -v --no-check-source {FOLDERS}",
    f"geiger backtest AAA --model ridge {FOLDERS}",
    "geiger predict AAA --runs-dir 'my runs'",
    "geiger data add 'my prices/AAA.csv' --runs-dir 'my runs'",
    "geiger logs list --log-dir 'my logs'",
    "geiger logs analyze --all --log-dir 'my logs'",
    "geiger logs analyze --all -v --log-dir 'my logs'",
    "geiger logs show NO --log-dir 'my logs'",
    "geiger trials list --runs-dir 'my runs'",
]
TOLD = (
    r"`(geiger [^`]+)`|^ *(?:\w[\w ,]*: +|Next +|)(geiger .+)$"  # between backticks, or to the end of a line
)


@pytest.mark.slow
def test_every_command_that_a_session_tells_runs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same folders everywhere, whatever is asked; a command is told whole, on a line of its own."""
    told: dict[str, str] = {}
    with chdir(place):
        capsys.readouterr()
        for line in SESSION:
            call(line)
            shown = capsys.readouterr()
            for found in re.finditer(TOLD, shown.out + shown.err, re.M):
                told.setdefault((found[1] or found[2]).strip(), line)
        assert any("my runs" in command for command in told)
        commands = {command: line for command, line in told.items() if not is_name(shlex.split(command)[1:])}
        assert len(commands) > 4
        for command, line in commands.items():
            assert call(quickly(command)) == 0, (command, line, capsys.readouterr().err)


# What messages tell


PLACEHOLDERS = {
    "SYMBOL...": "AAA",
    "SYMBOL": "AAA",
    "MODEL": "ridge",
    "RUN": "AAA_ridge_20260101_000000",
    "RUN_A": "AAA_ridge_20260101_000000",
    "RUN_B": "AAA_ridge_20260101_000100",
    "NAME": "AAA",
    "FILE": "a.csv",
    "FOLDER": "my_prices",
    "DIR": "my_prices",
    "COMMAND": "train",
}


def messages() -> list[tuple[str, str]]:
    """Return each command between backticks in a text of ours, and where it stands."""
    found = []
    root = Path(geiger.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else "X" for p in node.values]
                text = "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            for command in re.findall(r"(?<!`)`(geiger [^`]+)`(?!`)", text):
                found.append((f"{path.relative_to(root)}:{node.lineno}", command))
    return found


MESSAGES = messages()


def is_name(words: list[str]) -> bool:
    """Whether words are a command by its name alone, as a sentence speaks of it."""
    found: argparse.ArgumentParser = build_parser()
    for word in words:
        groups = [a for a in found._actions if isinstance(a, argparse._SubParsersAction)]
        if not groups or word not in groups[0].choices:
            return False
        found = groups[0].choices[word]
    return True


@pytest.mark.parametrize(("where", "command"), MESSAGES, ids=[f"{w} {c}" for w, c in MESSAGES])
def test_every_command_in_a_message_is_one(where: str, command: str) -> None:
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(command)][1:]
    named = [
        word if word != "X" else "9000" if words[i - 1] == "--port" else "AAA" for i, word in enumerate(words)
    ]
    assert is_name(words) or words[-1] == "--help" or parse(named).handler
