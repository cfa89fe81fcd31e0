"""A person's browser, as the demo check uses it: pages, forms with their hidden fields, downloads."""

from __future__ import annotations

from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import requests

TIMEOUT = 60


class _Forms(HTMLParser):
    """Collects the forms of a page with their fields, and its links with their text.

    A form that only closes a dialog sends nothing and is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.links: list[tuple[str, str]] = []
        self._select = ""
        self._href = ""
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, their fields and links."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method") != "dialog":
            self.forms.append((given.get("action", ""), {}))
        elif tag == "a":
            self._href, self._words = given.get("href", ""), []
        elif self.forms and tag == "select":
            self._select = given.get("name", "")
        elif self.forms and tag == "option" and self._select:
            if "selected" in given or self._select not in self.forms[-1][1]:
                self.forms[-1][1][self._select] = given.get("value", "")
        elif self.forms and tag in ("input", "textarea") and given.get("name"):
            self._note_field(given)

    def handle_endtag(self, tag: str) -> None:
        """A link or a choice ends."""
        if tag == "a" and self._href:
            self.links.append((self._href, " ".join("".join(self._words).split())))
            self._href = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        """The words of a link."""
        if self._href:
            self._words.append(data)

    def _note_field(self, given: dict[str, str]) -> None:
        kind = given.get("type", "")
        if kind in ("submit", "button", "file"):
            return
        if kind in ("checkbox", "radio") and "checked" not in given:
            return
        self.forms[-1][1][given["name"]] = given.get("value", "")


class Browser:
    """A session of its own at one address. Answers of 400 and above are ``AssertionError``."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.url = address
        self.text = ""
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy between the check and its own computer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def open(self, path: str) -> str:
        """Follow a link; the page's HTML."""
        return self._keep(self._session.get(urljoin(self.url, path), timeout=TIMEOUT))

    def download(self, path: str) -> bytes:
        """Follow a link to a file; its bytes. The page stays."""
        answer = self._session.get(urljoin(self.url, path), timeout=TIMEOUT)
        _require_good(answer)
        return answer.content

    def submit(self, *, form: int | str = -1, **fields: str) -> str:
        """Fill in a form of the page and send it: the last one, the n-th, or the one whose address
        contains a text; the page that follows. Fields not given keep what the page put there.
        """
        found = _read(self.text).forms
        chosen = (
            [one for one in found if form in one[0]] if isinstance(form, str) else found[form:][:1]
        )
        if not chosen:
            raise AssertionError(f"{self.url} has no form {form!r}")
        action, values = chosen[0]
        answer = self._session.post(
            urljoin(self.url, action or self.url),
            data=values | fields,
            headers={"Referer": self.url},
            timeout=TIMEOUT,
        )
        return self._keep(answer)

    def links(self, containing: str = "") -> list[tuple[str, str]]:
        """(address, words) of the page's links whose address or words contain a text."""
        return [
            one for one in _read(self.text).links if containing in one[0] or containing in one[1]
        ]

    def _keep(self, answer: requests.Response) -> str:
        _require_good(answer)
        self.url, self.text = answer.url, answer.text
        return self.text


def _read(html: str) -> _Forms:
    reader = _Forms()
    reader.feed(html)
    return reader


def _require_good(answer: requests.Response) -> None:
    if not answer.ok:
        plain = " ".join(_visible(answer.text).split())[:300]
        raise AssertionError(
            f"{answer.request.method} {answer.url} answered {answer.status_code}: {plain}"
        )


def _visible(html: str) -> str:
    class Words(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.words: list[str] = []

        def handle_data(self, data: str) -> None:
            self.words.append(data)

    reader = Words()
    reader.feed(html.partition("<main")[2] or html)
    return " ".join(reader.words)
