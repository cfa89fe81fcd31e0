"""The calendar without a database: ``yupana billing schedule`` and ``prorate``."""

from __future__ import annotations

import json

import click

from core.i18n import _
from plugins.billing.cli.reading import (
    one_sentence,
    read_count,
    read_date,
    read_policy,
    read_price,
    read_zone,
)
from plugins.billing.domain.calendar import BillingCalendar, is_weekday
from plugins.billing.domain.invoicing import charge_json, explain, plan_charges, share_json
from plugins.billing.domain.policy import DEFAULT_POLICY
from plugins.billing.domain.proration import prorate


@click.command("schedule")
@click.option("--price", help="Precio mensual antes de IVA, por ejemplo 30.00.")
@click.option("--start", help="Fecha del contrato (S), AAAA-MM-DD.")
@click.option("--invoices", default="12", show_default=True, help="Cuántas facturas.")
@click.option("--policy", multiple=True, help="nombre=valor; se puede repetir.")
@click.option("--holiday", multiple=True, help="Feriado AAAA-MM-DD para due_shift.")
@click.option("--zone", default="America/Guayaquil", show_default=True, help="Zona horaria.")
@click.option("--json", "as_json", is_flag=True, help="Salida en JSON.")
@one_sentence
def schedule_command(
    *,
    price: str | None,
    start: str | None,
    invoices: str,
    policy: tuple[str, ...],
    holiday: tuple[str, ...],
    zone: str,
    as_json: bool,
) -> None:
    """Muestra las próximas facturas de un contrato.

    Cada una con sus fechas y su cálculo.
    """
    amount, first, count = (
        read_price(price),
        read_date(start, "--start"),
        read_count(invoices, "--invoices"),
    )
    closed = {read_date(one, "--holiday") for one in holiday}
    zone_name = read_zone(zone).key
    calendar = BillingCalendar(
        read_policy(policy), lambda day: is_weekday(day) and day not in closed
    )
    rows = [charge_json(one) for one in plan_charges(amount, first, count, calendar)]
    if as_json:
        click.echo(json.dumps({"invoices": rows}, ensure_ascii=False))
        return
    for row in rows:
        click.echo(
            f"{row['kind']:6}  {row['period_start']} .. {row['period_end']}  {row['days']:2} d"
            f"  {row['amount']:>10}  {row['issue_on']}  {row['due_on'] or '-':10}"
            f"  {row['suspend_on'] or '-':10}  {explain(row['derivation'])}"
        )
    click.echo(_("Suspension begins at 00:00, %(zone)s.", zone=zone_name))


@click.command("prorate")
@click.option("--price", help="Precio mensual antes de IVA, por ejemplo 30.00.")
@click.option("--from", "first", help="Primer día que se cobra, AAAA-MM-DD.")
@click.option("--to", "until", help="Primer día que ya no se cobra, AAAA-MM-DD.")
@click.option("--period-start", help="Inicio del período.")
@click.option("--period-end", help="Fin del período (excluido).")
@click.option("--basis", default=DEFAULT_POLICY.basis, show_default=True, help="Base de días.")
@click.option("--json", "as_json", is_flag=True, help="Salida en JSON.")
@one_sentence
def prorate_command(
    *,
    price: str | None,
    first: str | None,
    until: str | None,
    period_start: str | None,
    period_end: str | None,
    basis: str,
    as_json: bool,
) -> None:
    """Calcula lo que cuesta una parte de un período.

    El día de --from cuenta; el de --to, no.
    """
    share = prorate(
        read_price(price),
        read_date(first, "--from"),
        read_date(until, "--to"),
        period_start=read_date(period_start, "--period-start"),
        period_end=read_date(period_end, "--period-end"),
        basis=basis,
    )
    found = {"amount": str(share.amount)} | share_json(share)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo(f"{share.amount}  ({share.counted_days} d, {share.basis})")
