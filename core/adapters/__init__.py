"""The outside world behind the ports of ``core.contracts.ports``."""
