"""What a text that others have written may show: no full SSN in any dress, no secret, and all else as it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conflict_assets.domain import masking
from conflict_assets.domain.masking import MaskedError, know_secrets, masked

SSN = "665115569"
DRESSES = {
    "alone": "665115569",
    "letters after it": "'665115569x'",
    "letters before it": "x665115569",
    "letters at both ends": "id665115569abc",
    "underscores": "ssn_665115569_old",
    "dashes": "665-11-5569",
    "spaces": "665 11 5569",
    "dots": "665.11.5569",
    "slashes": "665/11/5569",
    "dashes within spaces": "665 - 11 - 5569",
    "an en dash": "665\u201311\u20135569",
    "a minus": "665\u221211\u22125569",
    "spaces that don't break": "665\u00a011\u00a05569",
    "a space of no width": "665\u200b115569",
    "a tab": "665\t11\t5569",
    "JSON": '{"ssn": "665115569", "name": "x"}',
    "JSON of JSON": '{\\"ssn\\": \\"665115569\\"}',
    "JSON's escapes": "caf\\u00e9665115569",
    "a number in JSON": '{"ssn": 665115569}',
    "a number with a point": "665115569.0",
    "quotes": "'665115569'",
    "double quotes": '"665-11-5569"',
    "a row in a detail": "Key (ssn, visit_id)=(665115569, 04P) already exists.",
    "an array": "{665115569,041234567}",
    "wide digits": "".join(chr(0xFF10 + int(digit)) for digit in SSN),
    "arabic digits": "".join(chr(0x0660 + int(digit)) for digit in SSN),
    "a URL": "ssn=665%2D11%2D5569",
    "a URL's space": "of%20665115569",
    "a file's name": "/data/665115569.csv",
    "a line's end": "665115569\\n",
}


def digits_of(text):
    return "".join(str(int(each)) for each in text if each.isdecimal())


@pytest.mark.parametrize("text", DRESSES.values(), ids=DRESSES)
def test_an_ssn_is_masked_in_any_dress(text):
    assert SSN in digits_of(text.replace("%2D", "").replace("%20", " ").replace("\\u00e9", ""))
    found = masked(text)
    assert "***-**-" in found
    assert "66511" not in digits_of(found)


@pytest.mark.parametrize(
    "text",
    [
        "[17/97] prefix 04: 849 conflicts, 1698 rows (412 new, 3 resolved) in 0.4 s",
        "2026-11-27 14:24:03.123456+00:00",
        "run 12345678-9012-4234-8234-123456789abc",
        "query 01b71944-0001-b181-0000-012903227907",
        "pair 0123456789abcdef0a123456789bcdef",
        "1764253443.12",
        "6651155691 and 1665115569",
        "127.0.0.1:5432",
        "![bars](data:image/png;base64,AAAA665115569BBBB=)",
        "allowed: postgresql://user:password@host:5432/database",
        "Check SNOWFLAKE_PASSWORD, SNOWFLAKE_PRIVATE_KEY and SNOWFLAKE_TOKEN.",
        "https://dagster.example/runs/12345678-9012-4234-8234-123456789abc",
    ],
)
def test_what_is_neither_stays_as_it_is(text):
    assert masked(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:S3creT@h:5432/d",
        "postgresql://u:a@S3creT@h:5432/d",
        "postgresql://u:a#S3creT@h/d",
        "postgresql://u:a/S3creT@h/d",
        "postgresql://u:a?S3creT@h/d",
        "postgresql://u:a%S3creT@h/d",
        "postgresql://u:a:S3creT@h/d",
        "could not connect to 'postgresql+psycopg2://u:S3creT@h/d'",
        "https://S3creT@host/path",
        "host=h password=S3creT dbname=d",
        "host=h password='two S3creT' dbname=d",
        "password = S3creT",
        "ALTER ROLE x PASSWORD 'S3creT'",
        "SNOWFLAKE_PASSWORD=S3creT",
        '{"token": "S3creT", "x": 1}',
        "{'private_key': 'S3creT'}",
        "https://host/x?token=S3creT&y=1",
        "Authorization: Bearer S3creT",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nS3creT\n-----END ENCRYPTED PRIVATE KEY-----",
    ],
)
def test_a_secret_is_masked_by_where_it_stands(text):
    found = masked(text)
    assert "S3creT" not in found
    assert "***" in found


SEPARATORS = ("", "-", " ", ".", "_", "/", " - ", "\u2013", "\u00a0", "\u200b", "\t", "%2D")
AROUND = st.text(st.characters(exclude_categories=("Nd", "Cs")), max_size=20).map(
    lambda text: re.sub(r"[%\\]|data:|[0-9]", "x", text)
)


@given(
    digits=st.text("0123456789", min_size=9, max_size=9),
    separators=st.tuples(st.sampled_from(SEPARATORS), st.sampled_from(SEPARATORS)),
    around=st.tuples(AROUND, AROUND),
)
def test_no_ssn_survives_whatever_is_around_it(digits, separators, around):
    first, second = separators
    dressed = f"{digits[:3]}{first}{digits[3:5]}{second}{digits[5:]}"
    found = masked(f"{around[0]}{dressed}{around[1]}")
    assert dressed not in found
    assert digits[:5] not in digits_of(found)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        "a" * 5,
        "a@://",
        "a://@ ",
        "eyJ",
        "eyJ.",
        "bearer",
        "data:",
        "665115569 ",
        "0123456789abcdef" * 2 + " ",
        "password='",
    ],
)
def test_a_long_text_is_masked_in_time_that_grows_as_it_does(text):
    masked(text * (2_000_000 // len(text)))


@pytest.fixture
def forgetful(monkeypatch):
    monkeypatch.setattr(masking, "_known", set())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Hunter-22", "refused: Hunter-22"),
        ("p@ss word", "for p%40ss%20word and p@ss word"),
        ("postgresql://u:Hunter%2F22@h/d", "for Hunter/22 and Hunter%2F22"),
        ("postgresql://u:a@Hunter/22@h/d", "for a@Hunter/22"),
        ("host=h password='Hunter 22'", "for Hunter 22"),
        ("https://hooks.example/services/T00/B00/Hunter22", "POST /services/T00/B00/Hunter22"),
    ],
)
@pytest.mark.usefixtures("forgetful")
def test_a_secret_of_the_settings_is_known_wherever_it_stands(value, said):
    know_secrets([value])
    found = masked(said)
    assert "Hunter" not in found
    assert "p@ss" not in found
    assert "***" in found


@pytest.mark.usefixtures("forgetful")
def test_a_password_that_is_a_word_does_not_mask_the_word():
    know_secrets(["postgres", "postgresql://postgres:conflicts@db/conflicts"])
    assert masked("849 conflicts in postgres") == "849 conflicts in postgres"


def test_our_errors_are_masked_as_they_are_made():
    assert str(MaskedError("The store says: '665115569x'")) == "The store says: '***-**-5569x'"
    assert MaskedError("665115569").args == ("***-**-5569",)
