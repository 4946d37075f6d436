"""Matching cases: what a merchant sets up, receives and does, told in a neutral format, and what must come of it."""

from matching.cases.running import Outcome, run_case

__all__ = ["Outcome", "run_case"]
