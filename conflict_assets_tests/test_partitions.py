import pytest

from conflict_assets.partitions import (
    all_prefixes,
    are_all_prefixes,
    contiguous_ranges,
    parse_prefixes,
    prefixes_between,
)


@pytest.mark.parametrize(
    ("length", "count", "first", "last"), [(1, 10, "0", "9"), (2, 100, "00", "99"), (3, 1000, "000", "999")]
)
def test_there_is_a_prefix_for_every_combination_of_digits(length, count, first, last):
    prefixes = all_prefixes(length)
    assert (len(prefixes), prefixes[0], prefixes[-1]) == (count, first, last)


def test_a_range_has_both_its_ends_and_its_prefixes_keep_their_zeros():
    assert prefixes_between("008", "011") == ("008", "009", "010", "011")
    assert prefixes_between("04", "04") == ("04",)


def test_only_as_many_prefixes_as_there_are_digits_for_are_all():
    assert are_all_prefixes(all_prefixes(2), 2)
    assert not are_all_prefixes(all_prefixes(2)[1:], 2)
    assert not are_all_prefixes(all_prefixes(2), 3)


def test_prefixes_and_ranges_may_be_mixed_and_repeated():
    assert parse_prefixes(["17-19", "04", "18"], 2) == ("04", "17", "18", "19")


@pytest.mark.parametrize("selection", ["4", "100", "ab", "", "17-", "-17", "30-17", "04-5", "٠٤"])
def test_an_unknown_prefix_is_refused_with_what_is_allowed(selection):
    with pytest.raises(ValueError, match="allowed: 2 digit"):
        parse_prefixes([selection], 2)


@pytest.mark.parametrize(
    ("prefixes", "ranges"),
    [
        ([], []),
        (["07"], [("07", "07")]),
        (["00", "05", "06", "17"], [("00", "00"), ("05", "06"), ("17", "17")]),
        (["08", "09", "10"], [("08", "10")]),
    ],
)
def test_ranges_have_no_holes(prefixes, ranges):
    assert contiguous_ranges(prefixes) == ranges
