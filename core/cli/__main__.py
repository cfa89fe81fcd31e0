"""``python -m core.cli``: how processes of ours start others."""

from __future__ import annotations

from core.cli import main

if __name__ == "__main__":
    main(prog_name="yupana")
