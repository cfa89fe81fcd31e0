"""How a mail of ours is worded and set: one look for all, the text part equal to the HTML part.

Mail programs know little CSS and no style sheet, so styles stand on the elements; what each fact says
stands under its name, because two columns break words on a telephone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_INK, _SOFT, _LINE, _ACCENT, _WAIT = "#1d2329", "#59636e", "#dedbd4", "#0b5c6b", "#8a5a00"
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif"
_ADDRESS = re.compile(r"https?://[^\s<>\"«»]+[^\s<>\"«».,;:)]")
_HEAD = (
    '<!doctype html><html lang="es"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1"><title>'
)
_BODY = (
    f'</title></head><body style="margin:0;background:#f7f6f3;color:{_INK};{_FONT};font-size:16px;'
    'line-height:1.5"><div style="max-width:560px;margin:0 auto;padding:20px 12px">'
)
_CARD = f'<div style="background:#ffffff;border:1px solid {_LINE};border-radius:6px;padding:20px">'
_TAIL = "</div></div></body></html>"


@dataclass(frozen=True, slots=True)
class Fact:
    """What is called ``name`` is ``value``: a number, a day, an amount, a key."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Button:
    """The one thing to do, or a further address when not ``main``."""

    words: str
    address: str
    main: bool = True


@dataclass(frozen=True, slots=True)
class Strip:
    """Says above everything that something is not real (SIMULACIÓN)."""

    words: str


@dataclass(frozen=True, slots=True)
class Small:
    """A remark at the end, set small."""

    words: str


Part = str | Fact | Button | Strip | Small


def plain(parts: Sequence[Part]) -> str:
    """The text part: a blank line between parts, none between facts."""
    lines: list[str] = []
    for at, part in enumerate(parts):
        follows = isinstance(part, Fact) and at > 0 and isinstance(parts[at - 1], Fact)
        lines += [] if follows or at == 0 else [""]
        lines += _plain(part)
    return "\n".join(lines) + "\n"


def page(subject: str, sender: str, parts: Sequence[Part]) -> str:
    """The HTML part. Addresses in sentences become links; everything else is data and is escaped."""
    shown = "".join([_shown(part) for part in parts])
    name = f'<p style="margin:0 0 12px;color:{_SOFT};font-weight:600">{escape(sender)}</p>'
    return f"{_HEAD}{escape(subject)}{_BODY}{name if sender else ''}{_CARD}{shown}{_TAIL}"


def _plain(part: Part) -> list[str]:
    match part:
        case Fact(name, value):
            return [f"{name}: {value}"]
        case Button(words, address):
            return [f"{words}: {address}"]
        case Strip(words) | Small(words):
            return [words]
        case _:
            return [part]


def _shown(part: Part) -> str:
    match part:
        case Fact(name, value):
            return (
                f'<div style="margin:0 0 12px"><div style="color:{_SOFT};font-size:14px">{escape(name)}'
                '</div><div style="font-variant-numeric:tabular-nums;overflow-wrap:anywhere">'
                f"{escape(value)}</div></div>"
            )
        case Button(words, address):
            look = (
                f"display:inline-block;padding:12px 20px;background:{_ACCENT};color:#ffffff;"
                "text-decoration:none;border-radius:6px;font-weight:600"
                if part.main
                else f"color:{_ACCENT}"
            )
            return f'<p style="margin:0 0 16px"><a href="{escape(address)}" style="{look}">{escape(words)}</a></p>'
        case Strip(words):
            return (
                f'<p style="margin:0 0 16px;padding:8px 12px;background:#fbf3e0;color:{_WAIT};'
                f'border-radius:6px;font-weight:600">{escape(words)}</p>'
            )
        case Small(words):
            return f'<p style="margin:0 0 8px;color:{_SOFT};font-size:14px">{_linked(words)}</p>'
        case _:
            return f'<p style="margin:0 0 16px">{_linked(part)}</p>'


def _linked(sentence: str) -> str:
    """Escaped, with its addresses as links; a long address may break anywhere."""
    sentence = sentence.replace("$ ", "$\u00a0")  # the sign stays with its amount
    if "://" not in sentence:
        return escape(sentence)
    parts, at = [], 0
    for found in _ADDRESS.finditer(sentence):
        address = escape(found[0])
        parts.append(escape(sentence[at : found.start()]))
        parts.append(
            f'<a href="{address}" style="color:{_ACCENT};overflow-wrap:anywhere">{address}</a>'
        )
        at = found.end()
    return "".join([*parts, escape(sentence[at:])])
