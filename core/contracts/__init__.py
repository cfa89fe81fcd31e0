"""The language plugins share: frozen dataclasses and protocols, no input or output."""
