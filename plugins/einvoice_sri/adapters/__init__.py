"""The outside of einvoice_sri: SRI's web services and signing files."""
