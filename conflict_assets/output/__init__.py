"""Output that people read as text.

It is log lines, tables, values in words, and files that are written whole.
"""
