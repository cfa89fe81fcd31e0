"""Establishments, emission points and the first number of each document."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.errors import DomainError, NotFound
from core.i18n import gettext as _
from core.i18n import lazy
from core.models import Branch, IssuePoint, NumberSeries
from core.services import companies, numbering
from core.services.audit import write_audit
from core.web.context import Context
from core.web.views import Pages, command, form, page

KINDS = (  # SRI codDoc
    ("01", lazy("Invoice (factura)")),
    ("03", lazy("Purchase settlement (liquidación de compra)")),
    ("04", lazy("Credit note")),
    ("05", lazy("Debit note")),
    ("06", lazy("Dispatch guide (guía de remisión)")),
    ("07", lazy("Withholding (retención)")),
)
PURPOSES = (
    ("till", lazy("Till: sales by a person")),
    ("run", lazy("Billing runs")),
    ("api", lazy("Other software")),
)
ENVIRONMENTS = ((1, lazy("Tests (pruebas)")), (2, lazy("Production")))
LONGEST = {"name": 120, "address": 300}


class NumberingPages(Pages):
    """Where documents are issued and from which number."""

    permission = "core.numbering"
    route_base = "/company/points"

    @page("/")
    def index(self, ctx: Context) -> Any:
        """Establishments with their points and running numbers."""
        series: dict[UUID, list[NumberSeries]] = {}
        for one in ctx.session.scalars(
            select(NumberSeries).order_by(NumberSeries.environment, NumberSeries.document_kind)
        ):
            series.setdefault(one.issue_point_id, []).append(one)
        points: dict[UUID, list[IssuePoint]] = {}
        for point in ctx.session.scalars(select(IssuePoint).order_by(IssuePoint.code)):
            points.setdefault(point.branch_id, []).append(point)
        return ctx.render(
            "core/points.html",
            branches=list(ctx.session.scalars(select(Branch).order_by(Branch.code))),
            points=points,
            series=series,
            kinds=dict(KINDS),
            purposes=dict(PURPOSES),
            environments=dict(ENVIRONMENTS),
        )

    @form("/branch", action="write")
    def new_branch(self, ctx: Context) -> Any:
        """Open an establishment."""
        if not ctx.submitted:
            return ctx.render("core/branch.html", branch=None)
        branch_id = companies.add_branch(
            ctx.session,
            code=ctx.form.get("code", "").strip(),
            name=text_of(ctx, "name"),
            address=text_of(ctx, "address"),
        )
        write_audit(ctx.session, action="branch.add", subject_id=branch_id)
        ctx.flash(_("Next: its emission point."))
        return ctx.go("core.numbering.new_point", branch_id=branch_id)

    @form("/branch/<uuid:branch_id>", action="write")
    def edit_branch(self, ctx: Context, branch_id: UUID) -> Any:
        """Name and address of an establishment."""
        branch = find(ctx, Branch, branch_id)
        if not ctx.submitted:
            return ctx.render("core/branch.html", branch=branch)
        branch.name, branch.address = text_of(ctx, "name"), text_of(ctx, "address")
        branch.is_active = bool(ctx.form.get("is_active"))
        write_audit(ctx.session, action="branch.edit", subject_id=branch.id)
        ctx.flash(_("Saved."))
        return ctx.go("core.numbering.index")

    @form("/branch/<uuid:branch_id>/point", action="write")
    def new_point(self, ctx: Context, branch_id: UUID) -> Any:
        """Open an emission point."""
        branch = find(ctx, Branch, branch_id)
        if not ctx.submitted:
            return ctx.render("core/point_new.html", branch=branch, purposes=PURPOSES)
        purpose = ctx.form.get("purpose", "till")
        if purpose not in dict(PURPOSES):
            raise DomainError(_("Choose a use of the list."), code="purpose", field="purpose")
        point_id = companies.add_issue_point(
            ctx.session,
            branch.id,
            code=ctx.form.get("code", "").strip(),
            purpose=purpose,
            name=text_of(ctx, "name"),
        )
        write_audit(ctx.session, action="issue_point.add", subject_id=point_id)
        ctx.flash(_("Next: the first numbers, if the company comes from other software."))
        return ctx.go("core.numbering.point", point_id=point_id)

    @form("/<uuid:point_id>", action="write")
    def point(self, ctx: Context, point_id: UUID) -> Any:
        """The first number of a document at this point."""
        point = find(ctx, IssuePoint, point_id)
        if ctx.submitted:
            kind, environment = ctx.form.get("document_kind", ""), ctx.form.get("environment", "")
            if kind not in dict(KINDS) or environment not in {"1", "2"}:
                raise DomainError(
                    _("Choose a document of the list."), code="kind", field="document_kind"
                )
            number = ctx.form.get("number", "").strip()
            if not (number.isascii() and number.isdigit()) or len(number) > 9 or int(number) < 1:
                raise DomainError(
                    _("The next number goes from 1 to 999999999."), code="number", field="number"
                )
            numbering.start_at(
                ctx.session,
                issue_point_id=point.id,
                document_kind=kind,
                environment=int(environment),
                number=int(number),
            )
            ctx.flash(_("Saved."))
            return ctx.go("core.numbering.point", point_id=point.id)
        series = ctx.session.scalars(
            select(NumberSeries)
            .where(NumberSeries.issue_point_id == point.id)
            .order_by(NumberSeries.environment, NumberSeries.document_kind)
        )
        return ctx.render(
            "core/point.html",
            point=point,
            branch=find(ctx, Branch, point.branch_id),
            series=list(series),
            kinds=KINDS,
            kind_words=dict(KINDS),
            purposes=dict(PURPOSES),
            environments=ENVIRONMENTS,
            environment_words=dict(ENVIRONMENTS),
        )

    @command("/<uuid:point_id>/active", action="write")
    def switch_point(self, ctx: Context, point_id: UUID) -> Any:
        """Close or reopen an emission point; what was issued stays."""
        point = find(ctx, IssuePoint, point_id)
        point.is_active = not point.is_active
        write_audit(
            ctx.session,
            action="issue_point.open" if point.is_active else "issue_point.close",
            subject_id=point.id,
        )
        ctx.flash(_("Saved."))
        return ctx.go("core.numbering.index")


def find(ctx: Context, kind: type[Any], key: UUID) -> Any:
    """A row of the company in scope. Raises ``NotFound``."""
    found = ctx.session.scalar(select(kind).where(kind.id == key))
    if found is None:
        raise NotFound
    return found


def text_of(ctx: Context, name: str) -> str:
    """A typed text that fits its column. Raises ``DomainError``."""
    value = ctx.form.get(name, "").strip()
    if len(value) > LONGEST[name]:
        raise DomainError(
            _("At most %(count)s characters fit here.", count=LONGEST[name]),
            code="length",
            field=name,
        )
    return value


PAGES = (NumberingPages,)
