"""From bytes to text: the encoding that the file proves, or a refusal that names the likely one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from geiger.errors import DataError
from geiger.market.doubts import Doubt
from geiger.market.headings import quote

# Tried in this order; the names are those of the program iconv as well.
_OTHERS = {
    "GB18030": "Chinese",
    "BIG5": "Chinese",
    "SHIFT_JIS": "Japanese",
    "EUC-KR": "Korean",
    "CP1251": "Cyrillic",
    "CP1250": "Central European",
}
_HEAD = 4000  # characters in which headings stand
_RUN_OF_HIGH_BYTES = re.compile(rb"[\x80-\xff][\x40-\xff]{2}[\x80-\xff]")
_SCRIPTS = {  # what every word looks like, and signs of which one at least is there; in others both are rare
    "CP1251": (r"[А-яЁё][а-яё]*", r"[а-яё]"),
    "EUC-KR": (r"[가-힣]+", r"[일시가종고저거래량률액]"),
    "SHIFT_JIS": (r"[ぁ-んァ-ヶー一-龠]+", r"[ぁ-んァ-ヶ]|[始終値]"),
}
_ARCHIVES = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"\x1f\x8b": "a gzip archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
}


def decoded(content: bytes, known: Callable[[str], int], notes: list[Doubt]) -> str:
    """Return the text of a file, noting every encoding but UTF-8 and a marked UTF-16.

    Parameters
    ----------
    content : bytes
    known : callable
        How many headings of a price table a text has in one line: what proves one of many encodings.
    notes : list of Doubt
        Gets a note where the encoding was concluded.
    """
    for mark, what in _ARCHIVES.items():
        if content.startswith(mark):
            raise DataError(f"{what}, not text; unpack it, or save it as CSV (UTF-8)")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _in("utf-16", content)
    if b"\x00" in content:
        return _unmarked_utf16(content, known, notes)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    readings = {name: text for name in ("CP1252", *_OTHERS) if (text := _try(name, content)) is not None}
    proved = max(readings, key=lambda name: known(readings[name][:_HEAD]), default=None)
    if proved is not None and proved != "CP1252" and known(readings[proved][:_HEAD]):
        notes.append(_note(f"{proved} ({_OTHERS[proved]}), in which its headings are words"))
        return readings[proved]
    if proved is None or (not known(readings[proved][:_HEAD]) and _RUN_OF_HIGH_BYTES.search(content[:_HEAD])):
        raise _likely(readings)
    notes.append(_note("Windows-1252"))
    return readings[proved]


def _in(encoding: str, content: bytes) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise DataError("starts as UTF-16 text and is not; export it again as UTF-8") from None


def _unmarked_utf16(content: bytes, known: Callable[[str], int], notes: list[Doubt]) -> str:
    for encoding in ("utf-16-le", "utf-16-be"):
        text = _try(encoding, content)
        if text is not None and known(text[:_HEAD]):
            notes.append(_note("UTF-16 without its mark"))
            return text
    raise DataError(
        "binary data, not text; export the prices as CSV (from a spreadsheet: Save as, CSV UTF-8)"
    )


def _try(encoding: str, content: bytes) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _note(how: str) -> Doubt:
    return Doubt("DATA_ENCODING", "note", (), 1, f"the text is not UTF-8 and was read as {how}")


def _likely(readings: Mapping[str, str]) -> DataError:
    """Return the refusal of a text whose encoding nothing proves."""
    foreign = {name: text for name, text in readings.items() if name in _OTHERS}
    if not foreign:
        return DataError("neither UTF-8 nor Windows-1252 text; export the prices as CSV in UTF-8")
    plausible = (name for name in _SCRIPTS if name in foreign and _is_plausible(foreign[name], name))
    name = next(plausible, next(iter(foreign)))
    first = next((line for line in foreign[name].splitlines() if line.strip()), "")
    return DataError(
        f"the text is not UTF-8; it is likely {name} ({_OTHERS[name]}), in which the first line is "
        f"{quote(first)}; convert it (iconv -f {name} -t UTF-8 FILE > NEW) or save it as CSV in UTF-8"
    )


def _is_plausible(text: str, encoding: str) -> bool:
    word, sign = _SCRIPTS[encoding]
    found = re.findall(r"[^\x00-\x7f]+", text[:_HEAD])
    return all(re.fullmatch(word, one) for one in found) and re.search(sign, "".join(found)) is not None
