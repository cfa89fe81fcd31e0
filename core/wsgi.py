"""The web application as a WSGI server loads it: ``core.wsgi:application``, built in each process."""

from __future__ import annotations

from core import plugins, runtime, settings
from core.app import create_app
from core.db.session import Database, bind

_settings = settings.current()
runtime.use(runtime.assemble(_settings))
bind(Database(_settings.database_url.get_secret_value(), pool_size=_settings.web_threads))
application = create_app(_settings, plugins.load(_settings.plugins))
