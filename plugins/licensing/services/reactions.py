"""Which event becomes which use case, by the kind of tenant it arrives at: three tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.contracts import events
from core.contracts.hooks import EventContext
from plugins.licensing.services import (
    adviser_cards,
    contracts,
    count_usage,
    credit_drafts,
    follow_plan,
    keep_licence,
    keep_portfolio,
    publish,
    queue,
    report_payment,
    republish,
    support_tickets,
    trainings,
)
from plugins.licensing.services.parties import kind_in_scope

_Reaction = Callable[[Any, EventContext], Any]


def _told(use_case: Callable[..., Any]) -> _Reaction:
    """A use case that takes the session and the event."""
    return lambda event, context: use_case(context.session, event)


def _invoice_settled(event: Any, context: EventContext) -> None:
    """Client and distributor hear of it; the draft of a credit note over it has nothing to undo."""
    publish.publish_settled(context.session, event, now=context.now)
    credit_drafts.forget_settled(context.session, event.invoice_id, now=context.now)


def _timed(use_case: Callable[..., Any]) -> _Reaction:
    """A use case that also takes ``now``."""
    return lambda event, context: use_case(context.session, event, now=context.now)


EVERYWHERE: Mapping[type[events.Event], _Reaction] = {
    events.SupportTicketChanged: _timed(support_tickets.hear_ticket),
    events.CreditNoteDrafted: _timed(credit_drafts.hear_draft),
    events.SupportWalletChanged: _told(support_tickets.hear_wallet),
    events.PlansOffered: _told(keep_portfolio.hear_offers),
}

AT_OPERATOR: Mapping[type[events.Event], _Reaction] = {
    events.TrainingSeatChanged: _told(trainings.hear_seat),
    events.TrainingsAsked: _timed(trainings.hear_question),
    events.SettingChanged: _told(republish.hear_setting),
    events.PriceAnnounced: _told(republish.hear_price),
    events.LicenceOrdered: _timed(contracts.hear_order),
    events.LicenceEnabling: _timed(contracts.hear_enabling),
    events.LicenceCancelled: _timed(contracts.hear_cancellation),
    events.LicencePlanAsked: _timed(follow_plan.hear_asked),
    events.LicenceTransferAsked: _timed(contracts.ask_transfer),
    events.LicenceStandingChanged: _told(contracts.hear_standing),
    events.SubscriptionChanged: _timed(follow_plan.hear_change),
    events.SubscriptionCancelled: _timed(follow_plan.hear_end),
    events.SubscriptionEnded: _timed(follow_plan.hear_end),
    events.SubscriptionKept: _timed(follow_plan.hear_kept),
    events.InvoicesIssued: _timed(publish.publish_issued),
    events.InvoicePaid: _invoice_settled,
    events.InvoiceCancelled: _invoice_settled,
    events.InvoiceBalanceChanged: _timed(publish.publish_settled),
    events.PaymentReceived: _timed(publish.publish_customer),
    events.PaymentReported: _timed(queue.hear_report),
    events.PaymentConfirmed: _timed(queue.hear_answer),
    events.PaymentRejected: _timed(queue.hear_answer),
}

AT_DISTRIBUTOR: Mapping[type[events.Event], _Reaction] = {
    events.TrainingSeatChanged: _told(trainings.hear_seat),
    events.TrainingsAsked: _timed(trainings.hear_question),
    events.LicenceChanged: _told(keep_portfolio.hear_contract),
    events.ClientReleased: _told(keep_portfolio.hear_release),
    events.ClientInvoicePublished: _timed(keep_licence.hear_invoice),
    events.LicenceStandingChanged: _told(keep_portfolio.hear_standing),
    events.PaymentReported: _told(queue.queue_report),
    events.PaymentConfirmed: _told(queue.hear_other_answer),
    events.PaymentRejected: _told(queue.hear_other_answer),
    events.CreditLimitSet: _told(keep_portfolio.hear_credit_limit),
}

AT_CLIENT: Mapping[type[events.Event], _Reaction] = {
    events.AdviserAssigned: _told(adviser_cards.hear_adviser),
    events.TrainingAnnounced: _timed(trainings.hear_training),
    events.LicenceChanged: _timed(keep_licence.hear_contract),
    events.ClientInvoicePublished: _timed(keep_licence.hear_invoice),
    events.PaymentReported: _timed(report_payment.hear_report),
    events.PaymentConfirmed: _timed(report_payment.hear_answer),
    events.PaymentRejected: _timed(report_payment.hear_answer),
    events.InvoicesIssued: _timed(count_usage.count_documents),
    events.DocumentAuthorized: _timed(count_usage.note_authorization),
    events.DocumentRejected: _timed(count_usage.note_rejection),
    events.CertificateChanged: _timed(count_usage.note_certificate),
}

BY_KIND = {"operator": AT_OPERATOR, "distributor": AT_DISTRIBUTOR, "company": AT_CLIENT}
LISTENS_TO: tuple[type[events.Event], ...] = tuple(
    {**EVERYWHERE, **AT_OPERATOR, **AT_DISTRIBUTOR, **AT_CLIENT}
)


def react_to(event: events.Event, context: EventContext) -> None:
    """Hand the event to the part of licensing that lives in the scope of its destination."""
    table = {**EVERYWHERE, **BY_KIND[kind_in_scope(context.session)]}
    reaction = table.get(type(event))
    if reaction is not None:
        reaction(event, context)
