"""Flask-AppBuilder's own index, moved out of the way: none of FAB's pages is served."""

from __future__ import annotations

from flask_appbuilder import IndexView, expose


class UnusedIndexView(IndexView):
    """FAB insists on an index view; ``core.web.headers`` answers 404 for it."""

    route_base = "/fab"

    @expose("/")
    def index(self) -> str:
        """Never reached."""
        return ""
