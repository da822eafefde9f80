"""What a state from a file may say: each part that is wrong is named, at once and before memory is taken for it."""

import copy
import json
import subprocess
import sys
import textwrap

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import rlkit
from rlkit.envs import space_from_dict, space_to_dict
from rlkit.envs.state import get_env_state, set_env_state
from rlkit.errors import CorruptArtifactError, StateError
from rlkit.models.dqn import DQN
from rlkit.models.ppo import PPO
from rlkit.nn.parameters import Parameters, assign
from rlkit.storage import codec
from rlkit.storage.archive import write_archive
from rlkit.storage.packing import Packed, PackedModel
from rlkit.training.environments import TrainingEnvironments

ALGORITHMS = {
    "ppo": {"n_steps": 16, "batch_size": 16, "net_arch": [4], "normalize": True},
    "a2c": {"n_steps": 4, "net_arch": [4], "normalize": True},
    "dqn": {"learning_starts": 8, "buffer_size": 64, "net_arch": [4], "normalize": True},
}


@pytest.fixture(scope="module", params=ALGORITHMS)
def state(request):
    """The state of a model in the middle of its episodes."""
    model = rlkit.create(request.param, "CartPole-v1", seed=0, preset=None, **ALGORITHMS[request.param])
    model.train(32, total=64, progress=False)
    model.reconfigure(learning_rate=2e-4)
    return codec.decode(codec.encode(model.get_state()))


@pytest.fixture
def spoiled(state):
    return copy.deepcopy(state)


def put(state, path, value):
    part = state
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return state


def refusal(state, names, *, algorithm=None):
    with pytest.raises(StateError) as refused:
        rlkit.factory.get(algorithm or state["algorithm"]).from_state(state)
    told = str(refused.value)
    assert any(name in told for name in names.split("|")), told
    assert len(told) < 1500
    return told


def box(shape, dtype="float32", low=-1.0, high=1.0):
    return {"type": "Box", "low": low, "high": high, "shape": shape, "dtype": dtype}


def discrete(n, start=0, dtype="int64"):
    return {"type": "Discrete", "n": n, "start": start, "dtype": dtype}


def nested(depth):
    space = discrete(2)
    for _ in range(depth):
        space = {"type": "Tuple", "spaces": [space]}
    return space


SPACES = {
    "a large vector": box([10**9]),
    "a large image": box([50_000, 50_000]),
    "sizes that wrap around": box([2**32, 2**32]),
    "long bytes": box([4], "S100000000"),
    "long text": box([4], "U100000000"),
    "void": box([4], "V2147483647"),
    "objects": box([4], "O"),
    "records": box([4], "f8,f8"),
    "dates": box([4], "M8[s]"),
    "complex numbers": box([4], "complex64"),
    "a dtype that is none": box([4], "nothing"),
    "a dtype that is a number": box([4], 5),
    "a long dtype": box([4], "f8," * 10_000 + "f8"),
    "a negative size": box([-4]),
    "a truth as a size": box([True]),
    "a fraction as a size": box([2.0]),
    "a size as text": box("4"),
    "too many dimensions": box([1] * 100),
    "NaN": box([4], low=float("nan")),
    "NaN as text": box([4], low="nan"),
    "bounds the wrong way": box([4], low=2.0),
    "bounds of another shape": box([4], low=[0.0, 0.0]),
    "bounds that would repeat": box([2, 2], low=[[0.0], [0.0]]),
    "ragged bounds": box([2], low=[[0.0], 0.0]),
    "bounds that are too large": box([4], "uint8", low=0, high=10**30),
    "bounds that are a dict": box([4], low={"a": 1}),
    "many choices": discrete(10**10),
    "more choices than there are": discrete(2**62),
    "no choices": discrete(0),
    "negative choices": discrete(-5),
    "a truth of choices": discrete(n=True),
    "choices beyond their dtype": discrete(10, start=2**63 - 5),
    "a start as text": discrete(2, start="0"),
    "choices that are fractions": discrete(2, dtype="float32"),
    "many choices at once": {"type": "MultiDiscrete", "nvec": [10**9], "start": [0], "dtype": "int64"},
    "choices below 1": {"type": "MultiDiscrete", "nvec": [2, -1], "start": [0, 0], "dtype": "int64"},
    "fractions of choices": {"type": "MultiDiscrete", "nvec": [2.5], "start": [0], "dtype": "int64"},
    "starts of another shape": {"type": "MultiDiscrete", "nvec": [2, 2], "start": [0], "dtype": "int64"},
    "many bits": {"type": "MultiBinary", "n": 10**9},
    "a field of bits": {"type": "MultiBinary", "n": [10**5, 10**5]},
    "negative bits": {"type": "MultiBinary", "n": -1},
    "no bits": {"type": "MultiBinary", "n": [2, 0]},
    "many spaces": {"type": "Tuple", "spaces": [discrete(2)] * 20_000},
    "deep spaces": nested(60),
    "parts of one name": {"type": "Dict", "spaces": [["a", discrete(2)], ["a", discrete(3)]]},
    "parts without a name": {"type": "Dict", "spaces": [[1, discrete(2)]]},
    "parts that are a text": {"type": "Tuple", "spaces": "ab"},
    "a space without a type": {"type": None},
    "a space of a type that is a list": {"type": ["Box"]},
}


@pytest.mark.parametrize("role", ["observation_space", "action_space"])
@pytest.mark.parametrize("name", SPACES)
def test_a_space_that_is_none_or_too_large_is_refused(spoiled, name, role):
    refusal({**spoiled, role: SPACES[name]}, "space|" + role)


def test_spaces_nested_without_end_are_refused():
    with pytest.raises(StateError, match="nested more than 32 deep"):
        space_from_dict(nested(5_000))


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(-1, 1, (512, 512, 4)),
        spaces.Box(0, 255, (1024, 1024, 3), np.uint8),
        spaces.Box(np.full(3, -np.inf, np.float64), np.arange(3.0), dtype=np.float64),
        spaces.Discrete(4, start=-5),
        spaces.MultiDiscrete([[2, 3], [4, 5]], start=[[0, 1], [2, 3]]),
        spaces.MultiBinary((2, 3)),
        spaces.Dict({"b": spaces.Tuple([spaces.Discrete(2)] * 500), "a": spaces.Box(0, 1, ())}),
    ],
    ids=str,
)
def test_spaces_that_people_use_come_back(space):
    assert space_from_dict(json.loads(json.dumps(space_to_dict(space)))) == space


HUGE = 10**400
PARTS = [
    *(
        ((name,), value)
        for name in ("num_timesteps", "num_episodes")
        for value in (HUGE, -1, True, 1.5, "5", None, 2**63)
    ),
    *((("seed",), value) for value in (-1, True, None, 1.5, "0")),
    *((("format",), value) for value in (0, -1, True, "3", HUGE, None)),
    *((("env_id",), value) for value in (5, b"CartPole-v1", ["CartPole-v1"], "x" * 1000)),
    *((("env_name",), value) for value in (5, ["a"])),
    *((("env_modified",), value) for value in ("abc", [5], None, 5)),
    *((("env_kwargs",), value) for value in (None, [], "ab", [["a", 1]])),
    *((("learning_curve",), value) for value in (None, [], {"steps": [1.0]}, {"steps": [1], "mean_return": []})),
    (("learning_curve",), {"steps": ["1"], "mean_return": [1.0]}),
    (("learning_curve",), {"steps": [HUGE], "mean_return": [1.0]}),
    (("learning_curve",), {"steps": [1.0], "mean_return": [float("nan")]}),
    (("learning_curve",), {"steps": [1.0], "mean_return": [None]}),
    (("learning_curve",), {"steps": list(range(10**5)), "mean_return": [1.0] * 10**5}),
    (("learning_curve",), {"steps": np.arange(2.0), "mean_return": np.arange(2.0)}),
    *((("config_changes",), value) for value in (None, {}, "ab", [1], [{}], [{"num_timesteps": 1}])),
    *((("config_changes", 0, "num_timesteps"), value) for value in ("1", True, None)),
    (("config_changes", 0, "name"), 5),
    (("config_changes", 0, "new"), np.zeros(3)),
    *((("rng",), value) for value in (None, [], {}, {"bit_generator": "PCG64"})),
    (("rng", "bit_generator"), "MT19937"),
    *((("rng", "state"), value) for value in (None, 5, {}, {"state": 1})),
    *((("rng", "state", "state"), value) for value in (-1, 2**128, 1.5, "1", None, np.zeros(4))),
    *((("rng", "uinteger"), value) for value in (-1, 2**40, 1.5, HUGE, None)),
    *((("rng", "has_uint32"), value) for value in (HUGE, "1")),
    *((("networks",), value) for value in (None, [], {}, 5)),
    *((("networks", "parameters"), value) for value in (None, "x", np.zeros(3), np.zeros((2, 2)), [1.0], {})),
    (("networks", "optimizer"), None),
    *((("normalizer",), value) for value in (None, {}, {"observations": None}, [])),
    *((("normalizer", "observations", "mean"), value) for value in (np.zeros(3), None, np.full(4, np.nan), "x")),
    *((("normalizer", "observations", "variance"), value) for value in (np.full(4, -1.0), np.full(4, np.inf))),
    *((("normalizer", "returns", "count"), value) for value in (-1.0, float("nan"), float("inf"), HUGE, "x", None)),
    *((("episodes",), value) for value in ([], "ab", {}, {"observations": None})),
    *(
        (("episodes", "observations"), value)
        for value in (np.zeros((1, 3)), np.zeros(4), np.full((1, 4), np.nan), [[0.0]])
    ),
    *((("episodes", "observations"), value) for value in (np.zeros((1, 4), np.int64), np.zeros((1, 4, 1)), None)),
    *((("episodes", "discounted_returns"), value) for value in (np.zeros(7), np.full(1, np.inf), "x", [0.0])),
    *((("config",), value) for value in (None, [], {}, {"values": None})),
    *((("config", "values"), value) for value in (None, [], {"gamma": "x"}, {"nothing": 1})),
    *(
        (("config", "values", "net_arch"), value)
        for value in ([8192] * 40, [8192] * 2000, [1] * 10**5, [HUGE], ["4"], [True])
    ),
    *((("config", "values", "n_envs"), value) for value in (0, 10**9, HUGE, True, "1")),
    *((("config", "values", "learning_rate"), value) for value in ("lin_", "x" * 10**6, float("nan"), HUGE, [1], -1.0)),
    *((("config", name), value) for name in ("caller", "from_preset", "adjusted") for value in (5, ["no such"], [[1]])),
    (("config", "given"), {"no such": 1}),
    (("algorithm",), ["ppo"]),
]


@pytest.mark.parametrize(
    ("path", "value"), PARTS, ids=lambda part: f"{part!r:.40}" if isinstance(part, tuple) else None
)
def test_a_part_that_is_wrong_is_named(spoiled, path, value):
    names = {"algorithm": "state of a", "config": "config|networks of"}.get(path[0], path[0])
    algorithm = spoiled["algorithm"]
    refusal(put(spoiled, path, value), names, algorithm=algorithm)


def first(number):
    """A change of an array's first number."""
    return lambda array: np.concatenate([[number], array[1:].astype(np.float64)])


BY_ALGORITHM = [
    *((("networks", "optimizer", "steps"), value, ("ppo", "dqn")) for value in (-1, HUGE, True, 1.5, "x", None)),
    *((("networks", "optimizer", "first"), value, ("ppo", "dqn")) for value in (np.zeros(2), None, "x")),
    (("networks", "optimizer", "second"), first(-1.0), ("ppo", "dqn")),
    (("networks", "optimizer", "mean_square"), first(-1.0), ("a2c",)),
    *((("networks", "parameters"), first(value), ("ppo", "a2c", "dqn")) for value in (np.nan, np.inf, 1e300)),
    (("networks", "target_parameters"), first(np.nan), ("dqn",)),
    *((("networks", "since_target_update"), value, ("dqn",)) for value in (-1, HUGE, True, "x")),
    *((("config", "values", "n_steps"), value, ("ppo", "a2c", "dqn")) for value in (10**12, HUGE, 0, True)),
    *((("config", "values", "buffer_size"), value, ("dqn",)) for value in (10**12, HUGE, 0, 1)),
    *((("experience",), value, ("dqn",)) for value in ([], {}, "x", {"n_envs": 1})),
    *((("experience", "n_envs"), value, ("dqn",)) for value in (0, -1, 10**10, HUGE, True, 3, "1")),
    *((("experience", "replay"), value, ("dqn",)) for value in (None, [], {})),
    *((("experience", "replay", "next_row"), value, ("dqn",)) for value in (-1, 64, 5, HUGE, True, "x")),
    *(
        (("experience", "replay", "actions"), value, ("dqn",))
        for value in (np.full(32, 2), np.full(32, -1), np.zeros(3, int))
    ),
    *(
        (("experience", "replay", "actions"), value, ("dqn",))
        for value in (np.zeros((32, 1), int), 5, None, np.zeros(32))
    ),
    *(
        (("experience", "replay", "rewards"), value, ("dqn",))
        for value in (np.full(32, np.nan), np.zeros((32, 2)), "x")
    ),
    *(
        (("experience", "replay", "observations"), value, ("dqn",))
        for value in (np.zeros((32, 3)), np.full((32, 4), np.inf))
    ),
    *((("experience", "replay", "ended"), value, ("dqn",)) for value in (np.zeros(32), None)),
]


@pytest.mark.parametrize(("path", "value", "which"), BY_ALGORITHM, ids=lambda part: f"{part!r:.40}")
def test_a_part_of_an_algorithm_that_is_wrong_is_named(spoiled, path, value, which):
    if spoiled["algorithm"] not in which:
        return
    if callable(value):
        array = spoiled
        for key in path:
            array = array[key]
        value = value(array)
    refusal(put(spoiled, path, value), path[0])


def test_a_config_is_not_believed_where_the_networks_are_others(spoiled):
    """Networks are allocated as config and spaces say, up to four million numbers, or as many as there are."""
    told = refusal(put(spoiled, ("config", "values", "net_arch"), [8192, 8192]), "networks of")
    assert "and there are 4,194,304" in told
    refusal(put(spoiled, ("config", "values", "net_arch"), [5]), "networks")


def test_a_class_by_a_user_is_held_to_the_same():
    class Own(PPO):
        algorithm = "own"

        def _build_networks(self, features, action_space):
            super()._build_networks(features, action_space)
            self.more = Parameters({"more": (features, self.config.n_steps, self.config.n_epochs)})

        def _get_networks(self):
            return {**super()._get_networks(), "more": self.more.vector.copy()}

        def _set_networks(self, state):
            super()._set_networks(state)
            assign(self.more.vector, state["more"])

    model = Own(Own.Config(net_arch=[4], n_steps=64, n_epochs=2), "CartPole-v1", seed=0)
    state = model.get_state()
    assert Own.from_state(state).more.size == 512
    state["config"]["values"] |= {"n_steps": 1_000_000, "n_epochs": 1000}
    with pytest.raises(StateError, match="networks of 4,000,000,000 numbers are due"):
        Own.from_state(state)


def test_networks_as_large_as_the_file_are_built():
    """A network may be larger than what is allocated for a file in any case."""
    model = rlkit.create("dqn", "CartPole-v1", seed=0, preset=None, net_arch=[2100, 2000])
    again = DQN.from_state(codec.decode(codec.encode(model.get_state())))
    assert again._parameters.size == model._parameters.size > 4_194_304


def test_environments_that_people_pass_are_not_held_to_it():
    class Wide(gymnasium.Env):
        observation_space = spaces.Discrete(5_000_000)
        action_space = spaces.Discrete(2)

        def reset(self, *, seed=None, options=None):
            return 0, {}

    model = rlkit.create("dqn", Wide, preset=None, net_arch=[1])
    assert rlkit.factory.from_state(codec.decode(codec.encode(model.get_state()))).observation_space.n == 5_000_000


EPISODES = [
    *((("values", "state"), value) for value in ("x", None, np.zeros(3), np.full(2, np.nan), [0.0] * 3, HUGE)),
    *((("values", "gravity"), value) for value in ("x", None, HUGE, float("nan"), float("inf"), [9.8])),
    *((("values",), value) for value in ({}, None, [])),
    *((("limits",), value) for value in ([], [1, 2], [-1], [HUGE], ["x"], [None], 5)),
    *((("generator", "state", "state"), value) for value in (-1, HUGE, "x")),
    (("generator",), None),
]


@pytest.fixture(scope="module")
def mountain_car():
    """The state of a model in the middle of an episode of an environment that is not vectorized."""
    model = rlkit.create("a2c", "MountainCar-v0", seed=0, preset=None, n_steps=4, net_arch=[4])
    model.train(32, total=64, progress=False)
    return codec.decode(codec.encode(model.get_state()))


@pytest.mark.parametrize(("path", "value"), [((), None), *EPISODES], ids=lambda part: f"{part!r:.40}")
def test_episodes_of_another_environment_begin_anew(mountain_car, path, value, monkeypatch):
    """What only the environment knows is looked at when there is one."""
    state, resumed = copy.deepcopy(mountain_car), []
    if path:
        put(state["episodes"]["episodes"]["environments"]["0"], path, value)
    resume = TrainingEnvironments.resume
    monkeypatch.setattr(TrainingEnvironments, "resume", lambda self: resumed.append(resume(self)) or resumed[-1])
    model = rlkit.factory.from_state(state)
    model.train(32, total=64, progress=False)
    assert (resumed[0] is None) == bool(path)
    assert model.num_timesteps == 64


@pytest.mark.parametrize(
    "env_id",
    [
        "CartPole-v1",
        "Acrobot-v1",
        "MountainCar-v0",
        "MountainCarContinuous-v0",
        "Pendulum-v1",
        "FrozenLake-v1",
        "Taxi-v4",
        "CliffWalking-v1",
        "Blackjack-v1",
    ],
)
def test_episodes_of_the_same_environment_go_on(env_id):
    env, other = gymnasium.make(env_id), gymnasium.make(env_id)
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(20):
        state = codec.decode(codec.encode({"env": get_env_state(env)}))["env"]
        set_env_state(other, state)
        action = env.action_space.sample()
        (observation, *rest), (again, *others) = env.step(action), other.step(action)
        np.testing.assert_array_equal(observation, again)
        assert rest[:3] == others[:3]
        if rest[1] or rest[2]:
            env.reset()


CARTPOLES = [
    *((("state",), value) for value in ("x", None, np.zeros((4, 2)), np.full((4, 1), np.nan))),
    *((("steps",), value) for value in ([-1], [HUGE], ["x"], None, [1, 2])),
    *((("generators",), value) for value in ([], None, [None], [{}], 5)),
]


@pytest.mark.parametrize(("path", "value"), CARTPOLES, ids=lambda part: f"{part!r:.40}")
def test_episodes_of_other_cartpoles_begin_anew(spoiled, path, value):
    put(spoiled["episodes"]["episodes"]["environments"], path, value)
    model = rlkit.factory.from_state(spoiled)
    model.train(32, total=64, progress=False)
    assert model.num_timesteps == 64


@pytest.mark.parametrize("name", ["returns", "lengths", "environments"])
@pytest.mark.parametrize("value", [HUGE, [HUGE], "x", None, np.zeros(3), []], ids=lambda value: f"{value!r:.20}")
def test_episodes_that_cannot_be_read_begin_anew(spoiled, name, value):
    spoiled["episodes"]["episodes"][name] = value
    assert rlkit.factory.from_state(spoiled).train(32, total=64, progress=False)


def test_episodes_of_other_many_environments_begin_anew(spoiled):
    spoiled["episodes"] |= {"observations": np.zeros((3, 4), np.float32), "discounted_returns": np.zeros(3)}
    assert rlkit.factory.from_state(spoiled).train(32, total=64, progress=False)


@pytest.mark.parametrize("size", [10**5, 10**8])
def test_a_replay_buffer_is_as_large_as_the_file_until_it_is_added_to(size):
    """Its size is one number in a file; what is allocated is what was kept, and the rest when training goes on."""
    model = rlkit.create("dqn", "CartPole-v1", seed=0, preset=None, net_arch=[4], buffer_size=1000, learning_starts=8)
    model.train(32, progress=False)
    state = model.get_state()
    state["config"]["values"]["buffer_size"] = size
    again = rlkit.factory.from_state(state)
    assert sum(array.nbytes for array in again._replay._arrays().values()) < 10_000
    assert again._replay.capacity == size
    np.testing.assert_array_equal(
        again.get_state()["experience"]["replay"]["rewards"], state["experience"]["replay"]["rewards"]
    )
    if size == 10**5:
        again.train(32, progress=False)
        assert len(again._replay) == 64


@pytest.mark.skipif(sys.platform != "linux", reason="memory of a process is limited so on Linux alone")
@pytest.mark.parametrize(
    "change",
    [
        {"observation_space": box([50_000, 50_000])},
        {"observation_space": discrete(10**10)},
        {"action_space": discrete(10**8)},
        {"observation_space": {"type": "MultiBinary", "n": 10**9}},
        {"_config": {"net_arch": [8192] * 40}},
        {"_config": {"buffer_size": 10**8}},
    ],
    ids=lambda change: f"{change!r:.60}",
)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_small_file_takes_little_memory(tmp_path, algorithm, change):
    """In a process that could not have more: what the file asks for would kill it."""
    model = rlkit.create(algorithm, "CartPole-v1", seed=0, preset=None, **ALGORITHMS[algorithm])
    packed, state = model.packed(), model.get_state()
    change = dict(change)
    state["config"]["values"] |= {
        name: value for name, value in change.pop("_config", {}).items() if name in state["config"]["values"]
    }
    path = tmp_path / "x.rlkit"
    write_archive(path, PackedModel(packed.metadata, {"state": Packed(codec.encode(state | change))}))
    program = f"""
        import resource, rlkit
        from rlkit.storage.codec import decode
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            rlkit.load({str(path)!r})
        except rlkit.errors.StateError:
            pass
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start)
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 150_000  # kilobytes


def test_numbers_that_no_state_has_are_refused_when_it_is_read():
    for number in (HUGE, 10**5000, -(10**5000)):
        data = codec.encode({"a": 1})
        long = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
        data = data.replace(b"K\x01", b"\x8b" + len(long).to_bytes(4, "little") + long)
        with pytest.raises(CorruptArtifactError):
            codec.decode(data)
        with pytest.raises(StateError, match=r"state\['a'\] is an integer of [\d,]+ bits"):
            codec.encode({"a": number})
