"""XML that stays well-formed while its elements, texts and attributes are bent."""

from __future__ import annotations

import random

from lxml import etree

TEXTS = (
    "", " ", "0", "-1", "1e400", "1e999999", "NaN", "Infinity", "9" * 60, "9" * 5000, "0x10", "1_000", "١٢٣", "12,5",
    "31/02/2026", "25/04/0000", "2026-04-25T08:00:00-05:00", "0001-01-01T00:00:00+14:00", "ñ€𝄞", "\u202e\u2028\ufeff",
    "<factura>", "]]>", "a" * 3000, "AUTORIZADO", "NO AUTORIZADO", "001-001-000000001", "0" * 49, "-0.00", "true",
)  # fmt: skip


def bent_tree(original: bytes, number: int) -> bytes:
    """``original`` with a few changes of its tree, the same for the same ``number``."""
    dice = random.Random(number)
    root = etree.fromstring(original)
    for _ in range(dice.choice((1, 1, 2, 4))):
        every = [one for one in root.iter() if isinstance(one.tag, str)]
        one = dice.choice(every)
        match dice.randrange(7):
            case 0 | 1:
                one.text = dice.choice(TEXTS)
            case 2:
                for name in one.attrib:
                    one.set(name, dice.choice(TEXTS))
            case 3:
                one.tag = dice.choice(every).tag
            case 4 if one is not root:
                one.getparent().remove(one)
            case 5 if one is not root:
                copies = etree.tostring(one) * dice.choice((1, 2, 30))
                for copy in etree.fromstring(b"<x>" + copies + b"</x>"):
                    one.addnext(copy)
            case _:
                dice.choice(every).append(etree.fromstring("<extra>1</extra>"))
    return etree.tostring(root)
