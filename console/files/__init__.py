"""Files in and out: sheets written in constant memory, uploads read without guessing. Plain Python, no Django."""
