"""Changes of the sample that no test can notice, and why."""

EXPLAINED: dict[tuple[str, str, str], str] = {
    (
        "running/diagnosis.py",
        "@dataclass(frozen=True)",
        "@dataclass(frozen=False)",
    ): "nothing changes a finding that was made",
    (
        "store/commit_record.py",
        '"counted": bool(commit.counts.get("contested", 1)),',
        '"counted": bool(commit.counts.get("contested", 2)),',
    ): "any number but zero says that visits were counted",
    (
        "store/export_rows.py",
        'for pair_id, text, value in zip(texts["pair_id"].to_pylist(), found.to_pylist(), values, strict=True):',
        'for pair_id, text, value in zip(texts["pair_id"].to_pylist(), found.to_pylist(), values, strict=False):',
    ): "columns of one table, which are equally long",
}
"""By the file, the line before and the line after."""
