from __future__ import annotations

import math

import pytest

from rlkit.errors import ConfigError
from rlkit.training import memory
from rlkit.training.memory import available_memory, require_memory


def machine(root, files):
    """Write what Linux says of control groups."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


V2 = {
    "proc/self/cgroup": "0::/pod/app\n",
    "sys/fs/cgroup/pod/app/memory.max": "max\n",
    "sys/fs/cgroup/pod/app/memory.current": "500\n",
    "sys/fs/cgroup/pod/memory.max": "2000\n",
    "sys/fs/cgroup/pod/memory.current": "700\n",
    "sys/fs/cgroup/pod/memory.stat": "anon 600\ninactive_file 100\nactive_file 7\n",
}
V1 = {
    "proc/self/cgroup": "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n",
    "sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": "1500\n",
    "sys/fs/cgroup/memory/docker/1/memory.usage_in_bytes": "900\n",
    "sys/fs/cgroup/memory/docker/1/memory.stat": "cache 3\ntotal_inactive_file 50\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "1000\n",
}


@pytest.mark.parametrize(
    ("files", "free"),
    [
        (V2, 2000 - 700 + 100),
        ({**V2, "sys/fs/cgroup/pod/app/memory.max": "600"}, 100),
        ({**V2, "sys/fs/cgroup/pod/app/memory.max": "400"}, 0),  # a limit that was lowered
        (V1, 1500 - 900 + 50),
        # In a container its own group is at the top, whatever the path outside.
        ({**V1, "proc/self/cgroup": "4:memory:/other\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "1200"}, 200),
        ({"proc/self/cgroup": "0::/\n"}, math.inf),
        ({"proc/self/cgroup": "nonsense\n\n:::"}, math.inf),
        ({}, math.inf),
    ],
)
def test_the_smallest_limit_of_the_containers_counts(tmp_path, files, free):
    assert min(memory._container_memory(machine(tmp_path, files)), default=math.inf) == free


def test_the_machine_and_its_container_both_count(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_ROOT", tmp_path)
    alone = available_memory()
    assert 0 < alone < math.inf
    monkeypatch.setattr(memory, "_ROOT", machine(tmp_path, V2))
    assert available_memory() == 1400


def test_what_fits_passes_and_what_does_not_is_refused_with_what_would(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 1e9)
    told = {"what": "things", "remedy": "buy more memory"}
    require_memory("buffer_size", 900_000, 1000, **told)
    with pytest.raises(ConfigError) as refused:
        require_memory("buffer_size", 900_001, 1000, **told)
    assert refused.value.problem == "buffer_size = 900001 takes 0.90 GB of memory for things; 1.00 GB are free."
    assert refused.value.remedy == "Set buffer_size to 900000 or less, or buy more memory."
    require_memory("buffer_size", 1_000_000, 1000, held=100_000, **told)
    with pytest.raises(ConfigError, match="Set buffer_size to 1000000 or less"):
        require_memory("buffer_size", 1_000_001, 1000, held=100_000, **told)
    with pytest.raises(ConfigError, match=r"2,000 GB of memory.*\nBuy more memory\."):
        require_memory("buffer_size", 1, 2 * 10**12, **told)


def test_where_free_memory_is_unknown_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: math.inf)
    require_memory("buffer_size", 10**9, 10**9, what="things", remedy="no")
