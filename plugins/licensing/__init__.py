"""Licences: who may use the platform and until when.

The operator sells licences through distributors; clients order, are enabled, pay, report payments,
are suspended, come back, cancel and re-enter. Access is a pure function of dates, payments, reports
and now (``domain/access.py``), asked at every request through the hook ``access_decision``.
"""
