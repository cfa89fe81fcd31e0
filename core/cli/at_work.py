"""What a command needs to work: the database of the installation, looked at first, and the runtime."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError

from core import plugins, runtime
from core.adapters.embedded_postgres import opened
from core.db.components import components
from core.db.preflight import preflight
from core.db.session import Database, bind
from core.errors import SetupError
from core.i18n import _
from core.runtime import Runtime
from core.settings import Settings


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The run-time address: ``DATABASE_URL``, or the embedded server of the home folder (joined when
    it runs, else started for the block).
    """
    given = settings.database_url.get_secret_value()
    if given:
        yield given
        return
    with opened(settings.home) as server:
        yield server.runtime_url


def _of_a_demo(settings: Settings) -> Settings:
    """The folder of a demo, whose clock was set (nobody else writes that file): its commands live on the
    day that its pages show. A database of one's own is none.
    """
    is_own = bool(settings.database_url.get_secret_value())
    is_demo = settings.demo or (not is_own and settings.clock_file.exists())
    return settings.model_copy(update={"demo": is_demo})


@contextmanager
def at_work(settings: Settings) -> Iterator[Runtime]:
    """Open the installation for a command: preflight, database bound, runtime in use.

    Inside, ``core.db.session`` opens transactions and ``runtime.clock().now()`` says when it is.

    Raises:
        SetupError: the installation cannot be trusted as it is; the sentence has the remedy.
    """
    if not settings.database_url.get_secret_value() and not (settings.home / "postgres").is_dir():
        raise SetupError(
            _(
                "There is no installation in %(home)s. Check the folder, or start one there with yupana serve --all.",
                home=settings.home,
            )
        )
    with database_url(settings) as url:
        preflight(url, components(plugins.host().plugins))
        made = runtime.assemble(_of_a_demo(settings))
        database = Database(url)
        bind(database)
        runtime.use(made)
        try:
            yield made
        except OperationalError as error:
            raise SetupError(
                _("The database stopped answering; nothing unfinished was kept. Try again.")
            ) from error
        finally:
            runtime.use(None)
            bind(None)
            database.dispose()


def hand_down(url: str) -> None:
    """Let processes that this one starts find the same database."""
    os.environ["DATABASE_URL"] = url
