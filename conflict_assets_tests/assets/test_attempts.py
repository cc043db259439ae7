from conflict_assets.assets import attempts
from conflict_assets.source.snapshots import Snapshot


def test_prefixes_that_were_begun_come_after_those_that_never_had_a_chance(tmp_path):
    snapshots = dict.fromkeys(["05", "04", "06"], Snapshot(tmp_path))
    assert attempts.unbegun_first(snapshots) == ["04", "05", "06"]
    attempts.mark(snapshots["04"], "04")
    assert attempts.unbegun_first(snapshots) == ["05", "06", "04"]


def test_marks_are_the_owner_s_alone(tmp_path):
    attempts.mark(Snapshot(tmp_path), "04")
    assert (tmp_path / "begun").stat().st_mode & 0o077 == 0
    assert (tmp_path / "begun" / "04").stat().st_mode & 0o077 == 0


def test_a_mark_that_can_not_be_made_stops_nobody(tmp_path):
    attempts.mark(Snapshot(tmp_path / "gone"), "04")
