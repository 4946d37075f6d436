"""
The matching engine: facts in, one explained result out.

Pure and exact: fractions only, no database, no clock, no settings. `match` is the only way in.
"""

from matching.engine.match import match

__all__ = ["match"]
