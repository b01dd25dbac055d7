"""Many symbols, several models and recipes: who trains them, in which order they are judged, what was found.

Workers train folds and nothing else. One process, the one that was asked, keeps what they hand on, ends each
run as `geiger train` ends it, registers it, and judges it. It does so in the order in which runs were asked
for, whoever was ready first, so the register says the same with any engine and any number of workers.

Whatever a kill leaves is enough to go on: folds that came back are kept under the key of everything that
shapes them (`runs.parts`), finished runs are found by theirs, and a try that was registered before is noted
as a rerun, which does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from geiger.codec import compact, plain
from geiger.errors import DataError, GeigerError, TrainingError
from geiger.evidence.error_rates import ErrorRates
from geiger.experiment.material import Material
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.experiment.portion import Wanted, keep_portion, numbers_of, portions
from geiger.experiment.tried import register_of
from geiger.judging.again import judge_stored
from geiger.judging.panel import panel
from geiger.judging.run import NOTHING, run
from geiger.panel.engines import Done, Engine, Job, Outcome, hash_of
from geiger.panel.experiment import Panel
from geiger.panel.plan import plan_panel
from geiger.runlog.reader import read_text
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.runs.parts import Parts
from geiger.settings import Config
from geiger.settings.models import STACK
from geiger.studies.calibration import rates_of

Finished = Mapping[tuple[str, str], StoredRun]  # forecast key and trading settings -> the newest such run


@dataclass(frozen=True)
class Asked:
    """What is to be validated.

    Attributes
    ----------
    configs : tuple of Config
        One for each recipe.
    models : tuple of str
        Names of the model catalogue, or ``stack``.
    panel : str or None
        What the symbols are called together, each model being pooled over all of them as well; None for not.
    panel_configs : tuple of Config
        One for each recipe, as panels start from it.
    """

    symbols: tuple[str, ...]
    models: tuple[str, ...]
    configs: tuple[Config, ...]
    panel: str | None = None
    panel_configs: tuple[Config, ...] = ()
    data: Path | None = None
    context: str | None = None
    runs_dir: Path = Path("runs")
    log_dir: Path = Path("training_logs")
    command: str | None = None

    @property
    def runs(self) -> RunsFolder:
        """The folder of all runs."""
        return RunsFolder(Path(self.runs_dir))

    def experiments(self) -> Iterator[Experiment]:
        """Yield every experiment, in the order in which they are judged: a symbol's stand together."""
        # One fold at a time in a run, which changes no bit: the runs share the processors.
        configs = [replace(config, workers=1) for config in self.configs]
        for symbol in self.symbols:
            for config in configs:
                for model in self.models:
                    yield Experiment(
                        symbol,
                        model,
                        config,
                        data=self.data,
                        context=self.context,
                        runs_dir=self.runs_dir,
                        log_dir=self.log_dir,
                        command=self.command,
                    )


@dataclass(frozen=True)
class Entry:
    """One symbol, model and recipe.

    Attributes
    ----------
    model : str
        Where another one has to stand in for the one that was asked for, that one's name.
    wanted : tuple of (Wanted, Parts)
        The portions that are still to be trained, and where what they hand on is kept.
    seconds : float
        About how long those take, on one processor.
    rates : ErrorRates or None
        What was measured for such settings.
    run : str or None
        Its finished run.
    error : str or None
        Why there is none, and will be none.
    failed : bool
        Whether that is a training that failed, and not prices or settings that cannot be used.
    """

    experiment: Experiment
    model: str
    wanted: tuple[tuple[Wanted, Parts], ...] = ()
    seconds: float = 0.0
    rates: ErrorRates | None = None
    run: str | None = None
    error: str | None = None
    failed: bool = False

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.experiment.symbol} {self.model}"


@dataclass(frozen=True)
class Heard:
    """Who wants to know how it goes; by default nobody does."""

    planned: Callable[[Entry], None] = lambda entry: None
    trained: Callable[[Outcome, float], None] = lambda outcome, seconds: None
    ended: Callable[[Entry], None] = lambda entry: None


NOBODY = Heard()


def lay_out(asked: Asked, heard: Heard = NOBODY) -> list[Entry]:
    """Return what there is to do: nothing is trained, but for a few trees that tell how long they take.

    One symbol that cannot be used does not stop the others.
    """
    finished, entries, paces = _finished(asked.runs), list[Entry](), dict[tuple[str, str], float]()
    for _, group in groupby(asked.experiments(), key=_of_material):
        material: Material | None = None
        for experiment in group:
            try:
                material = experiment.material() if material is None else material
                entry = _entry(plan(experiment, material), finished, paces)
            except GeigerError as error:
                entry = Entry(experiment, experiment.model, error=str(error))
            heard.planned(entry)
            entries.append(entry)
    return entries


def _of_material(experiment: Experiment) -> tuple[str, Config]:
    return experiment.symbol, experiment.config


def _entry(planned: Plan, finished: Finished, paces: dict[tuple[str, str], float]) -> Entry:
    """Return the entry of a plan; `paces` are seconds a row that a model learns from, as far as measured."""
    entry = Entry(planned.experiment, planned.model, rates=rates_of(planned), run=_run_of(planned, finished))
    if entry.run is not None:
        return entry
    wanted, seconds = list[tuple[Wanted, Parts]](), 0.0
    for walk in planned.walks:
        if _run_of(walk, finished) is not None:
            continue
        parts = walk.parts()
        left = portions(walk)
        assert parts is not None  # `portions` refuses what has none
        wanted += [(one, parts) for one in left]
        rows, pace = sum(len(fold.train) for fold in walk.folds), (walk.model, walk.experiment.config.recipe)
        if left and pace not in paces:
            paces[pace] = 60.0 * walk.minutes() / rows
        done = sum(len(one.portion.folds) for one in left) / len(numbers_of(walk))
        seconds += paces.get(pace, 0.0) * rows * done
    return replace(entry, wanted=tuple(wanted), seconds=seconds)


def validate(asked: Asked, entries: Sequence[Entry], engine: Engine, heard: Heard = NOBODY) -> list[Entry]:
    """Train what is missing, end every run, judge all of them with all tries counted, and return them.

    Parameters
    ----------
    entries : sequence of Entry
        As `lay_out` gave them.
    """
    work = _Work(asked, list(entries), heard)
    if work.jobs:
        with closing(engine.run([one.job for one in work.jobs.values()], work.blob)) as outcomes:
            for outcome in outcomes:
                work.note(outcome)
    work.end_ready()
    _judge_again(asked, work.entries)
    return work.entries


@dataclass(frozen=True)
class _Task:
    """A job, where its files go, and how long it is expected to take."""

    job: Job
    parts: Parts
    seconds: float


@dataclass
class _Work:
    """What is to be done and what has come of it; runs are ended in the order of the entries."""

    asked: Asked
    entries: list[Entry]
    heard: Heard
    jobs: dict[str, _Task] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)  # content hash -> where the bytes lie
    waiting: list[set[str]] = field(default_factory=list)  # of each entry: jobs without an outcome
    lost: dict[str, str] = field(default_factory=dict)  # job -> why there is nothing of it
    next: int = 0  # entry to be ended
    material: tuple[tuple[str, Config], Material] | None = None

    def __post_init__(self) -> None:
        hashes: dict[Path, str] = {}
        for entry in self.entries:
            names = set[str]()
            for wanted, parts in entry.wanted:
                name = f"{wanted.name} of {parts.folder.name}"
                names.add(name)
                if name in self.jobs:  # a model alone, and the same one in a stack
                    continue
                inputs = {}
                for what, path in wanted.files.items():
                    if path not in hashes:
                        hashes[path] = hash_of(path.read_bytes())
                        self.files[hashes[path]] = path
                    inputs[what] = hashes[path]
                job = Job(name, "walk", plain(wanted.portion), inputs)
                self.jobs[name] = _Task(job, parts, entry.seconds / len(entry.wanted))
            self.waiting.append(names)

    def blob(self, digest: str) -> bytes:
        """Return the bytes of an input."""
        return self.files[digest].read_bytes()

    def note(self, outcome: Outcome) -> None:
        """Keep what a worker handed on, then end the runs that wait for nothing more."""
        name = outcome.job.name
        task = self.jobs[name]
        try:
            if isinstance(outcome, Done):
                keep_portion(task.parts, outcome.files)
            elif outcome.kind != "fit":  # a run whose model cannot be fitted finds that again, and logs it
                self.lost[name] = outcome.error
        except DataError as error:
            self.lost[name] = str(error)
        for names in self.waiting:
            names.discard(name)
        self.heard.trained(outcome, task.seconds)
        self.end_ready()

    def end_ready(self) -> None:
        """End every run that is next and has all its folds."""
        while self.next < len(self.entries) and not self.waiting[self.next]:
            entry = self.entries[self.next]
            if entry.run is None and entry.error is None:
                entry = self.entries[self.next] = self._ended(entry)
            self.heard.ended(entry)
            self.next += 1

    def _ended(self, entry: Entry) -> Entry:
        lost = [self.lost[name] for name in self._names(entry) if name in self.lost]
        if lost:
            return replace(entry, error=lost[0], failed=True)
        try:
            return replace(entry, run=self._run(entry.experiment))
        except TrainingError as error:
            return replace(entry, error=str(error), failed=True)
        except GeigerError as error:
            return replace(entry, error=str(error))

    def _names(self, entry: Entry) -> list[str]:
        return [f"{wanted.name} of {parts.folder.name}" for wanted, parts in entry.wanted]

    def _run(self, experiment: Experiment) -> str:
        """End one run; what another one of this command did on the way, as a stack does, is found."""
        about = _of_material(experiment)
        if self.material is None or self.material[0] != about:
            self.material = about, experiment.material()
        planned = plan(experiment, self.material[1])
        stored = _run_of(planned, _finished(self.asked.runs)) if STACK in self.asked.models else None
        return stored or run(planned, making=NOTHING).name


def _finished(runs: RunsFolder) -> Finished:
    """Return every finished training by what makes it the one that is asked for."""
    found = sorted(runs.all(), key=lambda one: one.record.finished_at)
    return {
        (one.record.forecast_key, _trading(one.record.config.get("trading"))): one
        for one in found
        if one.record.kind == "train" and one.record.forecast_key is not None
    }


def _run_of(planned: Plan, finished: Finished) -> str | None:
    """Return the finished run of exactly this.

    Where its folds are still there it was killed as it ended: it counts only if its log was ended before.
    """
    key, parts = planned.key(), planned.parts()
    found = None if key is None else finished.get((key, _trading(planned.experiment.config.trading)))
    if found is None or parts is None or not parts.folder.exists():
        return None if found is None else found.name
    if not _log_ended(found):
        return None
    parts.discard()
    return found.name


def _log_ended(stored: StoredRun) -> bool:
    """Return whether the log of a run has its last section; True where the run has no log."""
    log = stored.record.log
    try:
        return log is None or read_text(Path(log)).status is not None
    except DataError:  # removed since: nobody will end it
        return True


def _trading(settings: Any) -> str:
    """Return trading settings as they are compared: of a config, or of a record, which JSON held."""
    return compact(plain(settings)).decode()


def _judge_again(asked: Asked, entries: Sequence[Entry]) -> None:
    """Judge the runs once more whose verdict knows fewer tries than there are by now.

    The first model of a symbol was judged when the others were not registered yet.
    """
    names = [entry.run for entry in entries if entry.run is not None]
    judge_with_all_tries(asked.runs, names, Path(asked.log_dir))


def judge_with_all_tries(runs: RunsFolder, names: Iterable[str], log_dir: Path, **own: Any) -> None:
    """Judge those runs once more whose verdict knows fewer tries than there are by now.

    Parameters
    ----------
    own : optional
        ``target`` and ``estimator`` of the user's own, as `judge_stored` takes them.
    """
    register = register_of(runs)
    for name in names:
        stored = runs.load(name)
        verdict = stored.record.verdict
        if verdict is not None and verdict.tries is not None:
            tries = verdict.tries
            try:
                now = len(register.sharing(tries.series, verdict.first, verdict.last))
            except DataError:  # the verdict says so
                continue
            if now <= tries.skill:
                continue
        judge_stored(stored, runs, log_dir=log_dir, **own)


@dataclass(frozen=True)
class Pooled:
    """One model and recipe on all symbols together; see `Entry`."""

    model: str
    recipe: str
    run: str | None = None
    error: str | None = None
    failed: bool = False


def pooled(asked: Asked, told: Callable[[str], None] = lambda text: None) -> list[Pooled]:
    """Train and judge every model on all symbols together, as far as there is no such run yet.

    Symbols that cannot be one panel, and models that are not for panels, are said and stop nothing.
    """
    if asked.panel is None:
        return []
    finished, found = _finished(asked.runs), list[Pooled]()
    for config in asked.panel_configs:
        for model in asked.models:
            one = Pooled(model, config.recipe)
            try:
                one = replace(one, run=_pooled(asked, model, config, finished))
            except TrainingError as error:
                one = replace(one, error=str(error), failed=True)
            except GeigerError as error:
                one = replace(one, error=str(error))
            told(f"{asked.panel} {model}")
            found.append(one)
    return found


def _pooled(asked: Asked, model: str, config: Config, finished: Finished) -> str:
    work = Panel(
        name=asked.panel or "",
        symbols=asked.symbols,
        model=model,
        config=config,
        data=asked.data,
        context=asked.context,
        runs_dir=asked.runs_dir,
        log_dir=asked.log_dir,
        command=asked.command,
    )
    planned = plan_panel(work)
    found = finished.get((planned.key(), _trading(config.trading)))
    return found.name if found is not None and _log_ended(found) else panel(planned, making=NOTHING).name


def stored_runs(asked: Asked, entries: Sequence[Entry]) -> dict[int, StoredRun]:
    """Return the finished runs by the place of their entry."""
    load = partial(RunsFolder.load, asked.runs)
    return {place: load(entry.run) for place, entry in enumerate(entries) if entry.run is not None}
