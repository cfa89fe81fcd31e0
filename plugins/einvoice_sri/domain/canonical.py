"""Reading XML that came from outside, and its canonical form (C14N 1.0, inclusive).

No DTD, no entity, no network, bounded size: what breaks these rules is refused by name.
"""

from __future__ import annotations

import re
import threading
from typing import Any
from xml.parsers import expat

from lxml import etree

from core.errors import DomainError
from core.i18n import _

MAX_XML_BYTES = 2_000_000  # six times what SRI accepts
_own = threading.local()
_ODD_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt);)")
_ODD_TAG_END = re.compile(rb">(?<=[ \t\n/]>)")  # an empty element, or space before the end of a tag
_NO_BRACKETS = bytes(set(range(256)) - set(b"<>"))
_UTF8_DECLARATION = re.compile(
    rb"<\?xml version=([\"'])1\.0\1(?: encoding=([\"'])(?i:utf-8)\2)?(?: standalone=([\"'])(?:yes|no)\3)? ?\?>"
)
# A start tag with attributes as C14N writes it; names with a colon or that start with xml, and
# values with any entity, are left to the full computation.
_PLAIN_TAG = re.compile(rb'<[^\s=<>"\':/]+(?: (?!xml)[^\s=<>"\':/]+="[^"<>&\t\n]*")+')
_ATTRIBUTE_NAME = re.compile(rb' ([^\s=<>"]+)="')


class XmlRefused(DomainError):
    """The bytes will not be read as XML; ``code`` says why."""


def _doctype() -> XmlRefused:
    return XmlRefused(
        _("The XML has a document type declaration (DOCTYPE), which is not allowed."),
        code="sri_xml_doctype",
    )


def why_malformed(content: bytes, error: Exception) -> str:
    """What is wrong with bytes that are no XML, and what to do, in a sentence."""
    plain = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not plain:
        return _("The file is empty: choose the document's XML.")
    if not plain.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        return _("The file is not XML: it does not begin with “<”. Choose the document's XML.")
    line, column = getattr(error, "position", None) or (0, 0)
    if "Premature end" in str(error):
        return _("The XML ends too soon, at line %(line)s: download it again.", line=line)
    return _(
        "The XML is broken at line %(line)s, column %(column)s: download it again or correct it.",
        line=line,
        column=column,
    )


def read_xml(xml: bytes, *, keep_comments: bool = True) -> Any:
    """The root element of ``xml``. Raises ``XmlRefused``."""
    if len(xml) > MAX_XML_BYTES:
        raise XmlRefused(
            _("The XML is too large: at most %(limit)s bytes are read.", limit=MAX_XML_BYTES),
            code="sri_xml_too_large",
        )
    if b"<!DOCTYPE" in xml:
        raise _doctype()
    try:
        root = etree.fromstring(xml, _parser(keep_comments))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise XmlRefused(why_malformed(xml, error), code="sri_xml_malformed") from error
    if root is None:
        raise XmlRefused(_("The file holds no XML element."), code="sri_xml_empty")
    # UTF-16 hides the word from the search above.
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype()
    return root


def canonical(element: Any) -> bytes:
    """Inclusive C14N 1.0 of an element in its place, without comments.

    Raises ``XmlRefused`` for the few documents that have none (relative namespace addresses).
    """
    try:
        return bytes(etree.tostring(element, method="c14n", exclusive=False, with_comments=False))
    except etree.C14NError as error:
        raise XmlRefused(
            _("The document has a namespace with characters that cannot be signed."),
            code="sri_xml_not_canonical",
        ) from error


def already_canonical(body: bytes) -> bool:
    """True when well-formed ``body`` (an element, UTF-8) is provably its own canonical form.

    Cautious: False only means that the canonical form has to be computed. It looks at the few bytes that canonicalisation could change: ends of lines, comments
    and instructions, entities, empty elements, spaces in tags, attributes and namespaces.
    """
    if not body.startswith(b"<") or not body.endswith(b">") or b"\r" in body:
        return False
    if (b"!" in body and b"<!" in body) or (b"?" in body and b"<?" in body):
        return False
    if b"&" in body and _ODD_ENTITY.search(body):
        return False
    if _ODD_TAG_END.search(body):
        return False
    # Only "<" and ">" left, strictly by turns: no ">" stands in a text or a value.
    brackets = body.translate(None, _NO_BRACKETS)
    return brackets == b"<>" * (len(brackets) // 2) and _plain_attributes(body)


def canonical_body(xml: bytes) -> bytes | None:
    """The root element's bytes when ``xml`` is well-formed and canonical as it is; None when it has
    to be read and rewritten to know. Never raises.
    """
    declaration = _UTF8_DECLARATION.match(xml)
    body = xml[declaration.end() if declaration else 0 :].strip(b" \t\n\r")
    if len(body) > MAX_XML_BYTES or not already_canonical(body):
        return None
    try:
        expat.ParserCreate("UTF-8", " ").Parse(body, True)
    except expat.ExpatError:
        return None
    return body


def _plain_attributes(body: bytes) -> bool:
    at = body.find(b"=")
    while at >= 0:
        start = body.rfind(b"<", 0, at)
        if body.find(b">", start, at) >= 0:  # an equals sign in a text
            at = body.find(b"=", at + 1)
            continue
        end = body.find(b">", at)
        if not _PLAIN_TAG.fullmatch(body, start, end):
            return False
        names = _ATTRIBUTE_NAME.findall(body, start, end)
        if names != sorted(names):
            return False
        at = body.find(b"=", end)
    return True


def _parser(keep_comments: bool) -> etree.XMLParser:
    """One parser per thread and kind: making one costs as much as reading a small document."""
    name = "with" if keep_comments else "without"
    parser = getattr(_own, name, None)
    if parser is None:
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=not keep_comments,
            collect_ids=False,
        )
        setattr(_own, name, parser)
    return parser
