"""SSNs and ZIP codes once they are normal, one text at a time, by the table that all who read visits obey."""

import pytest

from conflict_assets.domain.columns.instants import as_days, as_instants
from conflict_assets.domain.columns.numbers import as_numbers
from conflict_assets.domain.normalization import is_valid_ssn, normal_ssn, normal_zip_code, with_lost_zeros
from conflict_assets_tests.normal_cases import BLANK, KEPT, NUMBERS, SSNS, ZIPS


@pytest.mark.parametrize("text", SSNS)
def test_an_ssn_is_trimmed_without_dashes_and_white_space(text):
    assert normal_ssn(text) == (SSNS[text] or "")


@pytest.mark.parametrize(
    ("ssn", "valid"),
    [("041234567", True), ("04123456", False), ("0412345678", False), ("\uff10\uff1141234567"[:9], False), ("", False)],
)
def test_an_ssn_is_valid_when_it_is_nine_ascii_digits(ssn, valid):
    assert is_valid_ssn(ssn) is valid


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_gets_no_more_zeros_back_than_it_may_have_lost(number):
    assert with_lost_zeros(str(number), 9) == NUMBERS[number]


@pytest.mark.parametrize("text", ZIPS)
def test_a_zip_code_has_five_digits_or_none(text):
    assert normal_zip_code(text) == (ZIPS[text] or "")


@pytest.mark.parametrize("sign", BLANK, ids=ascii)
def test_a_number_a_date_and_a_time_in_a_text_are_trimmed_too(sign):
    assert as_numbers([f"{sign}40.5{sign}"], "latitude")[0].tolist() == [40.5]
    assert not as_numbers([sign * 2], "latitude")[1].any()
    for read, text in ((as_days, "2025-06-02"), (as_instants, "2025-06-02T13:00:00+00:00")):
        assert read([f"{sign}{text}{sign}", sign], "x").tolist() == read([text, None], "x").tolist()


@pytest.mark.parametrize("sign", KEPT, ids=ascii)
def test_a_number_with_anything_else_at_its_end_is_none(sign):
    numbers, held = as_numbers([f"40.5{sign}"], "latitude")
    assert (str(numbers[0]), held.tolist()) == ("nan", [True])
