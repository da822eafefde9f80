"""The filter language: what it finds, and all that it refuses to do."""

import math
import operator

import pytest
from hypothesis import given, strategies as st

from rlkit.errors import QueryError
from rlkit.registry.query import Filter, check_comparisons, check_fields, order_field, ordered, value_at, written
from rlkit.registry.versions import TYPES

DOCUMENT = {
    "name": "cartpole",
    "version": 3,
    "algorithm": "ppo",
    "seed": None,
    "tags": ["baseline", "a"],
    "metrics": {"mean_return": 450.5, "failures": 0, "eval/return": 7, "unknown": math.nan},
    "config": {"learning_rate": 0.001, "policy": {"net_arch": [64, 64]}, "lambda": 0.95},
    "git": {"commit": "abc", "dirty": True},
    "_registered": {"tags": []},
}


@pytest.mark.parametrize(
    "text",
    [
        "algorithm = 'ppo'",
        "algorithm == 'ppo'",
        'algorithm="ppo"',
        "algorithm != 'dqn'",
        "algorithm = 'ppo' and metrics.mean_return > 400 and 'baseline' in tags",
        "algorithm = 'ppo' AND NOT metrics.mean_return <= 400 OR name IN ('x',)",
        "metrics.mean_return >= 450.5",
        "400 < metrics.mean_return < 500",
        "metrics.failures = 0",
        "metrics.failures > -1",
        "metrics['eval/return'] = 7",
        "config['lambda'] < 1",
        "config.policy.net_arch = [64, 64]",
        "64 in config.policy.net_arch",
        "'mean_return' in metrics",
        "algorithm in ('ppo', 'a2c')",
        "algorithm not in ['dqn']",
        "'pol' in name",
        "'x' not in tags",
        "seed = none",
        "seed = None",
        "seed = NULL",
        "git.dirty",
        "git.dirty = true",
        "not metrics.failures",
        "metrics.missing = none",
        "metrics.missing != 3",
        "(algorithm = 'dqn' or version = 3) and version < 4",
        "  version = 3  ",
        "name != 'a = b AND c'",
    ],
)
def test_these_find_the_document(text):
    assert Filter(text)(DOCUMENT) is True


@pytest.mark.parametrize(
    "text",
    [
        "algorithm = 'dqn'",
        "algorithm = 'PPO'",
        "metrics.mean_return > 450.5",
        "metrics.missing > 0",
        "metrics.missing < 0",
        "metrics.missing.deeper = 1",
        "seed > 0",
        "seed < 0",
        "'x' in seed",
        "algorithm > 3",
        "version > 'a'",
        "3 in algorithm",
        "metrics.unknown > 0",
        "metrics.unknown <= 0",
        "tags < 3",
        "not git.dirty",
    ],
)
def test_these_do_not_find_it(text):
    assert Filter(text)(DOCUMENT) is False


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "open('x')",
        "name.upper()",
        "(lambda: 1)()",
        "[x for x in tags]",
        "{'a': 1}",
        "{1, 2}",
        "f'{name}'",
        "version + 1 > 3",
        "2 ** 100000000",
        "'a' * 10000000",
        "name if version else 1",
        "(name := 1)",
        "tags[0] = 'a'",
        "tags[1:2]",
        "metrics[name]",
        "name is none",
        "~version",
        "-name",
        "...",
        "b'x' = name",
        "3j = version",
        "*tags",
        "await name",
        "import os",
        "name = 'x'; version",
        "algorithm 'ppo'",
        "algorithm =",
        "(name = 'x'",
        "name = 'x",
        "a\0b",
        "",
        "   ",
        "(" * 500 + "1" + ")" * 500,
        "not " * 5000 + "name",
        "not " * 2400 + "name",
        "config" + ".a" * 1000,
        "[" * 1000 + "]" * 1000 + " = name",
        "version = " + "9" * 9000,
        "name = '" + "x" * 20_000 + "'",
    ],
    ids=lambda text: text[:20],
)
def test_everything_else_is_refused_with_an_example(text):
    with pytest.raises(QueryError) as caught:
        Filter(text)
    assert "algorithm = 'ppo'" in caught.value.remedy


@pytest.mark.parametrize("word", ["and", "or"])
def test_a_thousand_terms_are_as_good_as_two(word):
    terms = [f"version = {number}" for number in range(450)]
    text = f" {word} ".join(terms)
    assert Filter(text)(DOCUMENT) is (word == "or")
    assert Filter(" < ".join(["0", "version", *map(str, range(4, 1000))]))(DOCUMENT) is True


NEVER = [
    ("version = '1'", "version is a number"),
    ("'1' = version", "version is a number"),
    ("version in ('1', 2)", "version is a number"),
    ("version != 'a'", "version is a number"),
    ("created > 2020", "created is text"),
    ("created < none", "created is text"),
    ("metrics.mean_return > '400'", "metrics.mean_return is a number"),
    ("1 < version < 'a'", "version is a number"),
    ("version > algorithm", "version is a number and algorithm is text"),
    ("algorithm > 3", "algorithm is text"),
    ("3 in algorithm", "algorithm is text"),
    ("3 in tags", "tags is a list"),
    ("'a' in version", "version is a number"),
    ("'a' in seed", "seed is a number"),
    ("tags = 'baseline'", "tags is a list"),
    ("tags < 3", "tags is a list"),
    ("metrics = 3", "metrics is a table"),
    ("not version = '1'", "version is a number"),
    ("aliases = 'best'", "aliases is a list"),
    ("packages.numpy > 2", "packages.numpy is text"),
    ("(version > 1) = 'a'", "different kinds"),
]


@pytest.mark.parametrize(("text", "told"), NEVER, ids=lambda part: part[:40])
def test_a_comparison_that_can_never_hold_is_refused(text, told):
    with pytest.raises(QueryError, match=rf"can never hold: .*{told}"):
        check_comparisons(Filter(text).comparisons, TYPES)


@pytest.mark.parametrize(
    "text",
    [
        "version = 1",
        "version = none",
        "seed = none",
        "seed in (1, none)",
        "created > '2020'",
        "created >= created",
        "config.learning_rate = 'lin_0.001'",
        "config.learning_rate < 0.1",
        "config.net_arch = [64, 64]",
        "64 in config.net_arch",
        "git.dirty = true",
        "git = none",
        "dataset.name = 'd'",
        "'a' in tags",
        "name in tags",
        "tags = ['a']",
        "'mean_return' in metrics",
        "metrics['x y'] > 3",
        "env_kwargs.gravity > 9",
        "(version > 1) = true",
        "parent != none",
        "'pole' in env_id",
        "packages.numpy > '2'",
    ],
)
def test_a_comparison_that_may_hold_is_allowed(text):
    check_comparisons(Filter(text).comparisons, TYPES)


def test_a_field_is_written_as_a_search_reads_it():
    for field in [
        ("metrics", "a"),
        ("metrics", "eval/return"),
        ("config", "lambda"),
        ("metrics", "it's"),
        ("a", "b", "c d"),
    ]:
        assert order_field(f"-{written(field)}") == field
        assert Filter(f"{written(field)} = 1").fields == [field]


@given(st.text(max_size=40))
def test_any_text_is_either_understood_or_refused(text):
    try:
        matches = Filter(text)
    except QueryError:
        return
    assert matches(DOCUMENT) in (True, False)


@given(
    st.sampled_from(
        [("<", operator.lt), ("<=", operator.le), ("=", operator.eq), ("!=", operator.ne), (">", operator.gt)]
    ),
    st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    st.integers() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_numbers_compare_as_numbers_do(comparison, left, right):
    sign, compare = comparison
    assert Filter(f"metrics.x {sign} {right!r}")({"metrics": {"x": left}}) == compare(left, right)


@given(st.text(max_size=20))
def test_any_text_can_be_written_as_a_literal(text):
    assert Filter(f"name = {text!r}")({"name": text})


def test_a_filter_knows_its_fields():
    assert Filter("a.b > 1 and c['d'] = e or true").fields == [("a", "b"), ("c", "d"), ("e",)]


def test_misspelt_fields_are_answered_with_the_nearest():
    with pytest.raises(QueryError, match=r"Did you mean 'metrics\.mean_return'"):
        check_fields([("metrics", "mean_retrun")], [DOCUMENT], TYPES)
    with pytest.raises(QueryError, match=r"Did you mean 'algorithm'"):
        check_fields([("algorithm_",)], [DOCUMENT], TYPES)
    with pytest.raises(QueryError, match=r"Did you mean 'config\.learning_rate'"):
        check_fields([("learning_rate",)], [DOCUMENT], TYPES)


def test_internal_fields_are_unknown():
    for field in [("_registered",), ("_registered", "tags")]:
        with pytest.raises(QueryError):
            check_fields([field], [DOCUMENT], TYPES)


def test_a_field_that_any_version_has_is_known():
    check_fields([("metrics", "mean_return"), ("seed",)], [{"metrics": {}}, DOCUMENT], TYPES)


def test_the_first_word_of_a_field_is_known_also_where_there_is_no_version():
    for field in (("algorithm_",), ("metric", "mean_return"), ("Tags",)):
        with pytest.raises(QueryError, match=r"A version has no field .*\n.*Did you mean '(algorithm|metrics|tags)"):
            check_fields([field], [], TYPES)


def test_any_metric_may_be_asked_for_before_the_first():
    check_fields([("metrics", "mean_return")], [{"metrics": {}, "name": "a"}], TYPES)


def test_order_puts_what_has_no_value_last_in_both_directions():
    documents = [{"v": value} for value in (2, None, 1, math.nan, "a", 3)] + [{}]
    assert [document.get("v") for document in ordered(documents, "v")][:4] == [1, 2, 3, "a"]
    assert [document.get("v") for document in ordered(documents, "-v")][:4] == ["a", 3, 2, 1]


def test_order_is_stable():
    documents = [{"v": 1, "n": n} for n in range(5)]
    assert ordered(documents, "v") == ordered(documents, "-v") == documents


@given(st.lists(st.fixed_dictionaries({}, optional={"m": st.dictionaries(st.just("x"), st.none() | st.integers())})))
def test_order_keeps_all_documents(documents):
    result = ordered(documents, "-m.x")
    assert sorted(map(str, result)) == sorted(map(str, documents))
    values = [value for document in result if (value := value_at(document, order_field("-m.x"))) is not None]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("order_by", [5, ["created"], b"created", "", "-", "a b", "1", "--created", "-metrics.", "a()"])
def test_an_order_that_is_no_field_is_refused(order_by):
    with pytest.raises(QueryError, match="order_by must be the name of a field"):
        order_field(order_by)


def test_an_order_by_a_name_that_is_no_word_says_how_to_write_it():
    with pytest.raises(QueryError, match=r"""order_by="-metrics\['eval/return'\]"$"""):
        order_field("-metrics.eval/return")
