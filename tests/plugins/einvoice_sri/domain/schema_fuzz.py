"""Documents made at random from a schema, and their mutations. Works on any of the 26 schemas."""

from __future__ import annotations

import re._constants as sre
import re._parser as sre_parser
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
LETRAS = "aeiñÁZ09 .,&<>'\"-"


class Schema:
    """A schema file with what it includes, as components by name."""

    def __init__(self, path: Path, root: str) -> None:
        self.parts: dict[tuple[str, str], Any] = {}
        self.root = root
        self._load(path, set())

    def _load(self, path: Path, seen: set[Path]) -> None:
        if path in seen:
            return
        seen.add(path)
        for one in etree.parse(str(path)).getroot():
            if one.tag == f"{XS}include":
                self._load(path.parent / one.get("schemaLocation"), seen)
            elif isinstance(one.tag, str) and one.get("name"):
                self.parts[one.tag.removeprefix(XS), one.get("name")] = one

    def find(self, kind: str, name: str) -> Any:
        return self.parts[kind, name.rsplit(":", maxsplit=1)[-1]]


def document(schema: Schema, version: str, random: Random) -> Any:
    """A document that the schema allows, with and without its optional parts."""
    full = random.choice((0.2, 0.6, 1.0))
    root = _element(schema, schema.find("element", schema.root), random, full)
    root.set("id", "comprobante")
    root.set("version", version)
    return root


def _element(schema: Schema, declared: Any, random: Random, full: float) -> Any:
    node = etree.Element(declared.get("name"))
    tipo = declared.get("type")
    if tipo is not None and not tipo.startswith(("xs:", "xsd:")):
        simple = schema.parts.get(("simpleType", tipo))
        inner = simple if simple is not None else schema.find("complexType", tipo)
    else:
        inner = next(
            (one for one in declared if one.tag in (f"{XS}simpleType", f"{XS}complexType")), None
        )
    if inner is None:
        node.text = "texto"
    elif inner.tag == f"{XS}simpleType":
        node.text = value(schema, inner, random)
    else:
        _content(schema, inner, node, random, full)
    return node


def _content(schema: Schema, holder: Any, node: Any, random: Random, full: float) -> None:
    for one in holder:
        if one.tag in (f"{XS}sequence", f"{XS}simpleContent"):
            _content(schema, one, node, random, full)
        elif one.tag == f"{XS}group":
            _content(schema, schema.find("group", one.get("ref")), node, random, full)
        elif one.tag == f"{XS}extension":
            node.text = value(schema, schema.find("simpleType", one.get("base")), random)
            _content(schema, one, node, random, full)
        elif one.tag == f"{XS}attribute" and one.get("name") not in ("id", "version"):
            inner = one.find(f"{XS}simpleType")
            if inner is None:
                inner = schema.find("simpleType", one.get("type"))
            node.set(one.get("name"), value(schema, inner, random))
        elif one.tag == f"{XS}element":
            _occurrences(schema, one, node, random, full)


def _occurrences(schema: Schema, one: Any, node: Any, random: Random, full: float) -> None:
    least = int(one.get("minOccurs", "1"))
    most = one.get("maxOccurs", "1")
    if one.get("ref", "").endswith("Signature"):
        return
    if one.get("ref"):
        one = schema.find("element", one.get("ref"))
    count = least if random.random() > full else max(1, least)
    if most != "1" and count and random.random() < 0.3:
        count += 1 if most == "unbounded" or int(most) > count else 0
    for _ in range(count):
        node.append(_element(schema, one, random, full))


def facets(schema: Schema, simple: Any) -> tuple[str, dict[str, str], list[list[str]]]:
    """Base, single facets and patterns (one list a step; any of a step must match)."""
    restriction = simple.find(f"{XS}restriction")
    base = restriction.get("base")
    single: dict[str, str] = {}
    patterns: list[list[str]] = []
    if not base.startswith(("xs:", "xsd:")):
        base, single, patterns = facets(schema, schema.find("simpleType", base))
    step = []
    for one in restriction:
        if not isinstance(one.tag, str):
            continue
        name = one.tag.removeprefix(XS)
        if name == "pattern":
            step.append(one.get("value"))
        elif name == "enumeration":
            step.append(
                "".join(c if c.isalnum() or c == " " else "\\" + c for c in one.get("value"))
            )
        else:
            single[name] = one.get("value")
    return base.split(":")[-1], single, [*patterns, step] if step else patterns


def value(schema: Schema, simple: Any, random: Random) -> str:
    """A value that a simple type allows, often at the edge of what it allows."""
    base, single, patterns = facets(schema, simple)
    if base == "decimal":
        return _number(int(single["totalDigits"]), int(single["fractionDigits"]), random)
    least, most = int(single.get("minLength", 0)), int(single.get("maxLength", 12))
    shown = [one for one in patterns[-1] if one != "[^\\n]*"] if patterns else []
    if shown:
        return _sample(sre_parser.parse(random.choice(shown)), random, max(least, 1), most)
    length = random.choice((max(least, 1), most, random.randint(max(least, 1), min(most, 25))))
    return "".join(random.choices(LETRAS, k=length))


def _number(total: int, decimals: int, random: Random) -> str:
    whole = random.choice((1, total - decimals, random.randint(1, total - decimals)))
    digits = "".join(random.choices("0123456789", k=whole)).lstrip("0") or "0"
    fraction = "".join(random.choice("0123456789") for _ in range(random.choice((0, 2, decimals))))
    return f"{digits}.{fraction}" if fraction else digits


_DIGIT = [(sre.RANGE, (48, 57))]


def _sample(pattern: Any, random: Random, least: int, most: int) -> str:
    out = ""
    for kind, argument in pattern:
        if kind is sre.LITERAL:
            out += chr(argument)
        elif kind is sre.IN:
            out += _one_of(argument, random)
        elif kind is sre.SUBPATTERN:
            out += _sample(argument[3], random, least, most)
        elif kind is sre.BRANCH:
            out += _sample(random.choice(argument[1]), random, least, most)
        elif kind is sre.MAX_REPEAT:
            low, high, inner = argument
            if high is sre.MAXREPEAT:
                low, high = max(low, least), most
            count = random.choice((low, high, random.randint(low, high)))
            if len(inner) == 1 and inner[0][0] is sre.IN and inner[0][1] == _DIGIT:
                out += "".join(random.choices("0123456789", k=count))
                continue
            out += "".join(_sample(inner, random, least, most) for _ in range(count))
        else:
            raise AssertionError(kind)
    return out


def _one_of(ranges: Any, random: Random) -> str:
    kind, argument = random.choice(ranges)
    return chr(argument) if kind is sre.LITERAL else chr(random.randint(*argument))


#: What people, imports and other programs put into fields.
RAROS = (
    "", " ", "x" * 301, "x" * 300, "a\nb", "a\rb", "a\tb", "abc", "-1.00", "-0.00", "1.234", "1.2345678",
    "123456789012.12", "1234567890123.12", "999999999999999999", " 5 ", "+5", "1e3", "NaN", ".5", "5.",
    "007", "10.00", "100.00", "99.999", "0", "1", "2", "3", "4", "5", "6", "9", "01", "02", "03", "08", "22",
    "0" * 49, "0" * 50, "0000000000001", "1234567890123", "SI", "si", "NO", "12/31/2024", "31/02/2024",
    "01/01/1999", "1/1/2024", "13/2024", "00/2024", "001-001-000000001", "001-001-1", "EXPORTADOR", "exportador",
    "FOB", "fob", "ABCDEFGHIJK", "ñ", "\u0661\u0662\u0663", "CONTRIBUYENTE RÉGIMEN RIMPE", "😀" * 300, "😀" * 301,
    "abcdef", "abcde", "ab", "12345678", "123456789", "0001", "00012345", "comprobante",
)  # fmt: skip
NEGOCIO_POPULAR = "CONTRIBUYENTE NEGOCIO POPULAR - RÉGIMEN RIMPE"


def mutate(root: Any, random: Random) -> str:
    """Change the document in one place, in place; returns what was done."""
    everyone = list(root.iter())
    node = random.choice(everyone[1:])
    parent = node.getparent()
    what = random.choice(
        (
            "drop",
            "double",
            "swap",
            "value",
            "value",
            "value",
            "unknown",
            "rename",
            "attribute",
            "text",
            "move",
        )
    )
    if what == "drop":
        parent.remove(node)
    elif what == "double":
        parent.insert(parent.index(node), deepcopy(node))
    elif what == "swap" and len(parent) > 1:
        other = random.choice([one for one in parent if one is not node])
        a, b = parent.index(node), parent.index(other)
        parent[a], parent[b] = deepcopy(other), deepcopy(node)
    elif what == "unknown":
        parent.insert(
            random.randint(0, len(parent)),
            etree.Element(random.choice(("nuevo", "total", "codigo"))),
        )
    elif what == "rename":
        node.tag = random.choice([one.tag for one in everyone] + ["Otro"])
    elif what == "attribute":
        holder = random.choice([one for one in everyone if one.attrib] + [node])
        name = random.choice([*holder.attrib.keys(), "nuevo"])
        if name in holder.attrib and random.random() < 0.5:
            del holder.attrib[name]
        else:
            holder.set(name, random.choice(RAROS))
    elif what == "text":
        node.tail = random.choice((" ", "texto"))
    elif what == "move":
        random.choice(everyone).append(deepcopy(node))
    else:
        leaf = random.choice([one for one in everyone if len(one) == 0])
        leaf.text = random.choice((*RAROS, NEGOCIO_POPULAR, random.choice(everyone).text or ""))
        return f"value {leaf.tag}={leaf.text!r}"
    return f"{what} {node.tag}"
