"""The demo: made-up people and companies, a mailbox, and a check that walks the whole chain."""
