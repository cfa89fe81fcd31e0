"""What licensing puts into the copy of everything that a company takes with it: the client's side."""

from __future__ import annotations

from core.contracts.hooks import ExportTable
from core.i18n import lazy
from plugins.licensing.models import (
    ClientInvoiceRow,
    ClientStatus,
    FirstAccess,
    Licence,
    PaymentReportRow,
    Ticket,
    TrainingSeat,
    Usage,
)

TABLES = (
    ExportTable(
        "licencia",
        lazy("Your licence"),
        Licence.id,
        {
            "Contrato (id)": Licence.contract_id,
            "Distribuidor": Licence.distributor_name,
            "Asesor": Licence.adviser,
            "Plan": Licence.plan_name,
            "Precio al mes": Licence.price,
            "Código de pago": Licence.payment_code,
            "Contenido del plan": Licence.entitlements,
            "Ordenada el": Licence.ordered_on,
            "Habilitada el": Licence.started_on,
            "Cancelada el": Licence.cancelled_on,
            "Reingreso": Licence.is_reentry,
            "Minutos de soporte": Licence.wallet_minutes,
            "Estado": Licence.state,
        },
    ),
    ExportTable(
        "licencia_historia",
        lazy("What became of your licence, and when"),
        ClientStatus.id,
        {
            "Contrato (id)": ClientStatus.contract_id,
            "Estado": ClientStatus.state,
            "Desde": ClientStatus.since,
            "Anotado a las": ClientStatus.recorded_at,
            "Motivo": ClientStatus.reason,
        },
    ),
    ExportTable(
        "licencia_facturas",
        lazy("The invoices of your licence"),
        ClientInvoiceRow.id,
        {
            "Número": ClientInvoiceRow.number,
            "Desde": ClientInvoiceRow.period_start,
            "Hasta": ClientInvoiceRow.period_end,
            "Emisión": ClientInvoiceRow.issued_on,
            "Vence": ClientInvoiceRow.due_on,
            "Subtotal": ClientInvoiceRow.subtotal,
            "Total": ClientInvoiceRow.total,
            "Saldo": ClientInvoiceRow.balance,
            "Estado": ClientInvoiceRow.state,
            "Cómo se calculó": ClientInvoiceRow.description,
        },
    ),
    ExportTable(
        "licencia_pagos_reportados",
        lazy("The payments of your licence that you reported"),
        PaymentReportRow.id,
        {
            "Banco": PaymentReportRow.bank,
            "Cuenta a la que pagó": PaymentReportRow.account,
            "Referencia": PaymentReportRow.reference,
            "Quién pagó": PaymentReportRow.payer,
            "Fecha": PaymentReportRow.value_on,
            "Valor": PaymentReportRow.amount,
            "Toda la transferencia": PaymentReportRow.transferred,
            "Retenido": PaymentReportRow.withheld,
            "Facturas": PaymentReportRow.allocations,
            "Comprobante de pago (id)": PaymentReportRow.slip_blob_id,
            "Estado": PaymentReportRow.state,
            "Motivo": PaymentReportRow.reason,
            "Reportado a las": PaymentReportRow.reported_at,
            "Decidido a las": PaymentReportRow.decided_at,
        },
    ),
    ExportTable(
        "uso_del_plan",
        lazy("Documents you issued, by month"),
        Usage.id,
        {"Mes": Usage.month, "Comprobantes": Usage.documents},
    ),
    ExportTable(
        "primeros_pasos",
        lazy("Your way to the first authorised document"),
        FirstAccess.id,
        {
            "Comenzó": FirstAccess.started_at,
            "Primera factura": FirstAccess.first_invoice_at,
            "Terminó": FirstAccess.finished_at,
        },
    ),
    ExportTable(
        "soporte",
        lazy("Your support tickets"),
        Ticket.id,
        {
            "Asunto": Ticket.subject,
            "Abierto a las": Ticket.opened_at,
            "Minutos cotizados": Ticket.quoted_minutes,
            "Aceptado a las": Ticket.accepted_at,
            "Segundos": Ticket.seconds,
            "Cerrado a las": Ticket.closed_at,
            "Minutos del plan": Ticket.from_wallet,
            "Horas cobradas": Ticket.charged_hours,
            "Valor sin IVA": Ticket.charged_net,
        },
    ),
    ExportTable(
        "capacitaciones",
        lazy("Group trainings you signed up for"),
        TrainingSeat.id,
        {
            "Sesión (id)": TrainingSeat.session_id,
            "Personas": TrainingSeat.people,
            "Retirada": TrainingSeat.is_withdrawn,
            "Anotada a las": TrainingSeat.told_at,
        },
    ),
)
