"""How pages behave: columns, lists, filters, files, uploads, navigation. Knows no merchant's business."""
