"""Sealed documents: readable, exact, and damaged by any flipped byte."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from rlkit.errors import CorruptArtifactError, StateError, StoreError
from rlkit.storage.documents import LineEndingsError, check_format, seal, unseal

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)
documents = st.dictionaries(st.text().filter(lambda key: key != "checksum"), json_values, min_size=1, max_size=5)


@given(documents)
def test_a_document_comes_back_as_it_was(document):
    assert unseal(seal(document), "it") == document


@given(documents)
def test_a_sealed_document_is_ordinary_json(document):
    data = json.loads(seal(document).decode("ascii"))
    del data["checksum"]
    assert data == document


def test_every_flipped_bit_is_noticed():
    data = seal({"format": 1, "aliases": {"best": 3}, "text": "é"})
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(CorruptArtifactError):
                unseal(bytes(damaged), "it")


@given(documents, st.randoms())
def test_line_endings_that_were_changed_are_told_from_damage(document, chance):
    lines = seal(document).split(b"\n")
    changed = b"".join(line + chance.choice([b"\n", b"\r\n"]) for line in lines[:-1])
    with pytest.raises(LineEndingsError, match="CRLF instead of LF"):
        unseal(changed.replace(b"\n", b"\r\n", 1).replace(b"\r\r", b"\r"), "it")


def test_every_truncation_is_noticed_and_the_file_is_named():
    data = seal({"format": 1})
    for length in range(len(data)):
        with pytest.raises(CorruptArtifactError, match=r"models/a/meta\.json"):
            unseal(data[:length], "models/a/meta.json")


def test_nan_survives():
    assert math.isnan(unseal(seal({"metrics": {"x": math.nan}}), "it")["metrics"]["x"])


def test_numpy_numbers_and_arrays_become_plain():
    sealed = seal({"a": np.float32(0.5), "b": np.int64(3), "c": np.arange(3), "d": np.bool_(1)})
    assert unseal(sealed, "it") == {"a": 0.5, "b": 3, "c": [0, 1, 2], "d": True}


def test_what_has_no_form_in_json_is_refused():
    with pytest.raises(StateError, match="object has no form in JSON"):
        seal({"a": {"b": object()}})


def test_a_circle_is_refused():
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(StateError):
        seal({"a": circle})


def test_sealed_nonsense_is_still_refused():
    sealed_list = seal({"a": 1}).replace(b"{", b"[", 1)
    with pytest.raises(CorruptArtifactError):
        unseal(sealed_list, "it")


def test_a_newer_format_asks_for_an_update_and_a_missing_one_is_damage():
    check_format({"format": 1}, 2, "it")
    with pytest.raises(StoreError, match="Update rlkit"):
        check_format({"format": 3}, 2, "it")
    for document in ({}, {"format": "1"}, {"format": True}, {"format": 0}):
        with pytest.raises(CorruptArtifactError):
            check_format(document, 2, "it")
