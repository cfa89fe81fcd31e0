"""The portal's part of the demo."""

from __future__ import annotations

from core.contracts.hooks import DemoStep

STEPS: tuple[DemoStep, ...] = ()
