"""The one place where Flask, Flask-AppBuilder, the database and the plugins meet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from flask_appbuilder import AppBuilder
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from core.db.scope import NOBODY
from core.db.session import bound
from core.i18n import translation_folders
from core.security import permissions
from core.web import errors, guards, headers, shell
from core.web.formats import FILTERS
from core.web.proxies import behind_proxies
from core.web.site import Site

if TYPE_CHECKING:
    from core.plugins import Host
    from core.settings import Settings

HERE = Path(__file__).parent
__all__ = ["Site", "create_app"]


def create_app(settings: Settings, host: Host) -> Flask:
    """The WSGI application. Issues no SQL; ``core.db.session.bind`` must be called before requests."""
    signing = _session_keys()
    app = Flask("yupana", static_folder=None, template_folder=str(HERE / "templates"))
    app.config.update(
        SECRET_KEY=signing[-1],
        SECRET_KEY_FALLBACKS=signing[:-1],
        WTF_CSRF_SECRET_KEY=signing,
        SESSION_COOKIE_NAME="yupana_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.has_secure_cookies,
        WTF_CSRF_CHECK_DEFAULT=False,  # core.web.headers asks, once it knows how the caller signs in
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # SameSite=Lax and the token do it; proxies may drop the referrer
        APP_NAME="Yupana",
        FAB_CREATE_DB=False,  # alembic owns the schema
        FAB_UPDATE_PERMS=False,  # `yupana db upgrade` writes permissions, once, in bulk
        FAB_SECURITY_MANAGER_CLASS="core.security.manager.ErpSecurityManager",
        FAB_INDEX_VIEW="core.web.fab.UnusedIndexView",
        FAB_ADD_SECURITY_VIEWS=False,
        FAB_ADD_SECURITY_API=False,
        FAB_ADD_OPENAPI_VIEWS=False,
        FAB_ADD_MENU_API=False,
        FAB_API_KEY_ENABLED=False,
        FAB_API_SWAGGER_UI=False,
        FAB_API_SHOW_STACKTRACE=False,
        FAB_API_MAX_PAGE_SIZE=100,
        FAB_ALLOW_GET_UNSAFE_MUTATIONS=False,
        FAB_SECURITY_SIGNALS_ENABLED=False,
        FAB_PASSWORD_COMPLEXITY_ENABLED=True,
        AUTH_ROLE_PUBLIC=permissions.PUBLIC_ROLE,
        AUTH_USER_REGISTRATION=False,
        RATELIMIT_ENABLED=False,  # our counters are rows, shared by all web processes
        BABEL_DEFAULT_LOCALE="es",
        BABEL_TRANSLATION_DIRECTORIES=";".join(str(one) for one in translation_folders()),
        LANGUAGES={"es": {"flag": "ec", "name": "Español"}},
        PREFERRED_URL_SCHEME="https" if settings.address.startswith("https:") else "http",
    )
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    guards.install(app)
    errors.install(app)
    headers.install(app)
    app.wsgi_app = behind_proxies(app.wsgi_app, settings.proxies)  # type: ignore[method-assign,assignment]
    site = Site(app, host, permissions.declared(host), settings)
    app.extensions["yupana"] = site
    with app.app_context():
        AppBuilder(app, _fab_session())
    shell.install(app)
    _fill(site)
    return app


def _fill(site: Site) -> None:
    from core.web import pages

    site.add_files("core", HERE)
    pages.register(site)
    for plugin in list(site.host.plugins):
        try:
            site.add_files(plugin.name, plugin.folder)
            site.host.ask(plugin.name, "register_views", site=site)
        except Exception as error:  # noqa: BLE001  (any plugin may fail in any way; it is named)
            site.host.leave_out(plugin, error)


def _fab_session() -> scoped_session[Session]:
    """The session FAB is given: opened by nothing in a request of ours, closed after each anyway."""

    class FabSession(Session):
        def get_bind(self, *_: object, **__: object) -> object:  # type: ignore[override]
            return bound().engine

    return scoped_session(sessionmaker(class_=FabSession, info={"scope": NOBODY}))


def _session_keys() -> list[bytes]:
    """The keys of cookies and tokens, the same in every web process: the last one signs, those before
    it (of master keys before a rotation) still verify.
    """
    from core import runtime

    try:
        return list(reversed(runtime.current().keyring.derive_all("web.session")))
    except runtime.SetupError:
        return [os.urandom(32)]
