"""The answers themselves: the functions behind `geiger logs`, confined to two folders and bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geiger.command_line import Folders
from geiger.errors import DataError, GeigerError, SettingError
from geiger.records import Epoch, RunLog
from geiger.service.bounds import BYTES, ROWS, inside, page, whole

if TYPE_CHECKING:
    from geiger.service.served import ServedLogs

ANALYZED = 20  # runs in one answer: what the checks find in more of them does not fit
DAYS = 2_000_000  # forecasts of a run that are read
_BESIDE = BYTES // 3  # of an answer: what stands beside the page of logs
_COVERED = 3_000  # bytes of that for the names of the runs that the steps cover


class Answers:
    """Reads logs and runs; writes nothing.

    What costs time to import is imported with the first answer.

    Parameters
    ----------
    log_dir, runs_dir : Path
        The only folders that are read.
    """

    def __init__(self, log_dir: Path, runs_dir: Path) -> None:
        self._log_dir, self._runs_dir = log_dir, runs_dir
        self._served: ServedLogs | None = None

    def list_runs(
        self,
        symbol: str | None = None,
        model: str | None = None,
        status: str | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> dict[str, Any]:
        """Return every log in short, the newest first."""
        from geiger.analysis.analyzer import list_facts

        found = list_facts(self._book(), symbol=symbol, model=model, status=status)
        rows = [{key: fact for key, fact in facts.items() if key != "new"} for facts in found]
        return _page(rows, "runs", offset, limit)

    def show_run(self, name: str) -> dict[str, Any]:
        """Return what one log says, with the lines of its facts; its epochs have an answer of their own."""
        from geiger.analysis.analyzer import show_facts

        facts = show_facts(self._book(), name)
        lines = {key: line for key, line in facts["lines"].items() if not key.startswith("EPOCH METRICS/")}
        facts |= {"lines": lines, "epochs": "the tool epochs lists them"}
        return whole(facts)

    def analyze_runs(
        self,
        names: list[str] | None = None,
        newest: int | None = None,
        all: bool = False,
        offset: int = 0,
        limit: int = 10,
    ) -> dict[str, Any]:
        """Return what runs mean, and on the first page what all of them together do and what to try next."""
        from geiger.analysis.analyzer import analysis_facts, analyze

        if sum(choice is not None and choice is not False for choice in (names, newest, all)) > 1:
            raise SettingError("analyze_runs: give names, newest or all, not several of them")
        book = self._book()
        chosen = names or self._newest(None if all else 1 if newest is None else newest)
        here = chosen[offset : offset + min(limit, ANALYZED)]
        facts = analysis_facts(analyze(book, here)) if here else {"logs": []}
        in_order = sorted(facts["logs"], key=lambda log: here.index(log["name"]))
        beside: dict[str, Any] = {}
        if offset == 0 and here:
            kept = {key: facts[key] for key in ("folder", "known", "trends", "steps")}
            beside = {"steps_cover": here, **whole(kept, _BESIDE - _COVERED)}
        logs = page(in_order, "logs", limit, offset=offset, total=len(chosen), most=BYTES - _BESIDE)
        return {**logs, **beside}  # the answers first

    def compare_runs(self, names: list[str]) -> dict[str, Any]:
        """Return two runs or more side by side."""
        from geiger.analysis.comparison import compare_facts

        return whole(compare_facts(self._book(), names))

    def audit(self, name: str) -> dict[str, Any]:
        """Return what the audit of a run came to, and all of it where it is kept."""
        from geiger.codec import plain
        from geiger.runlog.wording import how_to_audit
        from geiger.runs.audits import read_audit
        from geiger.runs.folder import RunsFolder

        inside(self._runs_dir, name, "run.json")
        runs = RunsFolder(self._runs_dir)
        stored = runs.load(name)
        found = stored.record.audit
        if found is None:
            how = how_to_audit(
                stored.trained, stored.record.own.kinds, Folders.of(self._runs_dir, self._log_dir)
            )
            return whole({"run": name, "audit": None, "how": how})
        facts = {"run": name, "audit": {"text": found.text(), **plain(found)}}
        try:
            inside(self._runs_dir, runs.audits.name, f"{found.key}.json")
            kept = read_audit(runs.audits, found.key or "")
        except GeigerError as error:
            return whole({**facts, "whole": None, "why": str(error)})
        return whole({**facts, "whole": plain(kept)})

    def epochs(
        self, name: str, fold: int | None = None, seed: int | None = None, offset: int = 0, limit: int = 100
    ) -> dict[str, Any]:
        """Return the epochs of a run, in the order in which they came."""
        log = self._book().log(name)
        rows = [
            _epoch_facts(epoch, name, log)
            for epoch in log.epochs
            if fold in (None, epoch.fold) and seed in (None, epoch.seed)
        ]
        return {"run": name, **_page(rows, "epochs", offset, limit)}

    def forecasts(self, name: str, offset: int = 0, limit: int = 100) -> dict[str, Any]:
        """Return the out-of-sample forecasts of a run, day by day; of a panel also symbol by symbol."""
        from geiger.runs.folder import RunsFolder

        inside(self._runs_dir, name, "run.json")
        _refuse_too_many(inside(self._runs_dir, name, "forecasts.parquet"))
        stored = RunsFolder(self._runs_dir).load(name)
        if stored.record.members:
            frame = stored.panel_forecasts().select("day", "symbol", "score", "forecast", "outcome")
        else:
            frame = stored.forecasts().select("day", "forecast", "outcome", "train_mean")
        part = frame.slice(offset, min(limit, ROWS))
        rows = part.rows(named=True)
        answer = page(rows, "forecasts", limit, offset=offset, total=frame.height)
        return {"run": name, "unit": "log return", **answer}

    def _book(self) -> ServedLogs:
        if self._served is None:
            from geiger.service.served import ServedLogs

            self._served = ServedLogs(self._log_dir, self._runs_dir)
        return self._served

    def _newest(self, count: int | None) -> list[str]:
        from geiger.analysis.analyzer import list_facts

        return [str(facts["name"]) for facts in list_facts(self._book())[:count]]


def _refuse_too_many(path: Path) -> None:
    """Ask a Parquet file how many rows it has before any is read; a damaged one is the reader's to refuse."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_metadata(path).num_rows
    except (OSError, ValueError, pa.ArrowException):
        return
    if rows > DAYS:
        raise DataError(f"{path.parent.name}: {rows} forecasts, at most {DAYS} are read; look at it yourself")


def _page(rows: Sequence[Mapping[str, Any]], name: str, offset: int, limit: int) -> dict[str, Any]:
    return page(rows[offset : offset + min(limit, ROWS)], name, limit, offset=offset, total=len(rows))


def _epoch_facts(epoch: Epoch, name: str, log: RunLog) -> dict[str, Any]:
    line = log.event_lines.get(f"epoch/{epoch.fold}/{epoch.seed}/{epoch.epoch}")
    place = f"{name}.jsonl:{line}"
    if line is None:
        place = f"{name}.log:{log.lines.get(f'EPOCH METRICS/{epoch.epoch}')}"
    return {
        "epoch": epoch.epoch,
        "fold": epoch.fold,
        "seed": epoch.seed,
        "loss": epoch.loss,
        "val_loss": epoch.val_loss,
        "pred_std": epoch.pred_std,
        "pos_pct": epoch.pos_pct,
        "best": epoch.best,
        "place": place,
    }
