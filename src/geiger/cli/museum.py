"""``geiger audit --museum``: famous leaks on noise, a block each, for a terminal of 80 columns."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence

from geiger.audit.museum import NOTHING, PIECES, Exhibit, visit
from geiger.cli.terminal import counted, print_json, progress
from geiger.codec import plain

WIDTH = 79
BAR = 30  # characters of the longer bar


def show_museum(*, as_json: bool) -> int:
    """Show every piece as it is computed."""
    shown: list[Exhibit] = []
    with progress("museum", len(PIECES), quiet=as_json) as tick:
        for number, piece in enumerate(visit(tick), start=1):
            shown.append(piece)
            if not as_json:
                if number == 1:
                    print("\n".join(_head()))
                print("\n".join(block(number, piece)), flush=True)
    if as_json:
        print_json(plain(shown))
    else:
        print("\n".join(_foot(shown)))
    return 0


def block(number: int, piece: Exhibit) -> Iterator[str]:
    """Yield one piece as lines."""
    yield ""
    yield f"{number}. {piece.title.upper()}"
    yield _rule()
    yield from _wrapped(piece.claim)
    yield from _wrapped(f"({piece.source})")
    yield ""
    yield f"   {piece.unit}, mean of {counted(piece.markets, 'market')} without any signal"
    for word, value, how in (
        ("WRONG", piece.wrong, piece.mistake),
        ("RIGHT", piece.right, piece.honest),
    ):
        yield f"   {word} {piece.figure(value):>6}  {_bar(piece, value)}".rstrip()
        yield from _wrapped(how, indent=" " * 17)
    yield ""
    yield from _wrapped(_verdict(piece))
    yield from _wrapped(piece.lesson)


def _bar(piece: Exhibit, value: float) -> str:
    """Return a bar that starts where no skill stands."""
    nothing = NOTHING[piece.measure]
    length = round(BAR * max(value - nothing, 0.0) / (abs(piece.wrong - nothing) or 1.0))
    return _ink() * min(length, BAR)


def _verdict(piece: Exhibit) -> str:
    if piece.caught is None:
        return "The audit sees nothing: every step is honest, and only the number of tries is not told."
    if not piece.caught:
        return "NOT CAUGHT by the audit."
    return f"CAUGHT in {piece.stage}: {piece.column}. The audit says: {piece.cause}. Mend: {piece.mend}."


def _head() -> Iterator[str]:
    yield "THE LEAK MUSEUM"
    yield from _wrapped(
        "Famous ways to find skill, rebuilt on markets that have none. Bars start where no skill stands: "
        "50% of directions, a Sharpe ratio or a correlation of 0.",
        indent="",
    )


def _foot(shown: Sequence[Exhibit]) -> Iterator[str]:
    looked_for = [piece for piece in shown if piece.caught is not None]
    caught = sum(bool(piece.caught) for piece in looked_for)
    yield ""
    yield from _wrapped(
        f"{caught} of {len(looked_for)} leaks caught, each by stage and column. Your own pipeline: "
        "geiger audit SYMBOL --canaries",
        indent="",
    )


def _wrapped(text: str, indent: str = "   ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _ink() -> str:
    return "█" if _draws("█") else "#"


def _rule() -> str:
    return ("─" if _draws("─") else "-") * WIDTH


def _draws(sign: str) -> bool:
    """Whether the terminal's encoding has a sign."""
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
