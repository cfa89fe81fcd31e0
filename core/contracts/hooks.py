"""What hooks take and give: plain values, no behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing a role may do, such as ``sales.invoice`` / ``issue``.

    ``roles`` have it from the start. ``survives_suspension`` False marks what a suspended licence
    blocks (new issuing); reading and finishing what exists always survive. ``survives_expiry`` True
    marks what an expired licence leaves: its own pages and the download of own legal documents.
    """

    name: str  # "<plugin>.<thing>"
    action: str  # "read", "write", "issue", ...
    roles: tuple[str, ...]
    survives_suspension: bool = True
    survives_expiry: bool = False

    @property
    def key(self) -> str:
        """``sales.invoice:issue``."""
        return f"{self.name}:{self.action}"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """Who a plugin is. ``label`` is a lazy translation; ``table_prefix`` ends in ``_``; ``deeds``
    are the words for the actions that the plugin writes to the audit.
    """

    name: str
    label: Any
    table_prefix: str
    permissions: tuple[Permission, ...] = ()
    requires: tuple[
        str, ...
    ] = ()  # plugins without which this one is of no use (shown, not enforced)
    deeds: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One setting of a tenant: dotted key, default, type, help (lazy translation).

    ``words`` are what people read for each of ``choices``, in the same order. ``is_told``: others hold
    a copy of it, so a change is told as ``SettingChanged``.
    """

    key: str
    default: Any
    type: type
    help: Any
    choices: tuple[Any, ...] = ()
    words: tuple[Any, ...] = ()
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An entry of the shell's menu."""

    label: Any
    endpoint: str
    permission: str  # Permission.key
    order: int = 100
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Attention:
    """Something on the home page that needs the person today; smaller ``order`` costs more."""

    sentence: Any
    url: str
    order: int = 100
    tone: str = "wait"  # ok, wait, warn, bad
    count: int | None = None


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A step of a new company's guided first access; ``url`` is where it is done."""

    key: str
    label: Any
    is_done: bool
    url: str
    order: int = 100


@dataclass(frozen=True, slots=True)
class ExportTable:
    """One file of the copy that a company takes with it: ``<name>.csv``.

    ``about`` says in a sentence what it holds. ``key`` is the id by whose order it is read page by
    page; ``columns`` are the headings (Spanish, as people read them) with the mapped columns behind.
    """

    name: str
    about: Any
    key: Any
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """Answer to ``access_decision``; ``sentence`` tells a person why not and what to do, ``title`` is the
    word of the strip above every page.
    """

    allowed: bool
    code: str = ""
    sentence: Any = ""
    url: str = ""
    title: Any = ""


@dataclass(frozen=True, slots=True)
class Task:
    """Work for the workers: ``run(args, now)`` is called outside any transaction with JSON ``args``.

    ``max_attempts`` counts all tries; ``TryLater`` sets its own pause.
    """

    name: str  # "<plugin>.<verb>"
    run: Callable[[dict[str, Any], datetime], None]
    max_attempts: int = 10
    queue: str = "default"


@dataclass(frozen=True, slots=True)
class BackgroundProcess:
    """A process beside the others: the arguments after ``yupana`` that start it."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One step of the demo check. ``run(check)`` acts over HTTP, CLI and SMTP only and raises
    ``AssertionError`` with a sentence when the product did not do its part.
    """

    name: str
    order: int
    run: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class EventContext:
    """What a handler gets beside the event: an open session in the destination's scope."""

    session: Any
    tenant_id: UUID
    event_id: UUID
    occurred_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Tenancy:
    """A person's membership as the shell needs it."""

    tenant_id: UUID
    tax_id: str
    name: str
    role: str
    kind: str = "company"  # operator, distributor, company
    since: date | None = None
    others: Sequence[Any] = field(default=())
