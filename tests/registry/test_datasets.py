"""The data that a model learned from: a name, a version, and a hash that rlkit computes."""

import hashlib

import numpy as np
import pytest

from rlkit.errors import ConfigError, StoreError
from rlkit.registry.datasets import Dataset, checked_dataset

SHA256 = "ab" * 32


def test_a_file_has_the_hash_that_sha256sum_prints(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_bytes(b"1,2\n3,4\n" * 100_000)
    expected = Dataset("prices.csv", None, hashlib.sha256(path.read_bytes()).hexdigest())
    assert Dataset.of(path) == Dataset.of(str(path)) == expected
    assert Dataset.of(path, "prices", "2024") == Dataset("prices", "2024", expected.sha256)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.arange(6.0).reshape(2, 3).T,
        np.array(3.5),
        np.zeros((0, 4), "f4"),
        np.array(["a", "bc"]),
        np.arange(10)[::2],
    ],
    ids=["rows", "columns", "one number", "empty", "text", "every second"],
)
def test_an_array_has_the_hash_of_the_file_that_numpy_writes_row_by_row(tmp_path, array):
    np.save(tmp_path / "array.npy", np.array(array, order="C"))
    assert Dataset.of(array, "a").sha256 == hashlib.sha256((tmp_path / "array.npy").read_bytes()).hexdigest()


def test_arrays_that_differ_in_a_value_a_shape_or_a_type_have_other_hashes():
    arrays = [np.arange(6), np.arange(6) + 1, np.arange(6).reshape(2, 3), np.arange(6, dtype="i2")]
    assert len({Dataset.of(array, "a").sha256 for array in arrays}) == len(arrays)


def test_an_array_needs_a_name():
    with pytest.raises(ConfigError, match="no name of its own"):
        Dataset.of(np.zeros(3))


def test_an_array_of_objects_has_no_bytes_of_its_own():
    with pytest.raises(ConfigError, match="object"):
        Dataset.of(np.array([{}, []], dtype=object), "a")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"missing\.csv"):
        Dataset.of(tmp_path / "missing.csv")
    with pytest.raises(StoreError, match="cannot be read"):
        Dataset.of(tmp_path)


def test_a_dataset_always_has_all_three_keys(tmp_path):
    assert checked_dataset(None) is None
    assert checked_dataset({"name": "d"}) == {"name": "d", "version": None, "sha256": None}
    full = {"name": "d", "version": "2", "sha256": SHA256}
    assert checked_dataset(full) == checked_dataset(Dataset(**full)) == full
    (tmp_path / "d").write_bytes(b"x")
    assert checked_dataset(tmp_path / "d") == checked_dataset(Dataset.of(tmp_path / "d"))


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ({}, "name"),
        ({"version": "2"}, "name"),
        ({"name": ""}, "name"),
        (3, "no dataset"),
        (["d"], "no dataset"),
        ({"name": "d", "sha": SHA256}, "Did you mean 'sha256'"),
        ({"name": "d", "version": 2}, "Write '2'"),
        ({"name": 3}, "must be a string"),
        ({"name": "d", "sha256": "abc"}, "64 hexadecimal"),
    ],
)
def test_a_wrong_dataset_is_refused(dataset, said):
    with pytest.raises(ConfigError, match=said):
        checked_dataset(dataset)


@pytest.mark.parametrize("source", [3, None, [1.0], {"a": 1}])
def test_only_files_and_arrays_have_a_hash(source):
    with pytest.raises(ConfigError, match="neither a file nor a NumPy array"):
        Dataset.of(source, "a")
