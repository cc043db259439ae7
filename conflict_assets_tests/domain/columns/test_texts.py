"""Texts as codes, words and ranks."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_assets.domain.columns.arrays import NO_CODE
from conflict_assets.domain.columns.texts import encode, is_blank, trim
from conflict_assets.domain.columns.words import lengths, rank, words

texts = st.lists(
    st.text(max_size=20) | st.sampled_from(["", "a", "a\0", "ab", "abcdefgh", "abcdefghi", "\u00ff", "日本"])
)
one_length = st.integers(1, 20).flatmap(lambda size: st.lists(st.text("ab01-", min_size=size, max_size=size)))
some = settings(max_examples=settings.default.max_examples // 4)


@some
@given(values=texts | one_length, large=st.booleans())
def test_texts_rank_as_their_code_points_do(values: list[str], large: bool):
    array = pa.array(values, pa.large_string() if large else pa.string())
    distinct = sorted(set(values))

    assert rank(array).tolist() == [distinct.index(value) for value in values]


@some
@given(values=texts | one_length, start=st.integers(0, 5), skip=st.integers(0, 9))
def test_words_hold_the_bytes_of_a_text_and_of_a_slice_of_it(values: list[str], start: int, skip: int):
    array = pa.array(["before", *values], pa.string()).slice(1).slice(start)

    whole = [b"".join(int(word[row]).to_bytes(8, "big") for word in words(array, skip)) for row in range(len(array))]

    assert [text.rstrip(b"\0") for text in whole] == [v.encode()[skip:].rstrip(b"\0") for v in values[start:]]
    assert lengths(array).tolist() == [len(value.encode()) for value in values[start:]]


@some
@given(values=st.lists(st.none() | st.text(" \t\u00a0\u2003ab-é", max_size=5)) | one_length)
def test_trimming_strips_what_python_strips(values: list[str | None]):
    array = pa.array(values, pa.string())
    expected = [None if value is None else value.strip() or None for value in values]

    assert trim(array).to_pylist() == expected
    assert trim(array.dictionary_encode()).to_pylist() == expected
    assert is_blank(array).tolist() == [value is None for value in expected]
    codes = encode(array)
    assert [None if code == NO_CODE else codes.values[code] for code in codes.codes] == expected
    assert codes.values == sorted(set(expected) - {None})


def test_texts_without_margins_are_not_copied():
    array = pa.array(["a", "b"])

    assert trim(array) is array


def test_a_dictionary_may_hold_null_and_one_value_twice():
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3, None]), pa.array(["b", None, "a", " b"]))

    codes = encode(array)

    assert codes.codes.tolist() == [1, NO_CODE, 0, 1, NO_CODE]
    assert codes.take(np.array([2, 1, 3])).to_pylist() == ["a", None, "b"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_nulls_count_as_empty(kind: pa.DataType):
    array = pa.array([None, "abc", None], kind)

    assert lengths(array).tolist() == [0, 3, 0]
    assert words(array)[0].tolist() == [0, int.from_bytes(b"abc\0\0\0\0\0", "big"), 0]
