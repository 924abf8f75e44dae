"""A brand's life in fast motion: a seeded population on a virtual clock, over the real use cases, and a report."""

from __future__ import annotations

from mvne.sandbox.briefing import summary
from mvne.sandbox.rendering import render
from mvne.sandbox.simulating import simulate
from mvne.sandbox.simulation import Simulation

__all__ = ["Simulation", "render", "simulate", "summary"]
