"""The decisions, one definition each: what drifted, how badly, what lasts, whether the model got worse.

Nothing else decides: reports and jobs ask here.
"""
