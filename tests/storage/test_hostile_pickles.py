"""What a file could try: none of it runs, none of it takes memory, and the refusal names what it reached for."""

import os
import pickle
import pickletools
import struct
import subprocess
import tracemalloc
from pathlib import Path

import dill
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from rlkit.errors import CorruptArtifactError, StoreError, UntrustedArtifactError
from rlkit.storage import codec


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def text(word: str) -> bytes:
    return b"\x8c" + bytes([len(word)]) + word.encode()


def imported(module: str, name: str) -> bytes:
    return text(module) + text(name) + pickle.STACK_GLOBAL


def state_with(value: bytes) -> bytes:
    """A state {"a": value} in the opcodes that rlkit itself writes."""
    return b"\x80\x04}" + text("a") + value + b"s."


def dtype(code: str = "f8", order: str = "<", tail: bytes = b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00") -> bytes:
    return imported("numpy", "dtype") + text(code) + b"\x89\x88\x87R(K\x03" + text(order) + tail + b"tb"


def array(shape: bytes, kind: bytes, data: bytes) -> bytes:
    start = imported("numpy._core.multiarray", "_reconstruct") + imported("numpy", "ndarray")
    return (
        imported("dill._dill", "_create_array")
        + b"("
        + start
        + b"K\x00\x85C\x01b\x87(K\x01"
        + shape
        + kind
        + b"\x89"
        + b"C"
        + bytes([len(data)])
        + data
        + b"tNtR"
    )


def whole(number: int) -> bytes:
    data = pickle.encode_long(number)
    return b"\x8a" + bytes([len(data)]) + data


def test_the_pieces_used_below_make_a_valid_state():
    data = state_with(array(b"K\x02\x85", dtype(), struct.pack("<2d", 1, 2)))
    assert codec.decode(data)["a"].tolist() == [1.0, 2.0]


CALLS = {
    "posix.system": Call(os.system, "touch {}"),
    "builtins.eval": Call(eval, "open('{}', 'w')"),
    "builtins.exec": Call(exec, "open('{}', 'w')"),
    "builtins.__import__": Call(__import__, "os"),
    "builtins.getattr": Call(getattr, Call(__import__, "os"), "system"),
    f"{open.__module__}.open": Call(open, "{}", "w"),  # io or _io, by version of Python
    "subprocess.Popen": Call(subprocess.Popen, ["touch", "{}"]),
    "dill._dill._eval_repr": Call(dill._dill._eval_repr, "open('{}', 'w')"),
    "dill._dill._import_module": Call(dill._dill._import_module, "os.system"),
    "dill._dill._create_function": Call(dill._dill._create_function, None),
    "dill._dill._load_type": Call(dill._dill._load_type, "FunctionType"),
    "_pickle.loads": Call(pickle.loads, b""),
    "numpy.load": Call(np.load, "{}"),
}


# What scanners of pickles look for, and the ways around them that have been published.
GADGETS = (Path(__file__).parent / "gadgets.txt").read_text().split()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("protocol", range(6))
def test_no_call_is_made_and_what_it_would_import_is_listed(name, protocol, tmp_path):
    mark = tmp_path / "mark"
    function, arguments = CALLS[name].call
    filled = tuple(word.format(mark) if isinstance(word, str) else word for word in arguments)
    data = pickle.dumps({"a": [1, {"b": Call(function, *filled)}]}, protocol=protocol, fix_imports=False)
    with pytest.raises(UntrustedArtifactError) as caught:
        codec.decode(data)
    assert name in caught.value.problem
    assert name in codec.foreign(codec.contents(data))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("dill._dill", "_eval_repr"),
        ("dill._dill", "_create_array.__globals__"),
        ("numpy", "ndarray.__class__"),
        ("numpy", "dtype.__init__"),
        ("numpy", "load"),
        ("numpy", "f2py.crackfortran.myeval"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "fromfile"),
        ("dill", "_dill._create_array"),
        ("numpy._core", "multiarray._reconstruct"),
        *(tuple(name.rsplit(".", 1)) for name in GADGETS),
    ],
)
def test_only_exact_pairs_are_allowed(module, name):
    with pytest.raises(UntrustedArtifactError) as caught:
        codec.decode(state_with(imported(module, name)))
    assert f"{module}.{name}" in caught.value.problem


def test_the_unpickler_itself_refuses_other_names():
    """Also where the listing of opcodes would have let one through."""
    for module, name in [("os", "system"), ("dill._dill", "_eval_repr"), ("numpy", "ndarray.tofile")]:
        with pytest.raises(UntrustedArtifactError):
            codec._Unpickler(None or __import__("io").BytesIO(b"\x80\x04" + imported(module, name) + b".")).load()


@pytest.mark.parametrize(
    "opcodes",
    [b"\x82\x05", b"\x83\x05\x00", b"\x84\x05\x00\x00\x00", b"Pid\n", b"K\x01Q", b"\x97", b"K\x01\x98"],
    ids=["EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER"],
)
def test_other_ways_out_of_a_file_are_refused_before_it_runs(opcodes):
    with pytest.raises(UntrustedArtifactError):
        codec.decode(b"\x80\x05}" + text("a") + opcodes + b"s.")


@pytest.mark.parametrize(
    "code",
    [opcode.code for opcode in pickletools.opcodes if opcode.name not in codec.opcodes.PLAIN],
    ids=repr,
)
def test_opcodes_that_rlkit_never_writes_are_refused(code):
    arguments = {"c": b"numpy\ndtype\n", "i": b"numpy\ndtype\n"}
    data = (
        b"\x80\x05}"
        + text("a")
        + b"(K\x01"
        + code.encode("latin-1")
        + arguments.get(code, b"1\n\x00\x00\x00\x00\x00\x00")
    )
    with pytest.raises((UntrustedArtifactError, CorruptArtifactError)):
        codec.decode(data + b"s.")


def test_a_truncated_attack_still_says_what_it_would_have_run():
    data = pickle.dumps(Call(os.system, "true"), protocol=4)[:-1]
    with pytest.raises(UntrustedArtifactError, match=r"posix\.system"):
        codec.decode(data)


def test_a_nested_pickle_in_a_harmless_string_stays_a_string():
    inner = pickle.dumps(Call(os.system, "true"))
    assert codec.decode(codec.encode({"a": inner})) == {"a": inner}


STAND_INS = sorted(codec._STAND_INS)


@pytest.mark.parametrize("pair", STAND_INS, ids=".".join)
@pytest.mark.parametrize(
    "change",
    [
        b"}" + text("name") + text("x") + b"sb",  # a dict for __dict__
        b"N}" + text("_call") + text("x") + b"s\x86b",  # (None, dict) for __slots__
    ],
    ids=["attributes", "slots"],
)
def test_a_file_cannot_change_a_stand_in_for_the_next_file(pair, change):
    good = codec.encode({"a": np.arange(3.0)})
    with pytest.raises(CorruptArtifactError):
        codec.decode(state_with(imported(*pair) + change))
    assert codec.decode(good)["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("pair", STAND_INS, ids=".".join)
def test_no_stand_in_is_left_in_a_state(pair):
    with pytest.raises(CorruptArtifactError, match=r"state\['a'\]"):
        codec.decode(state_with(imported(*pair)))


@pytest.mark.parametrize("pair", [("numpy", "ndarray"), ("numpy._core.multiarray", "_reconstruct")], ids=".".join)
def test_names_that_dill_passes_but_never_calls_cannot_be_called(pair):
    with pytest.raises(CorruptArtifactError, match="never called"):
        codec.decode(state_with(imported(*pair) + b"K\x00\x85R"))


EIGHT = b"\0" * 8
BAD_ARRAYS = {
    "objects": array(b"K\x01\x85", dtype("O8", "|"), EIGHT),
    "text": array(b"K\x01\x85", dtype("U2"), EIGHT),
    "records": array(b"K\x01\x85", dtype("V8", "|"), EIGHT),
    "long doubles": array(b"K\x01\x85", dtype("f16"), EIGHT * 2),
    "a type by a longer name": array(b"K\x01\x85", dtype("f8,f8"), EIGHT * 2),
    "too few bytes": array(b"K\x02\x85", dtype(), EIGHT),
    "too many bytes": array(b"K\x01\x85", dtype(), EIGHT * 2),
    "a bomb of a shape": array(whole(2**60) + b"\x85", dtype(), EIGHT),
    "a bomb that wraps around": array(whole(2**61) + whole(2**3) + b"\x86", dtype(), EIGHT),
    "a bomb beside a zero": array(whole(2**62) + whole(2**62) + b"K\x00\x87", dtype(), b""),
    "a negative shape": array(b"J\xff\xff\xff\xff\x85", dtype(), EIGHT),
    "two negatives": array(b"J\xff\xff\xff\xffJ\xff\xff\xff\xff\x86", dtype(), EIGHT),
    "a shape that is no tuple": array(b"K\x01", dtype(), EIGHT),
    "a truth in the shape": array(b"\x88\x85", dtype(), EIGHT),
    "a fraction in the shape": array(b"G" + struct.pack(">d", 1) + b"\x85", dtype(), EIGHT),
    "too many dimensions": array(b"(" + b"K\x01" * 65 + b"t", dtype(), EIGHT),
    "truths other than 0 and 1": array(b"K\x01\x85", dtype("b1", "|"), b"\x02"),
    "no dtype": array(b"K\x01\x85", text("f8"), EIGHT),
    "a dtype with fields": array(b"K\x01\x85", dtype(tail=b"N)NK\x08K\x08K\x00"), EIGHT),
    "an unknown byte order": array(b"K\x01\x85", dtype(order="x"), EIGHT),
    "a dtype by itself": dtype(),
    "a dtype without its order": imported("numpy", "dtype") + text("f8") + b"\x89\x88\x87R",
    "text for bytes": array(b"K\x01\x85", dtype(), EIGHT).replace(b"C\x08" + EIGHT, text("\0" * 8)),
    "an array for an array": imported("dill._dill", "_create_array") + b"NNN\x87R",
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_arrays_that_numpy_would_not_build_safely_are_refused(name):
    tracemalloc.start()
    try:
        with pytest.raises(CorruptArtifactError):
            codec.decode(state_with(BAD_ARRAYS[name]))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


HUGE = struct.pack("<Q", 2**40)
BOMBS = {
    "bytes longer than the file": state_with(b"\x8e" + HUGE),
    "text longer than the file": state_with(b"\x8d" + HUGE),
    "a bytearray longer than the file": state_with(b"\x96" + HUGE),
    "a frame longer than the file": b"\x80\x04\x95" + HUGE + b"}.",
    "a memo that is mostly holes": state_with(b"K\x01r\xff\xff\xff\x7f"),
    "a laugh repeated a billion times": pickle.dumps(eval("[" * 5 + "'lol'" + "] * 30" * 5, {})),  # noqa: S307 - literal
    "very deep lists": b"\x80\x04}" + text("a") + b"]" * 5000 + b"a" * 4999 + b"s.",
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_bomb_goes_off(name):
    tracemalloc.start()
    try:
        with pytest.raises(CorruptArtifactError):
            codec.decode(BOMBS[name])
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", [[], "x", 1, None, [{"a": 1}]])
def test_what_is_no_dict_is_no_state(value):
    pickler_bytes = codec.encode({"a": value}).replace(b"\x8c\x01a", b"", 1)
    with pytest.raises(CorruptArtifactError):
        codec.decode(pickler_bytes)


@given(st.binary(max_size=60))
@settings(max_examples=500)
def test_random_bytes_are_refused_in_one_way(data):
    with pytest.raises(StoreError):
        codec.decode(data)


@given(st.data())
@settings(max_examples=500)
def test_a_damaged_state_either_fails_in_one_way_or_is_still_plain(data):
    good = bytearray(codec.encode({"a": np.arange(3.0), "b": ["x", 1, 2.5, None, True], "c": {"d": b"y"}}))
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = codec.decode(bytes(good))
    except StoreError:
        return
    codec.encode(decoded)
