"""Plans, subscriptions and the billing calendar: contract date to invoices, explained line by line."""
