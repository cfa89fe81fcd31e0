"""Code 128: digits in pairs (set C), an odd one and the rest in set B (ISO/IEC 15417)."""

from __future__ import annotations

from functools import cache

from barcode.charsets import code128 as tables

START_B, START_C, CODE_B = 104, 105, 100
STOP = "1100011101011"


@cache
def _patterns() -> tuple[str, ...]:
    return tuple(tables.CODES)


def symbols(text: str) -> list[int]:
    """The symbol values of a text of printable ASCII, with start and check symbol, without stop.

    A text that starts with digits is begun in pairs: ``"12345" -> C 12 34 B 5``.
    """
    digits = len(text) - len(text.lstrip("0123456789"))
    paired = digits - digits % 2
    values = [START_C if paired else START_B]
    values += [int(text[at : at + 2]) for at in range(0, paired, 2)]
    if paired and paired < len(text):
        values.append(CODE_B)
    values += [ord(char) - 32 for char in text[paired:]]
    check = values[0] + sum(place * value for place, value in enumerate(values[1:], start=1))
    return [*values, check % 103]


def bars(text: str) -> list[tuple[int, int]]:
    """The dark bars as (first module, width in modules)."""
    modules = "".join(_patterns()[value] for value in symbols(text)) + STOP
    found: list[tuple[int, int]] = []
    start = None
    for place, module in enumerate(modules + "0"):
        if module == "1" and start is None:
            start = place
        elif module == "0" and start is not None:
            found.append((start, place - start))
            start = None
    return found


def width(text: str) -> int:
    """Width of the whole symbol in modules, without quiet zones."""
    return 11 * len(symbols(text)) + len(STOP)
