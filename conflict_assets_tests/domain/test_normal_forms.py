"""SSNs and ZIP codes once they are normal, one text at a time, by the table that all who read visits obey."""

import pytest

from conflict_assets.domain.normalization import normal_ssn, normal_zip_code
from conflict_assets_tests.normal_cases import SSNS, ZIPS


@pytest.mark.parametrize("text", SSNS)
def test_an_ssn_is_trimmed_without_dashes_and_white_space(text):
    assert normal_ssn(text) == (SSNS[text] or "")


@pytest.mark.parametrize("text", ZIPS)
def test_a_zip_code_has_five_digits_or_none(text):
    assert normal_zip_code(text) == (ZIPS[text] or "")
