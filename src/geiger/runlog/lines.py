"""From the bytes of a log to its lines: encodings, colours, progress bars, what a logger puts before a line.

A log may come from a redirected terminal or from a collector of logs. What is taken away here says nothing
about the run; a line that is left as it is and means nothing counts as unread.
"""

from __future__ import annotations

import codecs
import re

Line = tuple[int, str]  # number from 1 as an editor counts, text

LONGEST = 200_000  # characters of a line; no log of ours has longer ones
UNREADABLE = "\N{REPLACEMENT CHARACTER}"  # stands for a longer one, and says nothing
_SAMPLE = 4096  # bytes that tell UTF-16 without a mark: every second one is zero, the others are not
_MARKS = (  # the longer ones first: that of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decoded(data: bytes) -> str:
    r"""Return the text of a file in UTF-8, UTF-16 or UTF-32 or, line by line, in Windows-1252.

    Bytes that mean nothing become replacement characters.

    >>> decoded("WFE".encode("utf-16")), decoded("WFE".encode("utf-16-be")), decoded(b"\xe9\x80\n\xc3\xa9")
    ('WFE', 'WFE', 'é€\né')
    """
    marked = next((pair for pair in _MARKS if data.startswith(pair[0])), None)
    mark, encoding = marked or (b"", _of_zeros(data[:_SAMPLE]))
    data = data.removeprefix(mark)
    if encoding != "utf-8":
        return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(_decoded_line(line) for line in data.split(b"\n"))


def _of_zeros(sample: bytes) -> str:
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    most = 0.4 * len(sample) / 2
    if odd > most and even < odd / 10:
        return "utf-16-le"
    return "utf-16-be" if even > most and odd < even / 10 else "utf-8"


def _decoded_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles and links
    r"|[\x1b\x9b]\[?[0-9;?]*[ -/]*[@-~]"  # colours, moves of the cursor
    r"|\ufeff"  # the mark of a text that was appended
)
_OVERWRITTEN = re.compile(r"[\r\x08]+")  # a progress bar goes back to the start of its line


def numbered(text: str) -> list[Line]:
    r"""Return the lines with their numbers, without escape sequences; the last one lacks its end.

    What a carriage return overwrites are lines of one number, since editors and ``sed -n`` count so; only a
    file that has no other line ends is counted by them.

    >>> numbered("a\r\n1%\r2%\r\x1b[32mb\x1b[0m\nc"), numbered("a\rb")
    ([(1, 'a'), (2, '1%'), (2, '2%'), (2, 'b'), (3, 'c')], [(1, 'a'), (2, 'b')])
    """
    if len(text) <= LONGEST and text.isascii() and not any(c in text for c in "\r\x08\x1b"):
        return list(enumerate(text.split("\n"), start=1))
    if "\n" not in text:
        return [(number, _shown(line)) for number, line in enumerate(text.split("\r"), start=1)]
    lines = enumerate(text.split("\n"), start=1)
    return [
        (number, _shown(part))
        for number, line in lines
        for part in (_OVERWRITTEN.split(line.rstrip("\r")) if "\r" in line or "\x08" in line else (line,))
    ]


def _shown(line: str) -> str:
    if len(line) > LONGEST:
        return UNREADABLE
    return line if line.isascii() and "\x1b" not in line else _ESCAPES.sub("", line)


_LEVEL = r"(?:DEBUG|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL|NOTICE)"
_TOKEN = re.compile(r"(?P<number>\d+(?:[.,]\d+)?Z?(?!\w))|(?P<word>\w+)|(?P<space>\s+)|(?P<mark>.)", re.S)
_LONGEST_PREFIX = 300


def without_prefix(lines: list[Line], heading: re.Pattern[str]) -> list[Line]:
    """Return the lines without what a logger put before each: time, level, name of the logger.

    What that is tells the first heading, where it does not stand at the start of its line. Lines that do not
    begin so stay as they are.

    Parameters
    ----------
    heading : pattern
        Of a heading without what stands before it.

    >>> heading = re.compile("=== EPOCHS ===")
    >>> without_prefix([(1, "12:00:01 INFO === EPOCHS ==="), (2, "12:00:02 WARNING x"), (3, "y")], heading)
    [(1, '=== EPOCHS ==='), (2, 'x'), (3, 'y')]
    """
    found = next((match for _, line in lines if (match := heading.search(line))), None)
    if found is None or not 0 < found.start() <= _LONGEST_PREFIX:
        return lines
    before = _like(found.string[: found.start()])
    return [(number, before.sub("", line, count=1)) for number, line in lines]


def _like(prefix: str) -> re.Pattern[str]:
    """Return what matches such a prefix: other numbers, another level and, beside a number, other words.

    Without a number in it words must be the same: ``root: `` must not match ``WFE: ``. Nothing in the pattern
    gives back what it took, so that no line takes long.
    """
    counted = any(c.isdigit() for c in prefix)
    parts = []
    for token in _TOKEN.finditer(prefix.rstrip()):
        if token["number"]:
            parts.append(r"\d++(?:[.,]\d++)?+Z?+")
        elif token["word"] and re.fullmatch(_LEVEL, token["word"], re.I):
            parts.append(f"{_LEVEL}(?!\\w)")
        elif token["word"] and counted:
            parts.append(r"\w++")
        else:
            parts.append(r"\s++" if token["space"] else re.escape(token[0]))
    spaces = len(prefix) - len(prefix.rstrip())
    end = rf"(?:\s{{1,{spaces}}}|$)" if spaces else ""
    return re.compile(f"^{''.join(parts)}{end}", re.I)
