from conflict_assets.assets import begun_prefixes
from conflict_assets.source.snapshots import Snapshot


def test_prefixes_that_were_begun_come_after_those_that_never_had_a_chance(tmp_path):
    snapshots = dict.fromkeys(["05", "04", "06"], Snapshot(tmp_path))
    assert begun_prefixes.unbegun_first(snapshots) == ["04", "05", "06"]
    begun_prefixes.mark(snapshots["04"], "04")
    assert begun_prefixes.unbegun_first(snapshots) == ["05", "06", "04"]


def test_marks_are_the_owner_s_alone(tmp_path):
    begun_prefixes.mark(Snapshot(tmp_path), "04")
    assert (tmp_path / "begun").stat().st_mode & 0o077 == 0
    assert (tmp_path / "begun" / "04").stat().st_mode & 0o077 == 0


def test_a_mark_that_can_not_be_made_stops_nobody(tmp_path):
    begun_prefixes.mark(Snapshot(tmp_path / "gone"), "04")
