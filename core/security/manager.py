"""Flask-AppBuilder's security manager with its traps closed.

It authenticates people (``auth_user_db``: lockout, constant time) and answers permission questions
from the membership of the active tenant. It registers no view and no API of FAB's own.
"""

from __future__ import annotations

from typing import Any

from flask_appbuilder.security.sqla.manager import SecurityManager
from werkzeug.security import check_password_hash

from core.security.models import Person


class ErpSecurityManager(SecurityManager):
    """The only thing of the product that speaks FAB's security language."""

    user_model = Person

    def auth_user_db(self, username: str | None, password: str | None) -> Person | None:
        """The person, or None. Raises ``TooMany`` while the account or address is locked.

        Serves the form and the JSON sign-in alike; the same work is done for unknown people.
        """
        from core import runtime
        from core.security.door import authenticate

        return authenticate(username or "", password or "", now=runtime.clock().now())

    def load_user(self, pk: Any) -> Person | None:
        """Flask-Login's loader: our session is read by ``core.security.sessions``, never from here."""
        return None

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Does the membership of the active tenant permit this? From the request's identity, no SQL."""
        from core.web import access

        who = access.identity()
        return who is not None and f"{view_name}:{permission_name}" in who.permissions

    def exist_permission_on_roles(
        self, view_name: str, permission_name: str, role_ids: list[int]
    ) -> bool:
        """As ``has_access``; FAB's roles of a user are not looked at."""
        return self.has_access(permission_name, view_name)

    def get_user_roles(self, user: Any = None) -> list[Any]:
        """FAB's user-role table is not used: nobody has a role there."""
        return []


def is_password(stored: str | None, typed: str) -> bool:
    """Does the typed password match the stored hash (Werkzeug scrypt)? An unset one never does."""
    return bool(stored) and bool(typed.strip("\x00 ")) and check_password_hash(stored or "", typed)
