"""A pickle is read as an unpickler would, without being run: nothing in it hides, and nothing in it takes long."""

import pickle
import pickletools
import sys
import tracemalloc

import dill
import pytest
from hypothesis import example, given, settings, strategies as st

from rlkit.errors import CorruptArtifactError, UntrustedArtifactError
from rlkit.storage import code, codec, opcodes
from rlkit.storage.code import decode_class, encode_class
from rlkit.storage.packing import Packed, open_class


def text(word):
    encoded = word.encode()
    return b"X" + len(encoded).to_bytes(4, "little") + encoded


def imported(module, name):
    return text(module) + text(name) + b"\x93"


PROTO = b"\x80\x04"
TAG = text(sys.implementation.cache_tag)
SYSTEM = imported("posix", "system")
PPO = imported("rlkit.models.ppo", "PPO")
CALL = text("touch {}") + b"\x85R"


def hostile(*parts):
    """A class object whose parts end in the class that it seems to hold, with the path of the mark filled in."""
    return b"".join((PROTO, TAG, *parts, PPO, b"\x86."))


DECOYS = {
    "names under names that are popped": hostile(
        text("posix"), text("system"), text("rlkit.models.ppo"), text("PPO"), b"00\x93", CALL, b"0"
    ),
    "a name that is popped": hostile(SYSTEM, PPO, b"0", CALL, b"0"),
    "a name after a number that is popped": hostile(text("posix"), text("system"), b"K\x010\x93", CALL, b"0"),
    "a popped mark": hostile(text("posix"), b"(0", text("system"), b"\x93", CALL, b"0"),
    "what was popped down to a mark": hostile(text("posix"), text("system"), b"(", PPO, b"1\x93", CALL, b"0"),
    "a name that is left on the stack": hostile(SYSTEM, CALL, b"("),
    "a numbered place in the memo": hostile(text("posix"), b"q\x07", text("system"), b"\x93", CALL, b"0"),
    "a name twice": hostile(SYSTEM, b"2", CALL, b"00"),
    "an old way to import": hostile(b"(", text("touch {}"), b"iposix\nsystem\n", b"0"),
    "an object of the stack": hostile(b"(", SYSTEM, text("touch {}"), b"o", b"0"),
    "an old protocol, in which names mean others": hostile(b"\x80\x02", b"cposix\nsystem\n", CALL, b"0"),
    "a name that a call makes": hostile(
        text("posix"), imported("builtins", "str"), text("system"), b"\x85R\x93", CALL, b"0"
    ),
    "a name with a dash": hostile(imported("posix", "sys-tem"), CALL, b"0"),
    "arguments that a call makes": hostile(SYSTEM, imported("builtins", "tuple"), b"(", text("x"), b"l\x85RR0"),
    "an attribute of what is imported": hostile(PPO, b"N}", text("_act"), SYSTEM, b"s\x86b", b"0"),
    "items of what is imported": hostile(PPO, text("_act"), SYSTEM, b"s", b"0"),
    "an end before the end": PROTO + TAG + SYSTEM + CALL,
    "bytes after the end": hostile(SYSTEM, CALL, b"0") + b"x",
}


@pytest.mark.parametrize("name", DECOYS)
def test_no_class_hides_what_it_runs_and_trust_does_not_open_what_would(name, tmp_path):
    mark = tmp_path / "mark"
    data = DECOYS[name].replace(text("touch {}"), text(f"touch {mark}"))
    found = code.contents(data)
    assert any(word in str(each) for each in found.reached for word in ("posix", "a name that"))
    assert found.strange
    for trusted in (True, False):
        with pytest.raises(CorruptArtifactError, match="rlkit never writes"):
            open_class({"code": Packed(data)}, "x:1", trusted=trusted)
    assert not mark.exists()


def load_type(word):
    return imported("dill._dill", "_load_type") + word + b"\x85R"


LINES = b"C\x00" + b"K\x00" * 6  # a line table, and the numbers before the instructions


def test_a_name_below_a_builder_is_not_taken_for_one():
    """``rebuild`` builds any class and is not listed; its attributes lead to everything that Python has."""
    found = code.contents(hostile(imported("rlkit.storage.rebuild", "types.FunctionType"), b"N\x85R0"))
    assert "rlkit.storage.rebuild.types.FunctionType" in found.reached
    assert code.contents(hostile(imported("rlkit.storage.rebuild", "cell"), b")R0")).reached == (
        "rlkit.models.ppo.PPO",
    )


def test_types_that_dill_knows_by_another_name_are_listed():
    assert dill._dill._load_type("FileType")
    reached = code.contents(hostile(load_type(text("FileType")), b"0")).reached
    assert "dill._dill._load_type('FileType')" in reached
    assert code.contents(hostile(load_type(text("object")), b"0")).reached == ("rlkit.models.ppo.PPO",)


@pytest.mark.parametrize(
    "call",
    [
        load_type(imported("builtins", "str") + text("FileType") + b"\x85R"),
        imported("importlib", "import_module") + imported("builtins", "str") + text("os") + b"\x85R\x85R",
        imported("importlib", "import_module") + text(".system") + text("os") + b"\x86R",
        imported("importlib", "import_module") + text("o" * 1000) + b"\x85R",
        imported("dill._dill", "_create_code") + b"(" + b"K\x00" * 6 + b"C\x02d\x00N)))NNtR",  # without the line table
        imported("dill._dill", "_create_code")
        + b"("
        + LINES
        + imported("builtins", "bytes")
        + b"C\x02d\x00\x85R"
        + b"NN)tR",
        imported("dill._dill", "_create_code") + b"(" + LINES + b"C\x02d\x00N]tR",
    ],
    ids=["type", "module", "relative module", "long module", "no line table", "instructions", "names"],
)
def test_what_is_listed_by_its_arguments_has_them_written_out(call):
    data = hostile(call, b"0")
    assert code.contents(data).strange
    with pytest.raises(CorruptArtifactError, match="not written in it"):
        decode_class(data)


@pytest.mark.parametrize("others", ["", "2, 'last',"], ids=["POP", "POP_MARK"])
def test_a_tuple_that_holds_itself_may_pop_its_parts(others):
    """Python's pickler does so, also with words among them."""
    names = {"__name__": "__main__"}
    source = f"def f(): ...\nf.row = ('word', f, {others})\nclass Mine:\n    row = f.row\n"
    exec(source, names)  # noqa: S102 - a notebook's cell
    data = encode_class(names["Mine"])
    assert {opcode.name for opcode, _, _ in pickletools.genops(data)} > {"POP_MARK" if others else "POP"}
    row = decode_class(data).row
    assert row[0] == "word"
    assert row[1].row is row


def test_opcodes_that_dill_writes_in_text_are_read():
    names = {"__name__": "__main__"}
    exec("import dataclasses\nclass Mine:\n    a, b = dataclasses.MISSING, type(None)\n", names)  # noqa: S102
    data = encode_class(names["Mine"])
    assert b"cdataclasses\nMISSING\n" in data
    assert not code.contents(data).strange
    assert decode_class(data).b is type(None)


# -- time and memory ---------------------------------------------------------------------------------------------------

MANY = 20_000
ENDLESS = {
    "nested tuples as a key": PROTO + b"})" + b"\x85" * MANY + b"Ns.",
    "nested tuples as a value": PROTO + b"}" + text("a") + b")" + b"\x85" * MANY + b"s.",
    "tuples of the same twice": PROTO + b"}" + text("a") + b")" + b"2\x86" * MANY + b"s.",
    "tuples of the same twice as a key": PROTO + b"})" + b"2\x86" * MANY + b"Ns.",
    "tuples of the same from the memo": PROTO + b"})\x94" + b"h\x00h\x00\x86q\x00" * MANY + b"Ns.",
    "nested lists": PROTO + b"}" + text("a") + b"]" * MANY + b"a" * (MANY - 1) + b"s.",
    "nested dicts": PROTO + (b"}" + text("a")) * MANY + b"N" + b"s" * MANY + b".",
    "marks": PROTO + b"(" * MANY + b".",
    "lists that nobody closes": PROTO + b"]" * MANY + b".",
    "a set as a key": PROTO + b"}(\x91Ns.",
    "a number as a key": PROTO + b"}K\x01Ns.",
    "a tuple as a key": PROTO + b"})Ns.",
    "keys of two kinds": PROTO + b"}(" + text("a") + b"NNNu.",
    "a large number": PROTO + b"}" + text("a") + b"\x8b" + MANY.to_bytes(4, "little") + b"\x7f" * MANY + b"s.",
    "a number of a thousand bits and more": PROTO + b"}" + text("a") + b"\x8a\x82" + b"\x7f" * 130 + b"s.",
    "a number in text": PROTO + b"}" + text("a") + b"I" + b"9" * MANY + b"\ns.",
    "frames in frames": PROTO + (b"\x95" + (2**40).to_bytes(8, "little")) * 100 + b"}.",
    "a name that is long": PROTO + text("a" * MANY) + b"\x94" + (b"h\x00h\x00\x93" * MANY) + b".",
    "a key that is long": PROTO + b"}" + text("a" * MANY) + b"(" + b"N" * MANY + b"ls.",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_is_no_state_is_refused_before_it_is_built(name):
    data = ENDLESS[name]
    tracemalloc.start()
    try:
        with pytest.raises((CorruptArtifactError, UntrustedArtifactError)) as refused:
            codec.decode(data)
        assert tracemalloc.get_traced_memory()[1] < 2**20 + 200 * len(data)
    finally:
        tracemalloc.stop()
    assert len(str(refused.value)) < 3000


@pytest.mark.parametrize("name", ENDLESS)
def test_what_is_no_class_is_refused_before_it_is_built(name):
    data = PROTO + TAG + ENDLESS[name].removeprefix(PROTO)
    for trusted in (True, False):
        with pytest.raises((CorruptArtifactError, UntrustedArtifactError)):
            open_class({"code": Packed(data)}, "x:1", trusted=trusted)


def test_functions_that_share_all_their_code_are_not_read_over_and_over():
    code_of = imported("dill._dill", "_create_code") + b"\x94"
    once = b"(" + LINES + b"B" + MANY.to_bytes(4, "little") + b"d\x00" * (MANY // 2) + b"\x94N)tR0"
    again = b"h\x00(" + LINES + b"h\x01N)tR0"
    data = PROTO + TAG + code_of + once + again * MANY + PPO + b"\x86."
    with pytest.raises(CorruptArtifactError, match="code that is not written in it"):
        decode_class(data)


@given(
    st.recursive(st.integers() | st.text(max_size=3) | st.none(), lambda parts: st.lists(parts, max_size=4).map(tuple))
)
@example(((((),),),))
@settings(max_examples=100)
def test_tuples_are_what_they_would_be(value):
    """Followed opcode by opcode, any tuple comes out as unpickling it would give it."""

    def plain(part):
        return tuple(map(plain, part.parts)) if isinstance(part, opcodes.Built) else part

    assert plain(opcodes.read(pickle.dumps(value, 4), opcodes.BY_VALUE).result) == value
