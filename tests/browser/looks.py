"""What is looked at on a page: axe, width, words, and a picture for people."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from playwright.sync_api import Page

SCREENS = Path(__file__).parents[2] / "test-output" / "screens"
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
ENGLISH = re.compile(
    r"\b(the|and|your|with|please|save|cancel|search|new|invoice|customer|amount|password"
    r"|settings|required|optional|none|undefined|loading)\b",
    re.IGNORECASE,
)
VISIBLE_WORDS = """() => {
  const copy = document.body.cloneNode(true);
  copy.querySelectorAll('code, kbd, pre, script, style, [lang="en"], option, td, .num, input').forEach(e => e.remove());
  return document.title + ' ' + copy.textContent;
}"""
AXE_RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.map(v => v.id + ': ' + v.help + ' @ ' + v.nodes.slice(0, 3).map(n => n.target.join(' ')).join(' | '));
}"""


def faults(page: Page) -> list[str]:
    """What is wrong with the page as it is shown now, at both widths."""
    found = []
    page.evaluate(AXE)
    for width, height in ((1280, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        found += [f"{width}: {one}" for one in page.evaluate(AXE_RUN)]
        wider = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if wider > 0:
            found.append(f"{width}: {wider} px wider than the screen")
    leak = ENGLISH.search(page.evaluate(VISIBLE_WORDS))
    if leak:
        found.append(f"English: {leak[0]}")
    return found


def note(where: str, found: list[str]) -> None:
    """Write what was found beside the pictures, at once: a long run tells before it ends."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    with (SCREENS / "faults.txt").open("a") as out:
        out.writelines(f"{where}: {one}\n" for one in found)


def picture(page: Page, name: str) -> None:
    """Screenshots for people to look at."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for width, height in ((1280, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=str(SCREENS / f"{name}-{width}.png"), full_page=True)
