"""What a panel's run was made of, once more: its material, from the snapshots that it left."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from geiger.errors import DataError, SettingError
from geiger.experiment.context import Context
from geiger.experiment.past_material import context_of_run, kept_prices
from geiger.market.sources import Loaded
from geiger.panel.experiment import Panel
from geiger.panel.material import PanelMaterial, load_panel
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.settings import Config

RECUT = ("first_day", "last_day", "rows", "data_hash", "features")  # what must come out as it was


@dataclass(frozen=True)
class KeptPanel(Panel):
    """A panel whose prices are those that a run kept.

    Attributes
    ----------
    stored : StoredRun
    kept : RunsFolder
        Where the run lies, with the snapshots of its data.
    """

    stored: StoredRun = field(kw_only=True)
    kept: RunsFolder = field(kw_only=True)

    def loaded(self, symbol: str) -> Loaded:
        """Return the prices of a member as the run had them."""
        known = {member.symbol: member.data_hash for member in self.stored.record.members}
        return kept_prices(self.stored, self.kept, symbol, known[symbol])

    def surroundings(self) -> Context:
        """Return the context as the run had it."""
        return context_of_run(self.stored, self.kept)


def panel_of_run(
    stored: StoredRun,
    runs: RunsFolder,
    config: Config,
    *,
    runs_dir: Path,
    log_dir: Path = Path("training_logs"),
    command: str | None = None,
) -> KeptPanel:
    """Return the panel of a run as it was asked for, on the prices that it kept.

    Parameters
    ----------
    config : Config
        Its settings, or those with another trading.
    runs_dir, log_dir, command
        Of what is made with it, as `Panel` has them.

    Raises
    ------
    SettingError
        The run is not of a panel.
    """
    record = stored.record
    if not record.members:
        raise SettingError(f"{stored.name}: is the run of one symbol, not of a panel")
    return KeptPanel(
        name=record.symbol,
        symbols=tuple(member.symbol for member in record.members),
        model=record.model,
        config=config,
        stored=stored,
        kept=runs,
        runs_dir=runs_dir,
        log_dir=log_dir,
        command=command,
    )


def material_of_panel_run(stored: StoredRun, runs: RunsFolder) -> PanelMaterial:
    """Make the material of a panel's run from the snapshots that it left; its source is not asked.

    Members that the run had to leave out are left out here, without being named again.

    Raises
    ------
    DataError
        The data are gone, or make another panel in this version.
    SettingError
        The run is not of a panel.
    """
    record, config = stored.record, stored.config()
    # Cut where the run was cut: what it left out may have said where that is.
    cut = replace(config, lockbox=0, end=record.data.last_day)
    with TemporaryDirectory() as folder:
        made = load_panel(panel_of_run(stored, runs, cut, runs_dir=Path(folder)))
    lost = [notice.text for notice in made.notices if notice.code == "MEMBER_LEFT_OUT"]
    if lost:
        raise DataError(f"{stored.name}: the data it used are gone, so it cannot be repeated ({lost[0]})")
    different = [
        f"{name} {getattr(record.data, name)} then, {getattr(made.provenance, name)} now"
        for name in RECUT
        if getattr(record.data, name) != getattr(made.provenance, name)
    ]
    if different or made.symbols != tuple(member.symbol for member in record.members):
        raise DataError(
            f"{stored.name}: the prices that it kept make another panel in this version "
            f"({'; '.join(different) or 'other members'}); repeat it with the version that made it"
        )
    opened = "LOCKBOX_OPEN" if config.lockbox != 0 else None
    notices = tuple(notice for notice in made.notices if notice.code != opened)
    return replace(made, notices=notices, members=record.members, provenance=record.data)
