"""``geiger features``: the contract, and the frame of one symbol."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace

from geiger.cli.terminal import print_json, table
from geiger.errors import SettingError
from geiger.features.catalogue import FEATURES, WARMUP, build_features
from geiger.files import write_atomically, write_frame
from geiger.settings import recipe
from geiger.settings.contract import VERSION


def list_features(args: argparse.Namespace) -> int:
    """Print all features: name, group, warm-up, unit, formula, source."""
    facts = [
        {
            "number": number,
            "name": feature.name,
            "group": feature.group,
            "warmup_bars": feature.warmup,
            "unit": feature.unit,
            "formula": feature.formula,
            "source": feature.source,
        }
        for number, feature in enumerate(FEATURES, start=1)
    ]
    if args.json:
        print_json(facts)
        return 0
    rows: list[tuple[str, ...]] = [("no", "name", "group", "warm-up", "unit", "formula")]
    shown = ("number", "name", "group", "warmup_bars", "unit", "formula")
    rows += [tuple(str(fact[key]) for key in shown) for fact in facts]
    print(table(rows))
    print(f"\n{VERSION}: {len(FEATURES)} features, all finite from row {WARMUP} on")
    return 0


def build(args: argparse.Namespace) -> int:
    """Write the feature frame of one symbol; all its rows, the lock-box included, since nothing is scored."""
    from geiger.cli.show import warning_lines  # with all that trains and writes: the list does without
    from geiger.experiment.plan import Experiment

    if args.out.suffix not in (".parquet", ".csv"):
        raise SettingError(f"{args.out}: the file must end in .parquet or .csv")
    if not args.out.absolute().parent.is_dir():
        raise SettingError(f"{args.out}: the folder {args.out.parent} does not exist; make it first")
    config = replace(recipe("default"), lockbox=0, min_train=1, fill="close")  # nothing is trained
    experiment = Experiment(
        args.symbol, config=config, data=args.data, context=args.context, runs_dir=args.runs_dir
    )
    material = experiment.material()
    frame = build_features(material.prices, material.context)
    notices = [notice for notice in material.notices if notice.code != "LOCKBOX_OPEN"]
    if args.out.suffix == ".csv":
        write_atomically(args.out, frame.write_csv().encode())
    else:
        write_frame(args.out, frame)
    facts = {
        "file": args.out,
        "rows": frame.height,
        "features": frame.width - 1,
        "complete_from": frame["day"][WARMUP],
        "warnings": [asdict(notice) for notice in notices],
    }
    if args.json:
        print_json(facts)
        return 0
    size = f"{frame.height} days x {facts['features']} features"
    lines = [f"{args.out}: {size}, complete from {facts['complete_from']} on"]
    print("\n".join([*lines, *warning_lines(notices)]))
    return 0
