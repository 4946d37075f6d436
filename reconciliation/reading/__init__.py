"""Files of vendors and payment providers into lines: container, encoding, structure, values. No database."""

from reconciliation.reading.laid_aside import Grid
from reconciliation.reading.limits import ON_THIS_MACHINE, UPLOADED, Limits
from reconciliation.reading.opening import open_file
from reconciliation.reading.reading import Delivered, Detected, Reading, Records
from reconciliation.reading.rejection import Rejected

__all__ = [
    "ON_THIS_MACHINE",
    "UPLOADED",
    "Delivered",
    "Detected",
    "Grid",
    "Limits",
    "Reading",
    "Records",
    "Rejected",
    "open_file",
]
