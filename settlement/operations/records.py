"""
Settlement records: orders, order cancels, manual adjustments, and taking one back.

The parts of this package that write records, under one name.
"""

from settlement.operations._cancels import CancelDraft, record_cancel
from settlement.operations._manuals import ManualRow, record_manual, record_many_manual
from settlement.operations._orders import DiscountDraft, LineDraft, OrderDraft, record_order
from settlement.operations._voids import void_record, void_settlements

__all__ = [
    "CancelDraft",
    "DiscountDraft",
    "LineDraft",
    "ManualRow",
    "OrderDraft",
    "record_cancel",
    "record_manual",
    "record_many_manual",
    "record_order",
    "void_record",
    "void_settlements",
]
