"""What a visit conflict is, as pure functions on frames.

Nothing here depends on Dagster or on a driver.
"""
