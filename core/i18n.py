"""Words for people: English msgids, Spanish first, with or without a web request.

Every component keeps its catalogue in ``<component>/translations/<locale>/LC_MESSAGES``; the plugin
host adds a plugin's folder when it loads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from babel.support import LazyProxy, NullTranslations, Translations

DEFAULT_LOCALE = "es"
_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)
_folders: list[Path] = [Path(__file__).parent / "translations"]


def add_translations(folder: Path) -> None:
    """Add a component's ``translations`` folder; a folder added twice counts once."""
    if folder not in _folders:
        _folders.append(folder)
        _catalogue.cache_clear()


def translation_folders() -> list[Path]:
    """The folders in use, core's first."""
    return list(_folders)


@cache
def _catalogue(locale: str) -> NullTranslations:
    merged: NullTranslations = NullTranslations()
    for folder in _folders:
        found = Translations.load(folder, [locale])
        if isinstance(found, Translations):
            merged = found if not isinstance(merged, Translations) else merged.merge(found)
    return merged


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Use ``locale`` inside the block."""
    token = _locale.set(locale)
    try:
        yield
    finally:
        _locale.reset(token)


def gettext(msgid: str, **values: Any) -> str:
    """The translation of ``msgid`` with ``%(name)s`` filled in."""
    text = str(_catalogue(_locale.get()).ugettext(msgid))
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, **values: Any) -> str:
    """The translation for ``number`` things; ``%(num)s`` is the number."""
    text = str(_catalogue(_locale.get()).ungettext(singular, plural, number))
    return text % {"num": number, **values}


def lazy(msgid: str, **values: Any) -> Any:
    """A translation made when it is shown; for module level."""
    return LazyProxy(gettext, msgid, enable_cache=False, **values)


_ = gettext
