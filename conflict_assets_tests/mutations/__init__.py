"""Break the package on purpose and see that its tests notice: `make mutations`.

`rules` makes each change of `rule_changes.py`, and `incremental` each of `incremental_changes.py`. `sample` draws
changes to the other packages, by cosmic-ray's operators.
"""
