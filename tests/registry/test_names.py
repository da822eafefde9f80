"""Names that every disk can keep, and references that say exactly what they mean."""

import pytest
from hypothesis import given, strategies as st

from rlkit.errors import InvalidNameError, InvalidReferenceError
from rlkit.registry.names import Reference, check_alias, check_name, check_tags, parse_reference

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{3,20}", fullmatch=True).filter(
    lambda name: not name.lower().startswith("con")
)

TRAVERSALS = [
    "..",
    ".",
    "../x",
    "a/../../x",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "C:x",
    "C:\\x",
    "\\\\server\\share",
    "a\0b",
    "~",
    "~root",
    "%2e%2e",
    "a\n",
    "\u2025",
    "a\u2044b",
    "\uff0e\uff0e",
    ".hidden",
    "-option",
    "a.",
    "a ",
    " a",
    "",
    "a" * 101,
    "ä",
    "nul",
    "NUL.txt",
    "com1",
    "LPT9.json",
    "Aux",
]


@pytest.mark.parametrize("name", TRAVERSALS)
def test_names_that_lead_elsewhere_or_nowhere_are_refused(name):
    with pytest.raises(InvalidNameError) as caught:
        check_name(name)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "name", ["a", "A", "0", "cartpole", "CartPole-v1", "a.b_c-d", "a" * 100, "console", "com", "com10"]
)
def test_ordinary_names_pass(name):
    assert check_name(name) == name


def test_the_refusal_offers_a_name_that_is_allowed():
    with pytest.raises(InvalidNameError, match="Try 'my-model-v2'"):
        check_name("my model (v2)")


@given(st.text())
def test_what_the_refusal_offers_is_always_allowed(name):
    try:
        check_name(name)
    except InvalidNameError as error:
        if "Try '" in error.remedy:
            offered = error.remedy.rpartition("Try '")[2].removesuffix("'.")
            assert check_name(offered) or offered.lower() in ("con", "prn", "aux", "nul")


@pytest.mark.parametrize("name", [None, 3, b"a", ["a"]])
def test_what_is_no_string_is_refused(name):
    with pytest.raises(InvalidNameError, match="must be a string"):
        check_name(name)


def test_names_that_differ_in_case_only_are_refused():
    assert check_name("cartpole", existing=["cartpole", "other"]) == "cartpole"
    with pytest.raises(InvalidNameError, match="Did you mean 'cartpole'"):
        check_name("CartPole", existing=["cartpole", "other"])


def test_the_name_of_a_file_is_refused_as_load_would_not_find_it_here():
    with pytest.raises(InvalidNameError, match=r"Try 'cartpole'"):
        check_name("cartpole.rlkit")


@pytest.mark.parametrize("alias", ["latest", "Latest", "", "a b", "../x", "a/b"])
def test_aliases_that_cannot_be_set_are_refused(alias):
    with pytest.raises(InvalidNameError):
        check_alias(alias)


@pytest.mark.parametrize(("alias", "version"), [("1", 1), ("v1", 1), ("V12", 12), ("007", 7), ("0", 1)])
def test_an_alias_that_looks_like_a_version_is_refused_with_the_version(alias, version):
    with pytest.raises(InvalidNameError, match=f"The alias '{alias}' looks like a version") as refused:
        check_alias(alias, "cartpole")
    assert f"'cartpole:{version}'" in refused.value.remedy
    assert check_alias(alias, new=False) == alias


@pytest.mark.parametrize("alias", ["v1.2", "v", "version1", "1st", "best2", "2026-01"])
def test_a_word_with_a_number_may_be_an_alias(alias):
    assert check_alias(alias) == alias


def test_tags_keep_their_order_and_lose_their_repeats():
    assert check_tags(["b", "a", "b"]) == ("b", "a")


@pytest.mark.parametrize("tags", ["baseline", ["a b"], ["a", 3], [""], None, 5])
def test_wrong_tags_are_refused(tags):
    with pytest.raises(InvalidNameError):
        check_tags(tags)


@given(names, st.none() | st.integers(1, 999_999_999))
def test_a_reference_to_a_version_is_given_back_as_it_was_written(name, version):
    text = name if version is None else f"{name}:{version}"
    assert parse_reference(text) == Reference(name, version)
    assert str(parse_reference(text)) == text


@given(names, names)
def test_a_reference_to_an_alias_is_given_back_as_it_was_written(name, alias):
    assert parse_reference(f"{name}@{alias}") == Reference(name, alias=alias)
    assert str(parse_reference(f"{name}@{alias}")) == f"{name}@{alias}"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("cartpole:v3", "'cartpole:3'"),
        ("cartpole:03", "'cartpole:3'"),
        ("cartpole: 3", "'cartpole:3'"),
        ("cartpole:best", "'cartpole@best'"),
        ("cartpole:", "'name:3'"),
        ("cartpole:0", "name"),
        ("cartpole:-1", "name"),
        ("cartpole:1.5", "name"),
        ("cartpole:\u0663", "name"),
        ("cartpole@", "'name@alias'"),
        ("cartpole@a@b", "'name@alias'"),
        ("cartpole@a:3", "'name@alias'"),
        ("cartpole:3@a", "'name@alias'"),
        ("cartpole:9999999999", "name"),
        (3, "'name:3'"),
        (None, "'name:3'"),
    ],
)
def test_what_is_no_reference_is_answered_with_one(text, right):
    with pytest.raises(InvalidReferenceError) as caught:
        parse_reference(text)
    assert right in caught.value.remedy


@pytest.mark.parametrize("text", ["../x", "../x:3", "a/b@c", "", ":3", "@best", "a@../b"])
def test_references_cannot_hold_wrong_names(text):
    with pytest.raises(InvalidNameError):
        parse_reference(text)
