"""What ``yupana billing run`` prints: its sums, who failed, and the differences with the month before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import click
from sqlalchemy.orm import Session

from core.db.session import tenant_work
from core.i18n import _
from plugins.billing.services.read_subscriptions import names_of
from plugins.billing.services.report_run import KINDS, report_run
from plugins.billing.services.run_batches import RunResult

SHOWN = 20
MARKS = {"new": "+", "gone": "-", "changed": "~"}


def run_json(result: RunResult) -> dict[str, Any]:
    """The report of a run as JSON values."""
    return {
        "on": result.run_on.isoformat(),
        "issued_on": result.issued_on.isoformat(),
        "dry_run": result.is_rehearsal,
        "due": result.expected,
        "invoices": result.invoices,
        "charges": result.charges,
        "free": result.free,
        "skipped": result.skipped,
        "amount": str(result.amount),
        "failures": [
            {"subscription_id": str(one), "reason": sentence} for one, sentence in result.failures
        ],
    }


def read_comparison(tenant_id: UUID, run_id: UUID | None) -> dict[str, Any] | None:
    """A run against the regular run of the month before, as JSON values: sums, and of each kind of
    difference how many, the change they make and the first 20. None: there is nothing to compare with.
    """
    if run_id is None:
        return None
    with tenant_work(tenant_id) as session:
        report = report_run(session, run_id, shown=SHOWN)
        if report.before is None:
            return None
        found: dict[str, Any] = {
            "run_on": report.before.run_on.isoformat(),
            "invoices_before": report.before.invoices,
            "invoices": report.run.invoices,
            "amount_before": str(report.before.amount),
            "amount": str(report.run.amount),
            "amount_change": str(report.amount_change),
        }
        return found | _kinds(session, report.differences)


def _kinds(session: Session, differences: list[Any]) -> dict[str, Any]:
    names = names_of(session, [one.customer_id for one in differences])
    found: dict[str, Any] = {
        kind: {"count": 0, "amount_change": "0.00", "first": []} for kind in KINDS
    }
    for one in differences:
        kind, who = found[one.kind], names.get(one.customer_id)
        kind["count"], kind["amount_change"] = one.how_many, str(one.change)
        kind["first"].append(
            {
                "subscription_id": str(one.id),
                "customer": who.legal_name if who else "",
                "before": None if one.before is None else str(one.before),
                "after": None if one.after is None else str(one.after),
            }
        )
    return found


def print_run(result: RunResult, against: Mapping[str, Any] | None) -> None:
    """The same in words: sums and differences on stdout, failures on stderr."""
    say = (
        _("Rehearsal of %(day)s:", day=f"{result.run_on:%d/%m/%Y}")
        if result.is_rehearsal
        else _("Run of %(day)s:", day=f"{result.run_on:%d/%m/%Y}")
    )
    click.echo(
        f"{say} "
        + _(
            "%(invoices)s invoices for $ %(amount)s, %(skipped)s left out (suspended), %(failures)s failed.",
            invoices=result.invoices,
            amount=result.amount,
            skipped=result.skipped,
            failures=len(result.failures),
        )
    )
    if against is not None:
        _print_comparison(against)
    for subscription_id, sentence in result.failures[:SHOWN]:
        click.echo(f"  {subscription_id}: {sentence}", err=True)


def _print_comparison(against: Mapping[str, Any]) -> None:
    year, month, day = against["run_on"].split("-")
    change = against["amount_change"]
    click.echo(
        _(
            "Against the run of %(day)s: $ %(change)s; %(new)s that were not in it, %(gone)s that are not in"
            " this one, %(changed)s with another amount.",
            day=f"{day}/{month}/{year}",
            change=change if change.startswith("-") else f"+{change}",
            new=against["new"]["count"],
            gone=against["gone"]["count"],
            changed=against["changed"]["count"],
        )
    )
    for kind in KINDS:
        rows = against[kind]["first"]
        for one in rows:
            amounts = " → ".join(x for x in (one["before"], one["after"]) if x is not None)
            click.echo(f"  {MARKS[kind]} {one['customer'] or one['subscription_id']}: $ {amounts}")
        if against[kind]["count"] > len(rows):
            click.echo(f"  {MARKS[kind]} …")
