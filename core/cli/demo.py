"""``yupana demo``: the whole product with made-up people, in one command."""

from __future__ import annotations

import click


@click.command()
def demo() -> None:
    """Start everything with a small demo and print each role's way in."""
