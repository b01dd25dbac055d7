"""The page of what Python programs use, made from docstrings: read, never imported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe

SOURCE = Path(__file__).parents[1] / "src"
HEAD = """\
# Python: every name

Made by `make docs` from the docstrings: everything that `import geiger` offers. How they go
together: [from Python and in notebooks](python.md). Frames go in as pandas or polars, and come out as polars;
their columns stand in `src/geiger/columns.py`. A name loads when first used.

"""


def api_page() -> str:
    """Return the page: a table of the names, then each with its signature, parameters, results and errors."""
    package = griffe.load("geiger", search_paths=[SOURCE], docstring_parser="numpy")
    names = sorted(
        (str(name) for name in package.exports or () if name != "__version__"),
        key=lambda name: (name.lower(), name),
    )
    # A name may be that of a folder as well, as `audit` is: where it is imported from says which is meant.
    homes = {name: _home(package, name) for name in names}
    rows = [
        f"| [`geiger.{name}`](#{_anchor(name, names)}) | {_first_line(home)} |"
        for name, home in homes.items()
    ]
    contents = "\n".join(["| name | is |", "|---|---|", *rows])
    return f"{HEAD}{contents}\n\n" + "\n".join(
        "\n".join(_section(name, home)) for name, home in homes.items()
    )


def _home(package: Any, name: str) -> Any:
    found = package[package.imports[name].removeprefix("geiger.")]
    return found.final_target if found.is_alias else found


def _anchor(name: str, names: list[str]) -> str:
    """Return where the heading is found; `Panel` and `panel` differ in a number only."""
    before = sum(other.lower() == name.lower() for other in names[: names.index(name)])
    return f"geiger{name.lower()}{f'-{before}' if before else ''}"


def _first_line(item: griffe.Object) -> str:
    text = item.docstring.value if item.docstring else ""
    return _cell(text.partition("\n")[0])


def _section(name: str, item: griffe.Object) -> Iterator[str]:
    yield f"## geiger.{name}\n"
    parts = item.docstring.parsed if item.docstring else []
    described = any(part.kind.value == "attributes" for part in parts)
    if item.is_function or described:
        yield f"```python\n{_signature(name, item)}\n```\n"
    for part in parts:
        yield from _part(part)
    if item.is_class and not described:
        yield from _fields(item)
    if item.is_class:
        yield from _members(item)


def _signature(name: str, item: Any) -> str:
    """Return a call with its parameters, one a line where they do not fit."""
    words, keyword = [], False
    for parameter in item.parameters:
        kind = str(parameter.kind.value)
        if parameter.name in ("self", "cls"):
            continue
        if kind == "keyword-only" and not keyword:
            words.append("*")
            keyword = True
        star = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        keyword = keyword or star == "*"
        default = re.sub(r"\(lambda: (?:settings\.)?(.*)\)\(\)", r"\1", str(parameter.default)).replace(
            "'", '"'
        )
        given = "" if parameter.default is None or star else f"={default}"
        words.append(f"{star}{parameter.name}{given}")
    line = f"geiger.{name}({', '.join(words)})"
    return line if len(line) <= 100 else f"geiger.{name}(\n    " + ",\n    ".join(words) + ",\n)"


def _part(part: Any) -> Iterator[str]:
    """Yield one section of a docstring."""
    match part.kind.value:
        case "text":
            yield f"{_with_examples(_prose(part.value))}\n"
        case "parameters" | "attributes" | "other parameters":
            yield from _table(part.kind.value.rstrip("s"), part.value)
        case "returns" | "yields":
            for value in part.value:
                about = _prose(value.description).strip()
                kind = f"`{value.annotation}`" if value.annotation else ""
                yield f"**Returns** {kind}{': ' if kind and about else ''}{about}\n"
        case "raises":
            for value in part.value:
                yield f"**Raises** `{value.annotation}`: {_prose(value.description).strip()}\n"
        case "examples":
            for kind, text in part.value:
                code = str(text).replace("  # doctest: +SKIP", "")
                yield f"```python\n{code}\n```\n" if kind.value == "examples" else f"{_prose(text)}\n"
        case _:
            title = part.title or part.kind.value.capitalize()
            about = part.value.description if hasattr(part.value, "description") else part.value
            yield f"**{title}**\n\n{_prose(about)}\n"


def _table(word: str, values: Any) -> Iterator[str]:
    yield f"| {word} | type | meaning |\n|---|---|---|"
    for value in values:
        kind = re.sub(
            r"^\((.*)\)$", r"\1", _cell(str(value.annotation or ""))
        )  # several words come in brackets
        yield f"| `{value.name}` | {kind} | {_cell(_prose(value.description))} |"
    yield ""


def _fields(item: Any) -> Iterator[str]:
    """Yield the fields of a record whose docstring does not list them; settings have a page of their own."""
    fields = {
        name: str(field.annotation)
        for name, field in item.attributes.items()
        if "property" not in field.labels
    }
    if any(str(field.value).startswith("setting(") for field in item.attributes.values()):
        yield "[Settings](settings.md) lists its fields.\n"
    elif fields:
        rows = [f"| `{name}` | `{_cell(kind)}` |" for name, kind in fields.items()]
        yield "\n".join(["| field | type |", "|---|---|", *rows, ""])


def _members(item: griffe.Object) -> Iterator[str]:
    """Yield what a class offers besides its fields: properties and methods with a docstring."""
    rows = []
    for name, member in item.members.items():
        if name.startswith("_") or member.is_alias or not member.docstring:
            continue
        call = "" if member.is_attribute else "()"
        rows.append(f"| `{name}{call}` | {_first_line(member)} |")
    if rows:
        yield "\n".join(["| method or property | does |", "|---|---|", *rows, ""])


def _with_examples(text: str) -> str:
    """Return text with its doctests as blocks of code."""
    return re.sub(
        r"^>>> .*?(?=\n\n|\Z)", lambda found: f"```python\n{found[0]}\n```", text, flags=re.S | re.M
    )


def _prose(text: str) -> str:
    """Return text of a docstring as Markdown: double backticks of reStructuredText become single ones."""
    return str(text).replace("``", "`")


def _cell(text: str) -> str:
    return " ".join(_prose(text).split()).replace("|", "\\|")
