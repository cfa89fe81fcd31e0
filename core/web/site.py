"""What ``register_views`` fills: pages and APIs of core and plugins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, g

from core.contracts.hooks import Permission
from core.web.api import Api, register_api
from core.web.views import Pages, Routed, register_pages

if TYPE_CHECKING:
    from core.plugins import Host
    from core.settings import Settings


class Site:
    """The web application as plugins see it while it is being built; issues no SQL."""

    def __init__(
        self, app: Flask, host: Host, permissions: dict[str, Permission], settings: Settings
    ) -> None:
        self.app = app
        self.host = host
        self.permissions = permissions
        self.settings = settings
        self.classes: dict[str, type] = {}

    def add_pages(self, cls: type[Pages], *, plugin: str) -> None:
        """Register a class of pages of ``plugin``."""
        self._take(cls, plugin)
        register_pages(self.app, cls, plugin=plugin)

    def add_api(self, cls: type[Api], *, plugin: str) -> None:
        """Register an API of ``plugin``."""
        self._take(cls, plugin)
        register_api(self.app, cls, plugin=plugin)

    def add_files(self, name: str, folder: Path) -> None:
        """Serve ``templates/`` and ``static/<name>/`` of a component at ``/static/<name>/``; endpoint
        ``<name>.static``.
        """
        static = folder / "static" / name
        self.app.register_blueprint(
            Blueprint(
                name,
                __name__,
                template_folder=str(folder / "templates"),
                static_folder=str(static) if static.is_dir() else None,
                static_url_path=f"/static/{name}",
            )
        )

    def _take(self, cls: type[Routed], plugin: str) -> None:
        name = f"{plugin}.{cls.__name__}"
        if name in self.classes:
            raise TypeError(f"Two classes are called {name}: {self.classes[name]} and {cls}")
        asked = {cls.key(route) for _, route in cls.routes()} - {None}
        unknown = asked - self.permissions.keys()
        if unknown and not cls.public:
            raise TypeError(f"{name} asks for undeclared permissions: {sorted(map(str, unknown))}")
        self.classes[name] = cls


def nonce() -> str:
    """The nonce of this response's Content-Security-Policy, for ``<script nonce>``."""
    if "nonce" not in g:
        import secrets

        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)
