"""Dagster's private names, which no other part of the package imports.

Each stands with the reason why it is needed and with the oldest of Dagster 1.5, 1.7 and 1.9 to 1.13 that has it at its
place: "1.5" may be older. Tests import all of them on the version that is installed, and go red when one has moved. The
modules are divided by who loads them, since every step pays for what it imports.
"""
