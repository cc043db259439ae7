"""One module for each migration.

Its SQL lies beside it.
"""
