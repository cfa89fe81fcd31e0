"""Sales: customers, products, salespeople, commercial documents, receivables and payments.

Owns the one way an invoice is born and the one way money is recorded; other plugins ask for both
through ``core.contracts.services``.
"""
