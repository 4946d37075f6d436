"""
What can be done with partner settlements chosen in 정산 내역 관리.

Applications that stand higher add their own when they start: `settlement_actions.append(BulkAction(…))`.
"""

from console.selection import BulkAction

settlement_actions: list[BulkAction] = []
