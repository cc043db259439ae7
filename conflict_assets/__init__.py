"""Finds the visit conflicts of home-care caregivers, every night, as Dagster assets."""
