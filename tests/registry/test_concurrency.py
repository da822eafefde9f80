"""Several programs and threads in one folder: nothing lost, nothing given twice, nothing half seen."""

import contextlib
import subprocess
import sys
import threading
from functools import partial

import pytest

from rlkit.errors import InvalidNameError, ModelNotFoundError
from rlkit.registry import ModelRegistry

PROCESSES, EACH = 4, 5

PROGRAM = """
import sys
import numpy as np
from rlkit.registry import ModelRegistry
from rlkit.storage.packing import PackedModel, pack

class Model:
    metadata = {"algorithm": "ppo", "config": {}, "wall_time": 0.0}
    def __init__(self, weight):
        self.weight = weight
    def packed(self, *, slim=False):
        return PackedModel(self.metadata, pack({"algorithm": "ppo", "weights": np.full(8, self.weight)}))

folder, who = sys.argv[1], int(sys.argv[2])
registry = ModelRegistry(folder)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    version = registry.register(Model(100 * who + number), "shared", metrics={"who": who, "number": number})
    assert registry.get(version.ref) == version
    assert version in registry.search(f"metrics.who = {who}")
    registry.set_alias("shared", f"newest-of-{who}", version.version)
    print(version.version)
"""


def test_processes_that_register_at_once_share_out_the_numbers_exactly(folder):
    arguments = [sys.executable, "-c", PROGRAM, str(folder)]
    workers = [
        subprocess.Popen([*arguments, str(who), str(EACH)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for who in range(PROCESSES)
    ]
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    given = {who: [int(line) for line in worker.communicate()[0].split()] for who, worker in enumerate(workers)}
    assert [worker.returncode for worker in workers] == [0] * PROCESSES
    assert sorted(number for numbers in given.values() for number in numbers) == list(range(1, PROCESSES * EACH + 1))

    registry = ModelRegistry(folder)
    for who, numbers in given.items():
        assert [version.version for version in registry.search(f"metrics.who = {who}")] == numbers == sorted(numbers)
        assert registry.get(f"shared@newest-of-{who}").version == numbers[-1]
    hashes = {registry._store.read_object(version.to_dict()) for version in registry.versions()}
    assert len(hashes) == PROCESSES * EACH


def in_threads(*works):
    """Run all at once and return what they raised."""
    start, failures = threading.Barrier(len(works)), []

    def run(work):
        start.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever happens in a thread must reach the test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_threads_that_write_and_read_at_once_agree(registry, make_model):
    def write():
        for _ in range(8):
            version = registry.register(make_model(), "shared")
            registry.set_alias("shared", "newest", version.version)

    def delete():
        for number in range(1, 9):
            with contextlib.suppress(ModelNotFoundError):
                registry.delete(f"shared:{number}")

    def read():
        for _ in range(20):
            assert {version.name for version in registry.search()} <= {"shared"}

    assert in_threads(write, write, write, delete, read, read) == []
    assert registry.register(make_model(), "shared").version == 25
    assert set(range(9, 26)) <= {version.version for version in registry.versions("shared")}


@pytest.mark.parametrize("names", [["a", "A"], ["model", "MODEL", "Model"]])
def test_of_names_that_differ_in_case_only_one_wins_a_race(registry, make_model, names):
    refused = in_threads(*(partial(registry.register, make_model(), name) for name in names))
    assert len(registry.models()) == 1
    assert [type(error) for error in refused] == [InvalidNameError] * (len(names) - 1)
