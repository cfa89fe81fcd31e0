"""The PIN of the till beside the password of the first access, where the person sells (``SellerPins``)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core import plugins
from core.contracts.services import SellerPins
from core.db.scope import Scope
from core.db.session import tenant_work, unit_of_work
from core.errors import DomainError, ServiceMissing
from core.i18n import gettext as _
from core.security import door
from core.security.identity import read_permissions
from core.security.models import Person
from core.web.access import is_entitled
from core.web.context import Context


def find_companies(user_id: int) -> list[UUID]:
    """Where the person may sell and has no PIN yet; empty without a plugin that sells."""
    pins = _pins()
    if pins is None:
        return []
    plugin = pins.permission.partition(".")[0]
    found = []
    for one in door.tenancies_of(user_id):
        with unit_of_work(Scope(tenant_id=one.tenant_id, user_id=user_id)) as session:
            may_sell = pins.permission in read_permissions(session, one.role)
            wanted = may_sell and pins.lacks_pin(session, user_id)
        if wanted and is_entitled(one.tenant_id, plugin):
            found.append(one.tenant_id)
    return found


def read_pin(ctx: Context) -> str:
    """The typed PIN, checked; empty: the person leaves it for later.

    Raises ``DomainError`` for a PIN that may not be one, or two that differ.
    """
    pin, again = ctx.form.get("pin", "").strip(), ctx.form.get("pin_again", "").strip()
    pins = _pins()
    if pins is None or not (pin or again):
        return ""
    pins.check(pin)
    if pin != again:
        raise DomainError(
            _("The two PINs differ. Write the same PIN twice."),
            code="pins_differ",
            field="pin_again",
        )
    return pin


def keep_pin(person: Person, pin: str, *, now: datetime) -> bool:
    """Set the PIN in each company where the person may sell; whether there was one."""
    pins = _pins()
    if pins is None or not pin:
        return False
    companies = find_companies(person.id)
    for tenant_id in companies:
        with tenant_work(tenant_id) as session:
            pins.choose(
                session, person.id, pin, name=person.get_full_name(), email=person.email, now=now
            )
    return bool(companies)


def _pins() -> SellerPins | None:
    try:
        return plugins.service(SellerPins)
    except ServiceMissing:
        return None
