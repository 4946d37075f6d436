"""Measurements of our speed goals, each against a limit or a rival in the same run.."""
