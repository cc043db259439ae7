from conflict_assets.assets.attempts import Attempts


def test_prefixes_that_were_begun_come_after_those_that_never_had_a_chance(tmp_path):
    attempts = Attempts(tmp_path)
    assert attempts.unbegun_first(["05", "04", "06"]) == ["04", "05", "06"]
    attempts.mark("04")
    assert Attempts(tmp_path).unbegun_first(["04", "05", "06"]) == ["05", "06", "04"]


def test_marks_are_the_owner_s_alone(tmp_path):
    Attempts(tmp_path).mark("04")
    assert (tmp_path / "begun").stat().st_mode & 0o077 == 0
    assert (tmp_path / "begun" / "04").stat().st_mode & 0o077 == 0
