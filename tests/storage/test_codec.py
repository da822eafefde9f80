"""Encoding a state: exact, deterministic, plain data only."""

import collections
import enum
import io
import pickle
import string
import subprocess
import sys

import dill
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as arrays

from rlkit.errors import CorruptArtifactError, StateError
from rlkit.storage import codec
from rlkit.storage.plain import DTYPES, MAX_DEPTH, to_plain

some_arrays = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda code: arrays.arrays(np.dtype(code), arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)),
)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5) | some_arrays
)
states = st.dictionaries(
    st.text(max_size=5),
    st.recursive(leaves, lambda children: st.lists(children) | st.dictionaries(st.text(max_size=3), children)),
    max_size=5,
)


def assert_same(left, right):
    assert type(left) is type(right)
    if isinstance(left, dict):
        assert list(left) == list(right)
        for key in left:
            assert_same(left[key], right[key])
    elif isinstance(left, list):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_same(one, other)
    elif isinstance(left, np.ndarray):
        assert left.dtype == right.dtype
        assert left.shape == right.shape
        assert left.tobytes() == right.tobytes()
    else:
        assert left == right or left != left  # noqa: PLR0124 - NaN is the value that differs from itself


@given(states)
@settings(max_examples=200)
def test_a_state_comes_back_as_it_was_and_encodes_to_the_same_bytes(state):
    data = codec.encode(state)
    decoded = codec.decode(data)
    assert_same(decoded, state)
    assert codec.encode(decoded) == data


@given(states)
def test_plain_states_import_nothing(state):
    assert codec.foreign(codec.contents(codec.encode(state))) == []


def test_dill_itself_can_read_the_bytes():
    state = {"a": np.arange(6.0).reshape(2, 3), "b": [1, "x"]}
    assert_same(dill.loads(codec.encode(state)), state)


@given(states)
def test_the_bytes_are_those_of_dills_own_pickler(state):
    class DillPickler(dill.Pickler):
        """As it is, save that it takes a dict with the key ``__name__`` for no module's."""

        def save(self, obj, save_persistent_id=True):  # noqa: FBT002 - dill's signature
            if type(obj) is dict:
                pickle._Pickler.save_dict(self, obj)
            else:
                super().save(obj, save_persistent_id)

    buffer = io.BytesIO()
    pickler = DillPickler(buffer, protocol=4, byref=False, recurse=False)
    pickler.fast = True
    pickler.dump(to_plain(state))
    assert codec.encode(state) == buffer.getvalue()


def test_equal_states_give_equal_bytes_whatever_objects_they_share():
    word, number = "learning_rate", np.arange(3.0)
    copied = "".join(list(word))
    assert copied is not word
    shared = {"a": word, "b": word, "c": number, "d": number}
    apart = {"a": word, "b": copied, "c": number.copy(), "d": number.copy()}
    assert codec.encode(shared) == codec.encode(apart)


def test_the_bytes_are_the_same_in_another_process():
    code = (
        "import sys, numpy as np; from rlkit.storage import codec;"
        "sys.stdout.buffer.write(codec.encode({'b': np.arange(5, dtype='f4'), 'a': ['x', 2.5, b'y', None]}))"
    )
    other = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    assert codec.encode({"b": np.arange(5, dtype="f4"), "a": ["x", 2.5, b"y", None]}) == other


def test_the_settings_of_dill_do_not_matter(monkeypatch):
    state = {"a": np.arange(3.0), "b": {"c": "x"}}
    before = codec.encode(state)
    for name, value in {"recurse": True, "byref": True, "protocol": 0}.items():
        monkeypatch.setitem(dill.settings, name, value)
    assert codec.encode(state) == before


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("code", sorted(DTYPES))
def test_arrays_keep_their_type_and_layout_and_can_be_written_to(code, order):
    array = np.asarray(np.arange(6).reshape(2, 3), dtype=code, order=order)
    decoded = codec.decode(codec.encode({"a": array}))["a"]
    assert decoded.dtype == array.dtype
    assert np.array_equal(decoded, array)
    assert decoded.flags.f_contiguous == (order == "F")
    assert decoded.flags.owndata
    assert decoded.flags.writeable
    decoded[0, 0] = 1


def test_views_and_foreign_byte_orders_are_brought_into_one_form():
    plain = np.arange(0, 10, 2, dtype="i4")
    forms = [plain, np.arange(10, dtype="i4")[::2], plain.astype(">i4"), np.array(plain, np.dtype("i4", metadata={}))]
    assert len({codec.encode({"a": form}) for form in forms}) == 1


def test_a_big_endian_file_decodes_to_native_arrays(monkeypatch):
    data = codec.encode({"a": np.arange(3, dtype="i4")})
    little, big = np.arange(3, dtype="<i4").tobytes(), np.arange(3, dtype=">i4").tobytes()
    foreign = data.replace(little, big).replace(b"\x8c\x01<", b"\x8c\x01>")
    assert foreign != data
    decoded = codec.decode(foreign)["a"]
    assert decoded.dtype.isnative
    assert decoded.tolist() == [0, 1, 2]


def test_tuples_and_numpy_scalars_become_lists_and_numbers():
    state = {"a": (1, (2, 3)), "b": np.float32(0.5), "c": np.int64(3), "d": np.bool_(1), "e": np.str_("x")}
    decoded = codec.decode(codec.encode(state))
    assert_same(decoded, {"a": [1, [2, 3]], "b": 0.5, "c": 3, "d": True, "e": "x"})


class _Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        len,
        lambda: None,
        _Colour.RED,
        collections.OrderedDict(a=1),
        np.array([object()]),
        np.array(["x"]),
        np.zeros(2, dtype=[("x", "f4")]),
        np.array(0, dtype="datetime64[s]"),
        np.zeros(2, dtype=np.longdouble),
        np.longdouble(1),
        np.ma.masked_array([1.0]),
        bytearray(b"x"),
        range(3),
        2 + 3j,
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_refused_and_its_place_named(value):
    with pytest.raises(StateError) as caught:
        codec.encode({"optimizer": {"x": [0, value]}})
    assert "state['optimizer']['x'][1]" in caught.value.problem


def test_the_type_that_was_refused_is_named():
    with pytest.raises(StateError, match=r"state\['a'\] is a string\.Template"):
        codec.encode({"a": string.Template("")})


def test_keys_that_are_no_strings_are_refused():
    with pytest.raises(StateError, match=r"state\['a'\] has the key 1, a int"):
        codec.encode({"a": {1: 2}})


def test_a_state_must_be_a_dict():
    with pytest.raises(StateError, match="list"):
        codec.encode([1])  # type: ignore[arg-type]


def test_circles_and_bottomless_states_are_refused():
    circle: dict[str, object] = {}
    circle["a"] = circle
    with pytest.raises(StateError, match="contains itself"):
        codec.encode(circle)


def test_the_deepest_state_that_can_be_written_can_be_read():
    deepest: object = 1
    for _ in range(MAX_DEPTH - 1):
        deepest = [deepest]
    state = {"a": deepest}
    assert_same(codec.decode(codec.encode(state)), state)
    with pytest.raises(StateError):
        codec.encode({"a": [deepest]})


def test_a_dict_that_names_a_module_imports_nothing(monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    state = {"__name__": "this", "a": 1}
    assert codec.decode(codec.encode(state)) == state
    assert "this" not in sys.modules


def test_every_truncation_is_refused():
    data = codec.encode({"a": np.arange(3.0), "b": "x"})
    for length in range(len(data)):
        with pytest.raises(CorruptArtifactError):
            codec.decode(data[:length])


def test_bytes_after_the_end_are_refused():
    with pytest.raises(CorruptArtifactError, match="follow"):
        codec.decode(codec.encode({"a": 1}) + b"x")
