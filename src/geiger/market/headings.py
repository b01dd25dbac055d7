"""What the headings of price tables mean, in the words of the vendors that write them."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Mapping, Sequence

from geiger.errors import DataError

_SHOWN_CHARACTERS = 40


def shown(text: str, limit: int = _SHOWN_CHARACTERS) -> str:
    r"""Return foreign text fit for a message: short, on one line, control characters escaped.

    >>> shown("12\x1b[31m")
    '12\\x1b[31m'
    """
    safe = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text[:limit]
    )
    return safe if len(text) <= limit else safe + "…"


def quote(text: str, limit: int = _SHOWN_CHARACTERS) -> str:
    r"""Return foreign text in quotation marks for a message, every sign as it is or escaped once.

    >>> print(quote("2\u00a0119"), quote("C:\\data"))
    '2\xa0119' 'C:\data'
    """
    return f"'{shown(text, limit)}'"


def key_of(name: str) -> str:
    """Return a heading's letters and digits alone, without accents, a leading number or a currency behind.

    >>> key_of("5. adjusted close"), key_of("Último"), key_of("Open (USD)"), key_of("Close*")
    ('adjustedclose', 'ultimo', 'open', 'close')
    """
    bare = unicodedata.normalize("NFKD", name).casefold().strip()
    bare = re.sub(r"\((?:[a-z]{3}|₹|\$|€)\)$", "", re.sub(r"^[0-9]+[a-z]?\. ", "", bare))
    return "".join(sign for sign in bare if sign.isalnum())


def _keys(*words: str) -> frozenset[str]:
    return frozenset(key_of(word) for line in words for word in line.split("|"))


# Meaning -> sets of headings, the surest first: of several with one meaning the surest is read, and two of
# one set contradict each other. Beyond English: investing.com in its languages, Stooq, Ariva, akshare.
HEADINGS: Mapping[str, tuple[frozenset[str], ...]] = {
    "day": (
        _keys(
            "date|day|trade date|trading date|price date|session date|business date|as of date",
            "trading day|trade day|observation date|quote date|bar date",
            "data|fecha|datum|tarih|дата|日期|交易日|交易日期|日付|日付け|날짜|일자",
        ),
        _keys("datetime|date time|gmt time|local time|date (utc)|index level 0|ds|dt|日時|일시"),
        _keys("timestamp|time stamp"),
        _keys("time|bar time|candle time|时间|時間"),
        _keys("open time|time open|candle begin time|t"),
        _keys("unix|unix time|unix timestamp|epoch|epoch time"),
        _keys("index|unnamed 0"),
    ),
    "open": (
        _keys(
            "open|open price|opening price|price open|o|abertura|apertura|eröffn|eröffnung|eröffnungskurs",
            "erster|ouv|ouverture|otwarcie|açılış|откр|открытие|开盘|开盘价|開盤|開盤價|始値|시가",
        ),
    ),
    "high": (
        _keys(
            "high|high price|price high|h|máxima|máximo|hoch|tageshoch|plus haut|massimo|max",
            "najwyższy|najwyzszy|yüksek|макс|максимум|最高|最高价|最高價|高|高値|고가",
        ),
    ),
    "low": (
        _keys(
            "low|low price|price low|l|mínima|mínimo|tief|tagestief|plus bas|minimo|min",
            "najniższy|najnizszy|düşük|мин|минимум|最低|最低价|最低價|低|安値|저가",
        ),
    ),
    "close": (
        _keys(
            "close|close/last|close price|closing price|price close|price|c|último|zuletzt|schluss",
            "schlusskurs|dernier|clôture|zamknięcie|zamkniecie|ostatnio|şimdi|цена|закрытие|收盘|收盘价",
            "收盤|收盤價|終値|종가|close close price adjusted for splits",
        ),
    ),
    "adj": (
        _keys(
            "adj close|adjusted|adjusted close|close adj|adj close price|adjusted close price",
            "adjusted closing price|adj close adjusted close price adjusted for splits and dividend and/or "
            "capital gain distributions",
        ),
    ),
    "volume": (
        _keys(
            "volume|vol|v|total trade quantity|total traded quantity|traded quantity|shares traded",
            "no. of shares|number of shares|real volume|stücke|stuecke|wolumen|hacim|объем|объём|成交量",
            "交易量|出来高|거래량|成交股數",
        ),
        _keys("volumen"),  # money traded where pieces stand beside it, as Ariva writes it
    ),
    "raw_close": (_keys("raw close"),),
}
ACTIONS: Mapping[str, frozenset[str]] = {
    "dividend": _keys("dividend|dividends|dividend amount|div cash|cash dividend"),
    "capital_gain": _keys("capital gain|capital gains"),
    "split": _keys("split|splits|stock split|stock splits|split factor|split coefficient"),
}
SYMBOLS = _keys(
    "symbol|symbols|ticker|tickers|tic|ts code|instrument|instrument id|unique id|stock|stock code|stock id",
    "stock name|code|name|company|security|security id|sec id|asset|isin|sid|permno|contract|pair",
    "ticker symbol|act symbol|scrip|scrip code|ric|figi|cusip|sedol|wkn|gvkey|asset id",
    "coin|coin name|crypto|cryptocurrency|crypto name|token|slug|underlying|index name|fund|sym",
    "股票代码|代码|名称|股票名称|銘柄|종목코드",
)
TIMES_OF_DAY = _keys("time|trade time|hour")
BAR = ("open", "high", "low")

# Exchanges of coins write the volume twice, in coins and in the money that they are quoted in.
_VOLUME_IN = re.compile(r"^volume[ _]\(?([a-z]{3,5})\)?$", re.I)
_QUOTED_IN = frozenset(
    {"usd", "usdt", "usdc", "busd", "tusd", "fdusd", "dai", "eur", "gbp", "jpy", "krw", "try"}
)


def meaning_of(name: str) -> str | None:
    """Return what a heading means, None if it is unknown.

    >>> meaning_of("Adj. Close"), meaning_of("Último"), meaning_of("Notes"), meaning_of("Volume BTC")
    ('adj', 'close', None, 'volume')
    """
    ranked = _ranked(name)
    return None if ranked is None else ranked[0]


def action_of(name: str) -> str | None:
    """Return which action of the company a heading lists, None if none.

    >>> action_of("Stock Splits"), action_of("7. dividend amount"), action_of("Dividend Yield")
    ('split', 'dividend', None)
    """
    key = key_of(name)
    return next((action for action, keys in ACTIONS.items() if key in keys), None)


def names_symbols(name: str) -> bool:
    """Return whether the column of a heading says which symbol a row belongs to."""
    key = key_of(name)
    return key in SYMBOLS or "symbol" in key or "ticker" in key or key.endswith(("code", "代码", "isin"))


def match_columns(names: Sequence[str]) -> dict[str, str]:
    """Return meaning -> column name for every column that is read.

    >>> match_columns(["Date", "Close/Last", "Vol.", "Notes"])
    {'day': 'Date', 'close': 'Close/Last', 'volume': 'Vol.'}
    >>> match_columns(["unix", "date", "close", "Volume BTC", "Volume USDT"])
    {'day': 'date', 'close': 'close', 'volume': 'Volume BTC'}
    """
    found: dict[str, tuple[int, str]] = {}
    for name in names:
        meaning, rank = _ranked(name) or (None, 0)
        if meaning is None or (meaning in found and found[meaning][0] < rank):
            continue
        if meaning in found and found[meaning][0] == rank:
            raise DataError(
                f"columns {quote(found[meaning][1])} and {quote(name)} both mean {meaning}; keep one of them"
            )
        found[meaning] = rank, name
    labels = {meaning: name for meaning, (_, name) in found.items()}
    if "day" not in labels and names and not names[0].strip():
        labels["day"] = names[0]  # how pandas writes an index that has no name
    return labels


def require_columns(labels: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuse a table that has no day, no close, or a bar with a part missing."""
    listing = ", ".join(quote(name) for name in names[:12])
    for meaning, word in (("day", "Date"), ("close", "Close")):
        if meaning not in labels:
            raise DataError(f"no column '{word}' among {listing}; rename the right one to '{word}'")
    missing = [part for part in BAR if part not in labels]
    if missing and len(missing) < len(BAR):
        raise DataError(
            f"no column {missing[0].title()!r} among {listing}; "
            "give Open, High and Low together, or none of them for closes alone"
        )
    if "adj" in labels and "raw_close" in labels:
        raise DataError(
            f"columns {quote(labels['adj'])} and {quote(labels['raw_close'])} contradict each other; keep one"
        )


def split_levels(names: Sequence[str]) -> list[list[str]]:
    """Return the words and the symbols of headings such as ``Close_AAPL``, nothing where there are none.

    >>> split_levels(["Date", "AAPL.Close", "AAPL.Volume"])
    [['Date', 'Close', 'Volume'], ['', 'AAPL', 'AAPL']]
    >>> split_levels(["Date", "('Close', 'AAPL')"])
    [['Date', 'Close'], ['', 'AAPL']]
    """
    tuples = [_tuple_heading(name) for name in names]
    if any(tuples):
        deep = max(len(levels) for levels in tuples if levels)
        filled = [levels or (name,) for levels, name in zip(tuples, names, strict=True)]
        padded = [[*levels, *[""] * (deep - len(levels))] for levels in filled]
        return [list(level) for level in zip(*padded, strict=True)] if deep > 1 else []
    pairs = [_word_and_symbol(name) or (name, "") for name in names]
    if not any(symbol and meaning_of(word) == "close" for word, symbol in pairs):
        return []
    return [list(level) for level in zip(*pairs, strict=True)]


def _word_and_symbol(name: str) -> tuple[str, str] | None:
    """Return a known heading and what else a name is made of, as in ``Close_AAPL`` or ``AAPL.Close``."""
    for joint in re.finditer(r"[ ._]", name):
        left, right = name[: joint.start()].strip(), name[joint.end() :].strip()
        for word, symbol in ((left, right), (right, left)):
            if word and symbol and meaning_of(word) not in (None, "day") and meaning_of(symbol) is None:
                return word, symbol
    return None


def _tuple_heading(name: str) -> tuple[str, ...] | None:
    """Return the levels of a heading that pandas wrote as the text of a tuple, None if it is none."""
    if not (name.startswith("('") and name.endswith(")")):
        return None
    try:
        levels = ast.literal_eval(name)
    except (SyntaxError, ValueError):
        return None
    return levels if isinstance(levels, tuple) and all(isinstance(part, str) for part in levels) else None


def _ranked(name: str) -> tuple[str, int] | None:
    """Return the meaning of a heading and how sure it is, 0 the surest."""
    coins = _VOLUME_IN.match(name.strip())
    if coins:
        return None if coins[1].lower() in _QUOTED_IN else ("volume", 0)
    key = key_of(name)
    for meaning, ranks in HEADINGS.items():
        for rank, keys in enumerate(ranks):
            if key in keys:
                return meaning, rank
    return None
