"""What is made of Dagster's private names, which no other part of the package imports.

`names.py` has every name, and the other modules what uses their private attributes. Tests import all of them on the
version that is installed, and go red when one has moved.
"""
