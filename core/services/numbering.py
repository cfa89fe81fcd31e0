"""Document numbers: one series per emission point, document kind and environment, without gaps."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.db.tenancy import scope_of
from core.errors import Conflict, DomainError, NotFound
from core.i18n import _, lazy
from core.ids import new_id
from core.models import Branch, IssuePoint, NumberSeries

LAST = 999_999_999  # nine digits
_NO_POINT = lazy("This emission point does not exist: choose one of your company.")

_TAKE = text(
    "UPDATE core_number_series s SET next_number = s.next_number + :count"
    " FROM core_issue_point p JOIN core_branch b ON b.tenant_id = p.tenant_id AND b.id = p.branch_id"
    " WHERE s.tenant_id = :tenant AND s.issue_point_id = :point AND s.document_kind = :kind"
    " AND s.environment = :environment AND s.next_number + :count <= :last + 1"
    " AND p.tenant_id = s.tenant_id AND p.id = s.issue_point_id"
    " RETURNING s.next_number - :count AS first, b.code AS branch, p.code AS point"
)
_START = text(
    "INSERT INTO core_number_series"
    " (id, tenant_id, created_at, issue_point_id, document_kind, environment, next_number)"
    " VALUES (:id, :tenant, now(), :point, :kind, :environment, :next)"
    " ON CONFLICT (tenant_id, issue_point_id, document_kind, environment) DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """A run of ``count`` numbers that belong to the transaction at hand."""

    branch_code: str
    issue_point_code: str
    first: int
    count: int = 1

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.first + self.count))

    def written(self, sequence: int) -> str:
        """As it is printed: ``001-002-000000123``."""
        return f"{self.branch_code}-{self.issue_point_code}-{sequence:09d}"


def allocate(
    session: Session,
    *,
    issue_point_id: UUID,
    document_kind: str,
    environment: int,
    count: int = 1,
) -> Numbers:
    """Take the next ``count`` numbers; the series begins at 1 on its first use.

    One ``UPDATE … RETURNING``: others wait until this transaction ends, and a rollback gives the
    numbers back. Call it last before the insert. ``environment``: 1 pruebas, 2 producción.

    Raises:
        NotFound: no such emission point for this tenant.
        DomainError: the series has reached 999999999.
    """
    if count < 1:
        raise ValueError("at least one number")
    key = {
        "tenant": scope_of(session).tenant_id,
        "point": issue_point_id,
        "kind": document_kind,
        "environment": environment,
    }
    session.flush()
    taken = session.execute(_TAKE, key | {"count": count, "last": LAST}).one_or_none()
    if taken is None:
        _require_point(session, issue_point_id)
        session.execute(_START, key | {"id": new_id(), "next": 1})
        taken = session.execute(_TAKE, key | {"count": count, "last": LAST}).one_or_none()
    if taken is None:
        raise DomainError(
            _("This emission point has used up its numbers: choose or open another one."),
            code="numbers_exhausted",
            field="issue_point_id",
        )
    return Numbers(taken.branch, taken.point, taken.first, count)


def read_codes(session: Session, issue_point_ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """Branch and issue point code of these emission points. Raises ``NotFound`` for a foreign one."""
    rows = session.execute(
        select(IssuePoint.id, Branch.code, IssuePoint.code)
        .join(Branch, Branch.id == IssuePoint.branch_id)
        .where(IssuePoint.id.in_(issue_point_ids))
    )
    found = {row[0]: (row[1], row[2]) for row in rows}
    if len(found) < len(issue_point_ids):
        raise NotFound(_NO_POINT)
    return found


def start_at(
    session: Session, *, issue_point_id: UUID, document_kind: str, environment: int, number: int
) -> None:
    """Let a series begin at any number (a company that comes from other software).

    Raises:
        Conflict: the series has given out that number already; numbers never go back.
    """
    if not 1 <= number <= LAST:
        raise DomainError(
            _("The first number lies between 1 and 999999999."), code="number_range", field="number"
        )
    _require_point(session, issue_point_id)
    key = {
        "tenant": scope_of(session).tenant_id,
        "point": issue_point_id,
        "kind": document_kind,
        "environment": environment,
    }
    session.execute(_START, key | {"id": new_id(), "next": number})
    series = session.scalars(
        select(NumberSeries)
        .where(
            NumberSeries.issue_point_id == issue_point_id,
            NumberSeries.document_kind == document_kind,
            NumberSeries.environment == environment,
        )
        .with_for_update()
    ).one()
    if series.next_number > number:
        raise Conflict(
            _(
                "The next number is %(next)d already: a series never goes back.",
                next=series.next_number,
            ),
            code="number_used",
            field="number",
        )
    series.next_number = number


def _require_point(session: Session, issue_point_id: UUID) -> None:
    found = select(IssuePoint.id).join(Branch, Branch.id == IssuePoint.branch_id)
    if session.scalar(found.where(IssuePoint.id == issue_point_id)) is None:
        raise NotFound(_NO_POINT)
