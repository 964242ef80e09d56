"""Stub."""

from collections.abc import Callable

STEPS: dict[type, Callable[..., object]] = {}
