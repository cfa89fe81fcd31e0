"""The core of Yupana: everything a plugin may count on, and nothing about any one plugin."""

__version__ = "0.1.0"
