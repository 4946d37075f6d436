"""
A simulated bank and the product's rail to it.

The bank (`server` and what it imports) is a process of its own with a file of its own, and shares nothing with the
product; `client` is the rail.
"""

# Seconds, before the time scale. SETTLE_SECONDS is how long a request may lie before it is executed.
SETTLE_SECONDS = 60
PROCESSING_SECONDS = 30
HOLD_SECONDS = 30
SLOW_SECONDS = 10
DOWN_SECONDS = 30
CALLBACK_SECONDS = 60
RETURN_SECONDS = 600
