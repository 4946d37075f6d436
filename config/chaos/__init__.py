"""
The chaos lab: the whole product as separate processes, everything that can go wrong at once, and a judge.

`manage.py chaos` runs it. Nothing here is imported by the product itself.
"""


class LabError(Exception):
    """The lab cannot go on; the message says why."""
