"""Every sentence for people has its Spanish, compiled, and means the same everywhere."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import pytest
from babel.messages import mofile, pofile
from babel.messages.extract import extract_from_dir
from babel.support import Translations

ROOT = Path(__file__).parents[2]
COMPONENTS = [ROOT / "core", *sorted(p.parent for p in (ROOT / "plugins").glob("*/plugin.py"))]
KEYWORDS = {"_": None, "gettext": None, "lazy": None, "ngettext": (1, 2)}
METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"**/templates/**.html": {"extensions": "jinja2.ext.i18n", "silent": "false"}}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def name(folder: Path) -> str:
    """The component's name."""
    return folder.name


def used(folder: Path) -> dict[object, str]:
    """Every msgid in code and templates of a component, with a place where it stands."""
    found: dict[object, str] = {}
    for file, line, message, _comments, _context in extract_from_dir(
        str(folder), METHODS, options_map=OPTIONS, keywords=KEYWORDS
    ):
        found.setdefault(message if isinstance(message, str) else tuple(message), f"{file}:{line}")
    for file in folder.rglob("*.py"):
        for call in inside_f_strings(ast.parse(file.read_text())):
            found.setdefault(call.args[0].value, f"{file}:{call.lineno}")
    return found


def inside_f_strings(tree: ast.AST):
    """Calls that the extractor does not see, since Python 3.11 reads an f-string as one piece."""
    for text in ast.walk(tree):
        if isinstance(text, ast.JoinedStr):
            for call in ast.walk(text):
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") in KEYWORDS:
                    yield call


def catalogue(folder: Path):
    """The component's Spanish .po, or an empty one."""
    file = folder / "translations/es/LC_MESSAGES/messages.po"
    with io.BytesIO(file.read_bytes() if file.exists() else b"") as opened:
        return pofile.read_po(opened, locale="es")


def spanish(folder: Path) -> dict[object, object]:
    """msgid -> msgstr of a component."""
    return {
        one.id if isinstance(one.id, str) else tuple(one.id): one.string
        for one in catalogue(folder)
        if one.id and not one.fuzzy and (isinstance(one.string, str) or all(one.string))
    }


@pytest.mark.parametrize("folder", COMPONENTS, ids=name)
def test_every_sentence_has_its_spanish(folder):
    known = spanish(folder)
    everywhere = {key: text for one in COMPONENTS for key, text in spanish(one).items()}
    missing = {
        message: place
        for message, place in used(folder).items()
        if not known.get(message) and not everywhere.get(message)
    }
    own = {
        m: p for m, p in used(folder).items() if m not in known and m not in spanish(ROOT / "core")
    }
    assert not missing, missing
    assert not own, f"say them in {folder.name}'s own catalogue: {own}"


@pytest.mark.parametrize("folder", COMPONENTS, ids=name)
def test_both_say_the_same_things(folder):
    for message, text in spanish(folder).items():
        wanted = set(
            PLACEHOLDER.findall(message if isinstance(message, str) else " ".join(message))
        )
        given = set(PLACEHOLDER.findall(text if isinstance(text, str) else " ".join(text)))
        assert given <= wanted | {"num"}, message


@pytest.mark.parametrize("folder", COMPONENTS, ids=name)
def test_the_compiled_catalogue_is_up_to_date(folder):
    po = catalogue(folder)
    if not len(po):
        pytest.skip("no sentence of its own") if not used(folder) else pytest.fail("no catalogue")
    buffer = io.BytesIO()
    mofile.write_mo(buffer, po)
    buffer.seek(0)
    wanted = Translations(buffer)._catalog
    with (folder / "translations/es/LC_MESSAGES/messages.mo").open("rb") as compiled:
        found = Translations(compiled)._catalog
    strip = {key: text for key, text in wanted.items() if key}
    assert {key: text for key, text in found.items() if key} == strip, (
        f"run: pybabel compile -d {folder.relative_to(ROOT)}/translations"
    )


def test_the_same_words_mean_the_same_in_all_components():
    first: dict[object, tuple[str, object]] = {}
    different = []
    for folder in COMPONENTS:
        for message, text in spanish(folder).items():
            owner, before = first.setdefault(message, (folder.name, text))
            if before != text:
                different.append((message, owner, before, folder.name, text))
    assert not different, different


def test_errors_about_templates_are_not_swallowed(tmp_path):
    """The extraction above reads templates: a sentence in one is found."""
    folder = tmp_path / "part" / "templates"
    folder.mkdir(parents=True)
    (folder / "x.html").write_text(
        '{{ _("Only here") }}{{ ngettext("%(num)s a", "%(num)s b", 2) }}'
    )
    assert set(used(tmp_path / "part")) == {"Only here", ("%(num)s a", "%(num)s b")}
