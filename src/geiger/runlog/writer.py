"""Writes the run log as the run goes. Trouble with it is reported once and never stops a training."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import update_wrapper
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec

from geiger.cleaning import clean, clean_setting, cleaned
from geiger.cross_section import CrossSection
from geiger.errors import SettingError
from geiger.records import (
    Assessment,
    AuditSummary,
    Checkpoint,
    ConfigSection,
    Epoch,
    Figure,
    FoldResult,
    LoggedScorecard,
    Notice,
    RunLog,
    RunSettings,
    Status,
    Training,
    Verdict,
)
from geiger.runlog.events import encode, encode_all
from geiger.runlog.facts import plan_figures_first, shown_epochs
from geiger.runlog.sections import closing, epoch_lines, opening, progress_line, stopping
from geiger.runlog.verdict import verdict_lines
from geiger.runlog.wording import config_lines

P = ParamSpec("P")
_TRIES = 1000  # seconds that a name may be moved on to find a free one


def log_stem(symbol: str, model: str, when: datetime) -> str:
    """Return ``{SYMBOL}_{MODEL}_{YYYYMMDD_HHMMSS}``.

    Raises
    ------
    SettingError
        Symbol or model is empty or holds a character that file names here may not have.

    Examples
    --------
    >>> log_stem("AAPL", "gbm_xgb", datetime(2025, 12, 29, 14, 30, 22))
    'AAPL_gbm_xgb_20251229_143022'
    """
    for word, value in (("symbol", symbol), ("model", model)):
        if not re.fullmatch(r"[A-Za-z0-9^=._-]+", value):
            raise SettingError(
                f"{word} {clean(value)!r}: the name of a log takes letters, digits and ^ = . _ -; rename it"
            )
    return f"{symbol}_{model}_{when:%Y%m%d_%H%M%S}"


def _to_stderr(message: str) -> None:
    print(f"geiger: {message}", file=sys.stderr)


def _guarded(
    method: Callable[Concatenate[RunLogWriter, P], None],
) -> Callable[Concatenate[RunLogWriter, P], None]:
    """Return a method that reports the first trouble and does nothing ever after."""

    def guarded(log: RunLogWriter, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if not log.writing:
            return
        try:
            method(log, *args, **kwargs)
        except Exception as error:  # whatever it is, the training is worth more than its log
            if log.writing:
                log._give_up(error)

    update_wrapper(guarded, method)
    return guarded


class RunLogWriter:
    """The log of one run: a text for people and, beside it, the same facts as events.

    Every call is written and flushed at once, so a killed run leaves all it knew; only `finish` writes a
    status, and only `stop` that there is none because the run was stopped. After trouble (full disk, no
    permission, deleted folder) the writer says so once and stays silent.

    Parameters
    ----------
    directory : path
        Folder of the logs, made where it is missing.
    symbol, model : str
        First parts of the name: letters, digits and ``^ = . _ -``.
    now : datetime, optional
        Time in the name, by default the present. Where that name is taken, the next free second.
    shown : (fold, seed), optional
        The member whose epochs the text shows as they come: the last fold, first seed. Without it they are
        written at the end.
    on_trouble : callable
        Receives one line when the log cannot be written; by default it goes to stderr.

    Attributes
    ----------
    path, events_path : Path or None
        The two files; None where they could not be created.
    writing : bool
        False after `finish`, `stop`, `close` or trouble.

    Raises
    ------
    SettingError
        A symbol or model that could leave the folder. Nothing else is ever raised.
    """

    def __init__(
        self,
        directory: Path | str,
        symbol: str,
        model: str,
        *,
        now: datetime | None = None,
        shown: tuple[int, int] | None = None,
        on_trouble: Callable[[str], None] = _to_stderr,
    ) -> None:
        when = datetime.now() if now is None else now
        log_stem(symbol, model, when)  # a bad name is the caller's mistake, not trouble with the log
        self.path: Path | None = None
        self.events_path: Path | None = None
        self.writing = True
        self._symbol, self._model, self._shown, self._on_trouble = symbol, model, shown, on_trouble
        self._directory = Path(directory)
        self._began = False
        self._epochs: list[Epoch] = []
        self._warnings: list[Notice] = []
        self._live: set[int] = set()  # epochs of the shown member that the text has already
        self._latest: tuple[Epoch, ...] = ()  # the last that was told of a fold still in training
        self._files: dict[str, _File] = {}
        self._create(self._directory, when)

    def __enter__(self) -> RunLogWriter:
        """Return the writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files; a run that did not call `finish` keeps no status."""
        self.close()

    @_guarded
    def config(self, settings: Mapping[str, object] | Iterable[tuple[str, object]]) -> None:
        """Write the settings, in order; the first call counts.

        Symbol and Model lead where they are missing. Values are written as they come: give `Learning Rate`
        as the text that shall stand there.
        """
        self._write_config(settings.items() if isinstance(settings, Mapping) else settings)

    @_guarded
    def settings(self, values: RunSettings) -> None:
        """Write the settings from their values, which the events keep as they are; the first call counts."""
        self._write_config(config_lines(values), cleaned(values))

    def _write_config(self, pairs: Iterable[tuple[str, object]], values: RunSettings | None = None) -> None:
        if self._began:
            return
        self._began = True
        lines = [clean_setting(name, value) for name, value in pairs]
        own = (("Symbol", self._symbol), ("Model", self._model))
        missing = [pair for pair in own if pair[0] not in dict(lines)]
        self._event("config", ConfigSection((*missing, *lines), values))
        self._files["log"].write(opening((*missing, *lines)))

    @_guarded
    def epoch(self, epoch: Epoch) -> None:
        """Write one epoch; the text shows it where it is the shown member's."""
        self._begin()
        self._epochs.append(epoch)
        self._event("epoch", epoch)
        self._show(epoch)

    @_guarded
    def progress(self, epoch: Epoch) -> None:
        """Write how far a member is whose fold is still in training; its epochs come with the fold.

        The text shows the epochs of the shown member as they happen, each once; of any other a line that says
        how far it is.
        """
        self._begin()
        self._latest = (epoch,)
        self._event("progress", epoch)
        if not self._show(epoch):
            self._files["log"].write(progress_line(epoch))

    def _show(self, epoch: Epoch) -> bool:
        """Write an epoch into the text where it is the shown member's, once; return whether it is."""
        if (epoch.fold, epoch.seed) != self._shown:
            return False
        if epoch.epoch not in self._live:
            self._live.add(epoch.epoch)
            self._files["log"].write(epoch_lines([epoch]))
        return True

    @_guarded
    def fold(self, result: FoldResult) -> None:
        """Write one finished fold, to the events only."""
        self._begin()
        self._event("fold", cleaned(result))

    @_guarded
    def training(self, training: Training) -> None:
        """Write how one network member was trained, to the events only."""
        self._begin()
        self._event("training", cleaned(training))

    @_guarded
    def warn(self, notice: Notice) -> None:
        """Keep one warning for the WARNINGS section; the same one twice counts once.

        A code has capital letters, digits and underscores; other characters become underscores.
        """
        self._begin()
        code = re.sub(r"[^A-Z0-9_]", "_", notice.code.upper()) or "UNCODED"
        notice = Notice(code, clean(notice.text))
        if notice not in self._warnings:
            self._warnings.append(notice)
            self._event("warning", notice)

    @_guarded
    def finish(
        self,
        status: Status,
        *,
        figures: Iterable[Figure] = (),
        checkpoints: Iterable[Checkpoint] = (),
        scorecard: LoggedScorecard | None = None,
        assessment: Assessment | None = None,
        cross_section: CrossSection | None = None,
        verdict: Verdict | None = None,
        audit: AuditSummary | None = None,
        advice: str = "",
    ) -> None:
        """Write all remaining sections and the status, and close the log.

        The plan's five figures come first, `undefined` where `figures` lacks them.

        Parameters
        ----------
        cross_section : CrossSection, optional
            Of a panel.
        verdict : Verdict, optional
            Without one the section says ``not evaluated``.
        audit : AuditSummary, optional
            Of exactly this run; without one the text gives `advice` on how to make it.
        """
        self._begin()
        judged = None if verdict is None else cleaned(verdict)
        facts = RunLog(
            figures=plan_figures_first(tuple(cleaned(figure) for figure in figures)),
            checkpoints=tuple(cleaned(checkpoint) for checkpoint in checkpoints),
            scorecard=_cleaned_card(scorecard or LoggedScorecard()),
            assessment=None if assessment is None else cleaned(assessment),
            cross_section=None if cross_section is None else cleaned(cross_section),
            verdict=verdict_lines(judged),
            judged=judged,
            audit=None if audit is None else cleaned(audit),
            status=status,
        )
        # Epochs and warnings are among the events already.
        self._files["jsonl"].write("".join(_json_line(event) for event in encode_all(facts)))
        facts = replace(facts, epochs=tuple(self._epochs), warnings=tuple(self._warnings))
        late = "" if self._live else epoch_lines(shown_epochs(facts.epochs))
        begun = replace(facts, epochs=facts.epochs or self._latest)
        self._files["log"].write(late + closing(begun, status, clean(advice)))
        self.close()

    @_guarded
    def stop(self, text: str) -> None:
        """Write that the run was stopped, and by whom, and close the log; it has no status."""
        self._begin()
        shown = clean(text)
        self._event("stopped", shown)
        late = "" if self._live else epoch_lines(shown_epochs(tuple(self._epochs)))
        self._files["log"].write(late + stopping(shown))
        self.close()

    def close(self) -> None:
        """Close the files; nothing is written any more."""
        self.writing = False
        for file in self._files.values():
            file.close()

    @_guarded
    def _create(self, directory: Path, when: datetime) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for second in range(_TRIES):
            stem = log_stem(self._symbol, self._model, when + timedelta(seconds=second))
            paths = [directory / f"{stem}.{suffix}" for suffix in ("log", "jsonl")]
            files = _create_all(paths)
            if files:
                self.path, self.events_path = paths
                self._files = dict(zip(("log", "jsonl"), files, strict=True))
                return
        raise OSError(f"no free name after {paths[0]}")

    def _begin(self) -> None:
        if not self._began:
            self.config(())

    def _event(self, kind: str, content: object) -> None:
        self._files["jsonl"].write(_json_line(encode(kind, content)))

    def _give_up(self, error: Exception) -> None:
        self.close()
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        where = self.path or self._directory
        with suppress(Exception):
            self._on_trouble(clean(f"log {where}: {reason}; the run goes on without a log"))


def add_audit(log: Path, audit: AuditSummary) -> bool:
    """Append the audit of a finished run to the events of its log, and say whether they could take it.

    The text stays as the run left it; whoever reads both is told by the events. Of several audits the last
    one counts.
    """
    return _add(log, [("audit", cleaned(audit))])


def add_verdict(log: Path, verdict: Verdict) -> bool:
    """Append a later verdict on a finished run to the events of its log; see `add_audit`."""
    judged = cleaned(verdict)
    return _add(log, [("verdict", verdict_lines(judged)), ("judged", judged)])


def _add(log: Path, contents: Iterable[tuple[str, object]]) -> bool:
    try:
        handle = os.open(log.with_suffix(".jsonl"), os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    with open(handle, "ab", buffering=0) as file:
        lines = "".join(_json_line(encode(kind, content)) for kind, content in contents).encode()
        try:
            return file.write(lines) == len(lines)  # one call: lines of several processes do not mix
        except OSError:
            return False


class _File:
    """A new file that takes whole texts at once, with nothing left in a buffer for a kill to lose."""

    def __init__(self, path: Path) -> None:
        self._raw = open(path, "xb", buffering=0)  # noqa: SIM115 - open for as long as the run goes

    def write(self, text: str) -> None:
        if os.fstat(self._raw.fileno()).st_nlink == 0:
            raise OSError("the file was deleted")
        data = text.encode()
        while data:  # a nearly full disk takes only a part
            data = data[self._raw.write(data) :]

    def close(self) -> None:
        with suppress(OSError):
            self._raw.close()


def _create_all(paths: list[Path]) -> list[_File]:
    """Create all files, or none of them where one exists already."""
    files: list[_File] = []
    try:
        for path in paths:
            files.append(_File(path))
    except OSError as error:
        for file, path in zip(files, paths, strict=False):
            file.close()
            path.unlink()
        if not isinstance(error, FileExistsError):
            raise
        return []
    return files


def _cleaned_card(card: LoggedScorecard) -> LoggedScorecard:
    return LoggedScorecard(
        scores=tuple(cleaned(score) for score in card.scores),
        rungs=tuple(cleaned(rung) for rung in card.rungs),
        years=card.years,
        folds=tuple(cleaned(fold) for fold in card.folds),
        notes=tuple(clean(note) for note in card.notes),
    )


def _json_line(event: Mapping[str, object]) -> str:
    return json.dumps(event, ensure_ascii=True, allow_nan=False) + "\n"
