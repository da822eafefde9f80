from __future__ import annotations

import copy
import functools
from decimal import Decimal
from fractions import Fraction

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.classic_control.cartpole import CartPoleVectorEnv
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space

from rlkit.envs import EnvironmentSource, FeatureEncoder
from rlkit.envs.vector import BatchedEnvironments, LoopedEnvironments, SameStepCartPole, looped, usable
from rlkit.errors import EnvironmentContractError, UnknownEnvironmentError

KINDS = ["looped", "sync", "sync_next_step", "sync_shared_buffer", "async", "async_next_step"]
SEEDS_OF_0 = np.random.SeedSequence(0).generate_state(8).tolist()


def training(kind, factories):
    """The environments that a model would train on, given each of the ways to give several."""
    if kind == "looped":
        return LoopedEnvironments([make() for make in factories])
    modes = {"autoreset_mode": AutoresetMode.NEXT_STEP if "next" in kind else AutoresetMode.SAME_STEP}
    if kind.startswith("async"):
        # Gymnasium takes final observations from a reused array by reference: only those of the default env differ.
        return BatchedEnvironments(usable(AsyncVectorEnv(factories, **modes)), is_ours=True)
    return BatchedEnvironments(usable(SyncVectorEnv(factories, copy="buffer" not in kind, **modes)), is_ours=True)


@pytest.fixture
def counting(environments):
    """Counting environments that return a new array each time, as Gymnasium's own vector environments need it."""

    class Copying(environments.Counting):
        def reset(self, **kwargs):
            observation, info = super().reset(**kwargs)
            return observation.copy(), info

        def step(self, action):
            observation, *rest = super().step(action)
            return observation.copy(), *rest

    return Copying


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ending", ["terminated", "truncated", "both"])
def test_every_row_is_a_transition(kind, ending, counting):
    lengths = (2, 3)
    environment = training(kind, [lambda n=n: counting(n, ending) for n in lengths])
    observations = environment.reset(0)
    episodes, steps = np.zeros(2), np.zeros(2)
    np.testing.assert_array_equal(observations, np.stack([episodes, steps], axis=1))
    kept = []
    for _ in range(12):
        step = environment.step(np.array([0, 1]))
        steps += 1
        ended = steps == lengths
        np.testing.assert_array_equal(step.rewards, steps)
        np.testing.assert_array_equal(step.terminated, ended & (ending != "truncated"))
        np.testing.assert_array_equal(step.truncated, ended & (ending != "terminated"))
        np.testing.assert_array_equal(step.final_observations, np.stack([episodes, steps], axis=1))
        assert [(e.env, e.episode_return, e.length) for e in step.episodes] == [
            (i, n * (n + 1) / 2, n) for i, n in enumerate(lengths) if ended[i]
        ]
        episodes, steps = episodes + ended, np.where(ended, 0, steps)
        expected = np.stack([episodes, steps], axis=1)
        np.testing.assert_array_equal(step.observations, expected)
        kept.append((step.observations, expected))
    environment.close()
    # What a rollout was given must not change when the environments go on.
    for given, expected in kept:
        np.testing.assert_array_equal(given, expected)


def test_observations_in_a_buffer_that_the_environment_reuses_are_kept_as_they_were(environments):
    environment = LoopedEnvironments([environments.Counting(length=2)])
    first = environment.reset(0)
    second = environment.step(np.array([0]))
    third = environment.step(np.array([0]))
    assert first.tolist() == [[0, 0]]
    assert second.observations.tolist() == [[0, 1]]
    assert third.final_observations.tolist() == [[0, 2]]
    assert third.observations.tolist() == [[1, 0]]


def test_a_custom_vector_environment_that_reuses_its_buffer_gives_transitions(environments):
    environment = EnvironmentSource(environments.CountingVector()).training(2)
    steps = [environment.step(np.zeros(2, int)) for _ in range(3)] if environment.reset(0) is not None else []
    assert [step.final_observations.tolist() for step in steps] == [
        [[0, 1], [0, 1]],
        [[0, 2], [0, 2]],
        [[1, 1], [0, 3]],
    ]
    assert [step.observations.tolist() for step in steps] == [
        [[0, 1], [0, 1]],
        [[1, 0], [0, 2]],
        [[1, 1], [1, 0]],
    ]


def test_a_custom_vector_environment_is_reset_with_one_seed(environments):
    vector = environments.CountingVector()
    EnvironmentSource(vector).training(2).reset(0)
    assert vector.seeds == [SEEDS_OF_0[0]]


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED, None])
def test_a_custom_vector_environment_in_another_mode_is_refused_with_the_way_out(environments, mode):
    with pytest.raises(EnvironmentContractError, match=r"autoreset_mode=AutoresetMode\.SAME_STEP"):
        EnvironmentSource(environments.CountingVector(mode))


def test_a_vector_environment_that_hides_final_observations_is_refused(environments):
    environment = EnvironmentSource(environments.CountingVector(says_final=False)).training(2)
    environment.reset(0)
    environment.step(np.zeros(2, int))
    with pytest.raises(EnvironmentContractError, match="final_obs"):
        environment.step(np.zeros(2, int))


def test_a_wrapped_vector_environment_in_the_right_mode_is_taken_as_it_is(environments):
    vector = gymnasium.wrappers.vector.TransformReward(environments.CountingVector(), lambda reward: reward * 10)
    environment = EnvironmentSource(vector).training(2)
    environment.reset(0)
    assert environment.step(np.zeros(2, int)).rewards.tolist() == [10, 10]


@pytest.mark.parametrize("kind", ["looped", "sync", "async"])
def test_seeds_are_each_environments_own_and_do_not_depend_on_their_number(kind):
    starts = {}
    for n in (1, 2, 4):
        environment = training(kind, [lambda: gymnasium.make("CartPole-v1")] * n)
        starts[n] = environment.reset(7)
        environment.close()
    np.testing.assert_array_equal(starts[4][:2], starts[2])
    np.testing.assert_array_equal(starts[2][:1], starts[1])
    assert len(np.unique(starts[4], axis=0)) == 4


def test_a_reset_uses_the_seeds_of_its_seed(environments):
    envs = [environments.Counting() for _ in range(3)]
    looped = LoopedEnvironments(envs)
    looped.reset(0)
    looped.reset(1)
    assert [env.seeds for env in envs] == [
        [SEEDS_OF_0[i], int(np.random.SeedSequence(1).generate_state(3)[i])] for i in range(3)
    ]


def test_the_vectorised_cartpole_starts_as_the_single_ones_do():
    single = EnvironmentSource("CartPole-v1").separate(4)
    vectorised = EnvironmentSource("CartPole-v1").separate(8)
    assert isinstance(single, LoopedEnvironments)
    assert isinstance(vectorised, BatchedEnvironments)
    np.testing.assert_array_equal(vectorised.reset(3)[:4], single.reset(3))


@pytest.mark.parametrize("settings", [{}, {"sutton_barto_reward": True}, {"max_episode_steps": 30}])
def test_the_vectorised_cartpole_does_step_by_step_what_single_ones_do(settings):
    n = 6
    ours = EnvironmentSource("CartPole-v1", settings).separate(n)
    singles = [gymnasium.make("CartPole-v1", **settings) for _ in range(n)]
    seeds = np.random.SeedSequence(5).generate_state(n)
    expected = np.stack([env.reset(seed=int(seed))[0] for env, seed in zip(singles, seeds, strict=True)])
    np.testing.assert_array_equal(ours.reset(5), expected)
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(300):
        # Half of them against the fall, so that some episodes get long enough to be cut off.
        actions = np.where(rng.random(n) < 0.5, expected[:, 2] + expected[:, 3] > 0, rng.random(n) < 0.5).astype(int)
        step = ours.step(actions)
        for i, env in enumerate(singles):
            observation, reward, terminated, truncated, _ = env.step(int(actions[i]))
            assert (step.rewards[i], step.terminated[i], step.truncated[i]) == (reward, terminated, truncated)
            np.testing.assert_allclose(step.final_observations[i], observation, rtol=1e-5, atol=1e-6)
            if terminated or truncated:
                observation, _ = env.reset()
                ended += 1
            expected[i] = observation
        np.testing.assert_allclose(step.observations, expected, rtol=1e-5, atol=1e-6)
    assert ended > 2 * n


def test_reset_bounds_hold_for_every_episode_of_the_vectorised_cartpole():
    env = SameStepCartPole.make(3)
    env.reset(seed=[0, 1, 2], options={"low": 0.01, "high": 0.02})
    for _ in range(60):
        observations, _, terminated, _, _ = env.step(np.ones(3, int))
        for start in observations[terminated]:
            assert ((start >= 0.01) & (start <= 0.02)).all()


def test_gymnasiums_own_vectorised_cartpole_keeps_its_settings_when_its_mode_is_changed():
    given = gymnasium.make_vec(
        "CartPole-v1",
        2,
        vectorization_mode="vector_entry_point",
        sutton_barto_reward=True,
        max_episode_steps=3,
    )
    assert type(given) is CartPoleVectorEnv
    environment = EnvironmentSource(given).training(2)
    environment.reset(0)
    steps = [environment.step(np.array([0, 1])) for _ in range(3)]
    assert [step.rewards.tolist() for step in steps] == [[0, 0]] * 3
    assert [step.truncated.tolist() for step in steps] == [[False] * 2] * 2 + [[True] * 2]


def test_same_step_mode_is_left_as_it_is(environments):
    vector = environments.CountingVector()
    assert usable(vector) is vector


def test_returns_and_lengths_begin_anew_after_a_reset(environments):
    environment = LoopedEnvironments([environments.Counting(length=3)])
    environment.reset(0)
    environment.step(np.array([0]))
    environment.reset(0)
    for _ in range(2):
        assert not environment.step(np.array([0])).episodes
    (episode,) = environment.step(np.array([0])).episodes
    assert (episode.episode_return, episode.length) == (6, 3)


def test_actions_arrive_as_python_ints(environments):
    class Strict(environments.Counting):
        def step(self, action):
            assert type(action) is int
            return super().step(action)

    environment = LoopedEnvironments([Strict()])
    environment.reset(0)
    environment.step(np.array([1]))


def test_environments_whose_spaces_differ_are_refused(environments):
    space = spaces.Box(0, 1, (1,), np.float32)
    envs = [environments.Counting(), environments.Told(space, [np.zeros(1)])]
    with pytest.raises(EnvironmentContractError, match="differ in their spaces"):
        LoopedEnvironments(envs)


def test_one_environment_given_twice_is_refused(environments):
    env = environments.Counting()
    with pytest.raises(EnvironmentContractError, match="more than once"):
        EnvironmentSource(lambda: env).separate(2)
    with pytest.raises(EnvironmentContractError, match="more than once"):
        EnvironmentSource(lambda: gymnasium.wrappers.TimeLimit(env, 5)).separate(2)


def test_close_closes_every_environment(environments):
    envs = [environments.Counting() for _ in range(3)]
    LoopedEnvironments(envs).close()
    assert [env.closed for env in envs] == [1, 1, 1]


BOX = spaces.Box(-1, 1, (2,), np.float32)


@pytest.mark.parametrize(
    ("space", "observation"),
    [
        (BOX, np.zeros(3)),
        (BOX, np.zeros((1, 2))),
        (BOX, 0.0),
        (BOX, {"position": 0.0}),
        (BOX, None),
        (BOX, ["left", "right"]),
        (BOX, [[0], [0, 1]]),
        (spaces.Discrete(3), np.zeros(1)),
        (spaces.Discrete(3), "left"),
        (spaces.Discrete(3), 3),
        (spaces.Discrete(3), -1),
    ],
)
@pytest.mark.parametrize("when", ["reset", "step"])
def test_an_environment_that_lies_about_its_observations_is_told_so(environments, space, observation, when):
    truth = np.zeros(2) if space is BOX else 0
    told = [observation, truth] if when == "reset" else [truth, observation]
    environment = EnvironmentSource(lambda: environments.Told(space, told)).separate(2)
    with pytest.raises(EnvironmentContractError) as refused:  # noqa: PT012 - either of the two lines
        environment.reset(0)
        environment.step(np.array([0, 0]))
    assert str(space) in str(refused.value)


@pytest.mark.parametrize(
    "told",
    [
        (np.zeros(2), 1.0, False, {}),
        (np.zeros(2), "much", False, False, {}),
        (np.zeros(2), "1.5", False, False, {}),
        (np.zeros(2), None, False, False, {}),
        (np.zeros(2), np.ones(2), False, False, {}),
        (np.zeros(2), 1.0, np.zeros(2), False, {}),
        (np.zeros(2), 1.0, "False", False, {}),  # what is not empty would count as True
        (np.zeros(2), 1.0, False, None, {}),
        (np.zeros(2), 1.0, {}, {}),  # as before Gymnasium, with another flag forgotten
        np.zeros(2),
        None,
    ],
)
def test_a_step_that_is_no_step_is_told_so(environments, told):
    class Broken(environments.Counting):
        def step(self, action):
            return told

    environment = looped(Broken, 2)
    environment.reset(0)
    with pytest.raises(EnvironmentContractError, match="step returned"):
        environment.step(np.array([0, 0]))


@pytest.mark.parametrize("told", [np.zeros(2), (np.zeros(2),), (np.zeros(2), None), [np.zeros(2), {}], None])
def test_a_reset_that_is_no_reset_is_told_so(environments, told):
    class Broken(environments.Counting):
        def reset(self, *, seed=None, options=None):
            return told

    with pytest.raises(EnvironmentContractError, match=r"reset returned .*\nIt must return an observation and a dict"):
        EnvironmentSource(Broken).separate(1).reset(0)


def test_what_an_environment_raises_is_raised_as_it_is_with_a_note_where(environments):
    class Failing(environments.Counting):
        def step(self, action):
            if self._observation[1] == 2:
                raise ValueError("its own")
            return super().step(action)

    environment = EnvironmentSource(Failing).separate(2)
    environment.reset(0)
    for _ in range(2):
        environment.step(np.array([0, 1]))
    with pytest.raises(ValueError, match="its own") as raised:
        environment.step(np.array([1, 0]))
    assert raised.value.__notes__ == [
        "It was raised by the step of environment 0, step 3 of its episode, for the action 1."
    ]


def test_what_a_reset_raises_has_a_note_too(environments):
    class Failing(environments.Counting):
        def reset(self, *, seed=None, options=None):
            raise OSError("no simulator")

    with pytest.raises(OSError, match="no simulator") as raised:
        EnvironmentSource(Failing).separate(2).reset(0)
    assert raised.value.__notes__ == ["It was raised by the reset of environment 0."]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("where", ["first observation", "observation", "last observation", "reward"])
@pytest.mark.parametrize("kind", ["looped", "sync"])
def test_what_is_not_finite_is_told_with_the_environment_and_the_step(environments, kind, where, value):
    if where == "reward" and value == 1e300:
        value = np.nan  # a reward is a float64, in which that is a number
    wrong = np.array([0, value])

    class Broken(environments.Counting):
        broken = False

        def reset(self, **kwargs):
            observation, info = super().reset(**kwargs)
            return (wrong if self.broken and where == "first observation" else observation.astype(float)), info

        def step(self, action):
            observation, reward, terminated, truncated, info = super().step(action)
            at = {"observation": 2, "last observation": 3}.get(where)
            observation = wrong if self.broken and observation[1] == at else observation.astype(float)
            reward = value if self.broken and where == "reward" and reward == 2 else reward
            return observation, reward, terminated, truncated, info

    def made(broken):
        env = Broken(3)
        env.broken = broken
        env.observation_space = spaces.Box(0, 1e6, (2,), np.float64)
        return env

    environment = training(kind, [lambda: made(broken=False), lambda: made(broken=True)])
    step = {"first observation": 0, "last observation": 3}.get(where, 2)
    with pytest.raises(EnvironmentContractError) as refused:  # noqa: PT012 - where it happens is told by the message
        environment.reset(0)
        for _ in range(3):
            environment.step(np.array([0, 0]))
    what = "a reward" if where == "reward" else "an observation"
    assert str(refused.value).startswith(f"The environment gave {what} that is not finite: ")
    assert f"(environment 1, step {step} of its episode)" in str(refused.value)


def test_a_reward_that_learning_could_not_hold_is_told_as_too_large(environments):
    space = environments.Counting().observation_space
    environment = EnvironmentSource(environments.Told(space, [np.zeros(2, np.float32)], [1.0, 1e39])).separate(1)
    environment.reset(0)
    with pytest.raises(
        EnvironmentContractError, match=r"a reward that is too large for float32: 1e\+39 \(environment 0"
    ):
        environment.step(np.array([0]))


def test_environments_are_closed_where_one_cannot_be_made(environments):
    made = []

    def make():
        if len(made) == 4:
            raise OSError("no more simulators")
        made.append(environments.Counting(4, "terminated"))
        return made[-1]

    source = EnvironmentSource(make)
    with pytest.raises(OSError, match="no more simulators"):
        source.separate(8)
    assert [env.closed for env in made] == [1, 1, 1, 1]


def test_one_environment_that_cannot_be_closed_is_warned_of_and_the_others_are_closed(environments):
    class Stuck(environments.Counting):
        def close(self):
            super().close()
            raise OSError("it hangs")

    envs = [Stuck(), Stuck(), environments.Counting()]
    with pytest.warns(UserWarning, match="could not be closed: OSError"):
        LoopedEnvironments(envs).close()
    assert [env.closed for env in envs] == [1, 1, 1]


BROKEN = {
    "four values": lambda o, r, e, c, i: (o, r, e, i),
    "none": lambda *_: None,
    "one reward": lambda o, r, e, c, i: (o, r[:1], e, c, i),
    "rewards in a column": lambda o, r, e, c, i: (o, r[:, None], e, c, i),
    "no rewards": lambda o, r, e, c, i: (o, None, e, c, i),
    "terminated as numbers": lambda o, r, e, c, i: (o, r, e.astype(int), c, i),
    "one truncated": lambda o, r, e, c, i: (o, r, e, False, i),
    "three terminated": lambda o, r, e, c, i: (o, r, np.zeros(3, bool), c, i),
    "no info": lambda o, r, e, c, i: (o, r, np.ones(2, bool), c, None),
    "one last observation": lambda o, r, e, c, i: (o, r, np.ones(2, bool), c, {"final_obs": o[:1]}),
}


@pytest.mark.parametrize("broken", list(BROKEN))
def test_a_vector_environment_that_breaks_its_promise_is_told_so(environments, broken):
    class Broken(environments.CountingVector):
        def step(self, actions):
            return BROKEN[broken](*super().step(actions))

    environment = EnvironmentSource(Broken()).training(2)
    environment.reset(0)
    with pytest.raises(EnvironmentContractError, match=r"[Vv]ector environment"):
        environment.step(np.array([0, 0]))


def test_what_a_vector_environment_raises_has_a_note(environments):
    class Failing(environments.CountingVector):
        def step(self, actions):
            raise OSError("no simulator")

    environment = EnvironmentSource(Failing()).training(2)
    environment.reset(0)
    with pytest.raises(OSError, match="no simulator") as raised:
        environment.step(np.array([0, 1]))
    assert "actions [0, 1]" in raised.value.__notes__[0]


def test_a_vector_environment_that_is_closed_asks_for_another(environments):
    env = SyncVectorEnv([environments.Counting], autoreset_mode=AutoresetMode.SAME_STEP)
    source = EnvironmentSource(env)
    env.close()
    with pytest.raises(EnvironmentContractError, match=r"is closed[\s\S]*model.build"):
        source.training(1).reset(0)


class Boom(gymnasium.Env):
    """Raises in its third step."""

    observation_space = spaces.Box(0, 1, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        if self.steps == 3:
            raise OSError("no simulator")
        return np.zeros(1, np.float32), 0.0, False, False, {}


def test_a_process_that_has_ended_asks_for_another_environment(monkeypatch):
    monkeypatch.setattr(gymnasium.logger, "min_level", gymnasium.logger.ERROR + 1)  # it logs what it raises, too
    env = AsyncVectorEnv([Boom, Boom], autoreset_mode=AutoresetMode.SAME_STEP)
    environment = EnvironmentSource(env).training(2)
    environment.reset(0)
    environment.step(np.array([0, 0]))
    environment.step(np.array([0, 0]))
    with pytest.raises(OSError, match="no simulator"):
        environment.step(np.array([0, 0]))
    with pytest.raises(EnvironmentContractError, match="one of its processes has ended"):
        environment.reset(0)
    env.close(terminate=True)


class Parts(gymnasium.Env):
    """Counts in arrays that it reuses, inside an observation of its own kind; cut off after five steps."""

    action_space = spaces.Discrete(2)

    def __init__(self, kind="box"):
        box = spaces.Box(0, 100, (1,), np.float32)
        self.number = np.zeros(1, np.float32)
        self.observation_space, self.observation = {
            "box": (box, self.number),
            "dict": (
                spaces.Dict({"a": box, "b": spaces.Dict({"c": box})}),
                {"a": self.number, "b": {"c": self.number}},
            ),
            "tuple": (spaces.Tuple((box, box)), (self.number, self.number)),
        }[kind]

    def reset(self, *, seed=None, options=None):
        self.number[:] = 0
        return self.observation, {}

    def step(self, action):
        self.number += 1
        return self.observation, 1.0, False, self.number[0] >= 5, {}


def finals(env, n=5):
    """The final observations that training sees after ``n`` steps."""
    environment = EnvironmentSource(env).training(env.num_envs)
    try:
        environment.reset(0)
        for _ in range(n):
            step = environment.step(np.zeros(env.num_envs, int))
        return step.final_observations[:, 0].tolist(), step.observations[:, 0].tolist()
    finally:
        env.close(**({"terminate": True} if isinstance(env, AsyncVectorEnv) else {}))


@pytest.mark.parametrize("observation", ["box", "dict", "tuple"])
@pytest.mark.parametrize("kind", ["sync", "async", "async pipes", "wrapped sync", "wrapped async"])
def test_a_final_observation_in_an_array_that_the_reset_reuses_is_that_before_it(kind, observation):
    factories, mode = [functools.partial(Parts, observation)] * 2, AutoresetMode.SAME_STEP
    if "async" in kind:
        env = AsyncVectorEnv(factories, autoreset_mode=mode, shared_memory="pipes" not in kind)
    else:
        env = SyncVectorEnv(factories, autoreset_mode=mode)
    if "wrapped" in kind:
        env = gymnasium.wrappers.vector.RecordEpisodeStatistics(env)
    assert finals(env) == ([5, 5], [0, 0])


def test_copying_final_observations_hides_nothing_of_the_environments():
    env = SyncVectorEnv([Parts] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    inside = env.envs[0]
    source = EnvironmentSource(env)
    for _ in range(3):
        source.training(2).reset(0)
    assert env.envs[0] is inside
    env.set_attr("number", [np.array([3], np.float32), np.array([4], np.float32)])
    assert [float(number[0]) for number in env.get_attr("number")] == [3, 4]
    copied = copy.deepcopy(env)
    copied.reset(seed=0)
    for _ in range(5):
        info = copied.step(np.zeros(2, int))[-1]
    assert info["final_obs"][0] is not copied.envs[0].observation
    assert vars(copied)["_add_info"].env is copied


class OwnVector(VectorEnv):
    """Two environments of its own making, cut off after two steps; subclasses say how they give final observations."""

    num_envs = 2
    single_observation_space = spaces.Box(0, 100, (1,), np.float32)
    single_action_space = spaces.Discrete(2)
    observation_space = spaces.Box(0, 100, (2, 1), np.float32)
    action_space = spaces.MultiDiscrete([2, 2])
    terminates = False

    def __init__(self):
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.numbers = np.zeros((2, 1), np.float32)

    def reset(self, *, seed=None, options=None):
        self.numbers[:] = 0
        return self.numbers.copy(), {}

    def step(self, actions):
        self.numbers += 1
        ended = self.numbers[:, 0] >= 2
        info, final = {}, self.final()
        self.numbers[ended] = 0
        if ended.any():
            info["final_obs"] = final
        never = np.zeros(2, bool)
        terminated, truncated = (ended, never) if self.terminates else (never, ended)
        return self.observations(), np.ones(2), terminated, truncated, info

    def final(self):
        return self.numbers

    def observations(self):
        return self.numbers.copy()


class Aliased(OwnVector):
    """Gives its buffer for the final observations and for the first ones of the next episode."""

    def observations(self):
        return self.numbers


class AliasedRows(Aliased):
    """The same, with one array for each environment."""

    def final(self):
        rows = np.full(2, None, object)
        rows[:] = list(self.numbers)
        return rows


@pytest.mark.parametrize("kind", [Aliased, AliasedRows])
def test_final_observations_in_the_memory_of_the_first_ones_are_refused(kind):
    with pytest.raises(EnvironmentContractError, match=r"shares memory with the observations.*\n.*copy"):
        finals(kind(), 2)
    env = kind()
    env.terminates = True  # the final state of a terminated episode has no value
    assert finals(env, 2) == ([0, 0], [0, 0])


def test_final_observations_that_are_always_the_first_ones_are_warned_of_once():
    with pytest.warns(UserWarning, match="the reset seems to overwrite them") as warned:
        finals(OwnVector(), 40)
    assert len(warned) == 1


def test_final_observations_that_are_sometimes_the_first_ones_are_no_fault(recwarn):
    class Sometimes(OwnVector):
        def final(self):
            self.count = getattr(self, "count", 0) + 1
            return self.numbers * (self.count % 4 == 0)

    finals(Sometimes(), 40)
    assert not recwarn.list


def nested(batched):
    """A vector environment with Dict and Tuple observations, and final ones in batches or one by one."""

    class Nested(OwnVector):
        box = spaces.Box(0, 100, (1,), np.float32)
        single_observation_space = spaces.Dict({"a": box, "b": spaces.Tuple((box, box))})

        def final(self):
            numbers = self.numbers.copy()
            if batched:
                return {"b": (numbers + 1, numbers + 2), "a": numbers}
            return [{"a": number, "b": (number + 1, number + 2)} for number in numbers]

        def observations(self):
            numbers = self.numbers.copy()
            return {"a": numbers, "b": (numbers, numbers)}

        def reset(self, *, seed=None, options=None):
            super().reset()
            return self.observations(), {}

    return Nested()


@pytest.mark.parametrize("batched", [False, True])
def test_final_observations_of_a_dict_space_may_be_a_dict_of_batches(batched):
    environment = EnvironmentSource(nested(batched)).training(2)
    environment.reset(0)
    environment.step(np.zeros(2, int))
    assert environment.step(np.zeros(2, int)).final_observations.tolist() == [[2, 3, 4]] * 2


@pytest.mark.parametrize(
    "final",
    [
        {"a": np.zeros((2, 1)), "b": np.zeros((2, 1))},
        {"left": 1, "right": 2},
        {0: np.zeros(1)},
        np.zeros((3, 1)),
        [],
        5,
        "no",
        (None, None),
    ],
)
def test_final_observations_in_another_form_are_refused_with_the_right_one(final):
    class Other(OwnVector):
        def final(self):
            return final

    with pytest.raises(EnvironmentContractError):
        finals(Other(), 2)


def test_final_observations_in_a_dict_that_has_a_key_for_each_environment_are_shown_with_the_right_form():
    class Other(OwnVector):
        def final(self):
            return {"left": np.zeros(1), "right": np.zeros(1)}

    with pytest.raises(
        EnvironmentContractError, match=r"final_obs'\] = \{'left'.*\n.*one observation for each of the 2"
    ):
        finals(Other(), 2)


class NoSeed(Parts):
    def reset(self):
        return super().reset()


class NoOptions(Parts):
    def reset(self, seed=None):
        return super().reset(seed=seed)


class NoAction(Parts):
    def step(self):
        return super().step(0)


class NoSeedVector(OwnVector):
    def reset(self):
        return super().reset()


class NoActionVector(OwnVector):
    def step(self):
        return super().step([0, 0])


@pytest.mark.parametrize(
    ("env", "right"),
    [
        (NoSeed, "reset"),
        (NoSeed(), "reset"),
        (lambda: gymnasium.wrappers.TimeLimit(NoSeed(), 5), "reset"),
        (lambda: gymnasium.wrappers.TimeLimit(NoOptions(), 5), "reset"),
        (NoAction, "step"),
        (lambda: gymnasium.wrappers.OrderEnforcing(NoAction()), "step"),
        (SyncVectorEnv([NoSeed] * 2, autoreset_mode=AutoresetMode.SAME_STEP), "reset"),
        (SyncVectorEnv([NoOptions] * 2, autoreset_mode=AutoresetMode.SAME_STEP), "reset"),
        (SyncVectorEnv([NoAction], autoreset_mode=AutoresetMode.SAME_STEP), "step"),
        (NoSeedVector(), "reset"),
        (NoActionVector(), "step"),
        (gymnasium.wrappers.vector.RecordEpisodeStatistics(NoSeedVector()), "reset"),
    ],
)
def test_methods_that_cannot_be_called_as_gymnasium_does_are_refused_before_the_first_step(env, right):
    says = r"def reset\(self, \*, seed=None, options=None\)" if right == "reset" else r"def step\(self, action\)"
    with pytest.raises(EnvironmentContractError, match=rf"No\w+\.{right}\(.*\n.*{says}"):
        EnvironmentSource(env)


@pytest.mark.parametrize(("kind", "right"), [(NoSeed, "reset"), (NoOptions, "reset"), (NoAction, "step")])
def test_methods_that_cannot_be_called_in_a_process_are_told_at_their_first_call(monkeypatch, kind, right):
    monkeypatch.setattr(gymnasium.logger, "min_level", gymnasium.logger.ERROR + 1)
    with pytest.raises(EnvironmentContractError, match=rf"{kind.__name__}\.{right}\("):
        finals(AsyncVectorEnv([kind], autoreset_mode=AutoresetMode.SAME_STEP), 1)


def test_a_reset_that_takes_what_it_is_called_with_in_its_own_way_is_taken():
    class Any(Parts):
        def reset(self, *arguments, **keywords):
            return super().reset()

    for kind in (NoOptions, Any, lambda: gymnasium.wrappers.TimeLimit(Any(), 5)):
        environment = EnvironmentSource(kind).separate(1)
        environment.reset(0)
        assert environment.step(np.array([0])).observations.tolist() == [[1]]


@pytest.mark.parametrize("vector", [False, True])
def test_a_type_error_inside_a_reset_is_raised_as_it_is(monkeypatch, vector):
    monkeypatch.setattr(gymnasium.logger, "min_level", gymnasium.logger.ERROR + 1)

    class Failing(Parts):
        def reset(self, *, seed=None, options=None):
            return len(5)

    env = AsyncVectorEnv([Failing], autoreset_mode=AutoresetMode.SAME_STEP) if vector else SyncVectorEnv([Failing])
    with pytest.raises(TypeError, match="has no len"):
        finals(env)


@pytest.mark.parametrize("told", [np.zeros((2, 1)), None, [np.zeros((2, 1)), {}]])
def test_a_reset_of_a_vector_environment_that_is_none_is_told_so(told):
    class Broken(OwnVector):
        def reset(self, *, seed=None, options=None):
            return told

    with pytest.raises(EnvironmentContractError, match=r"vector environment's reset returned [\s\S]*\nIt must return"):
        finals(Broken())


def test_a_step_as_gym_had_it_is_told_what_has_changed(environments):
    class Old(environments.Counting):
        def step(self, action):
            return np.zeros(2, np.float32), 1.0, False, {}

    environment = EnvironmentSource(Old).separate(1)
    environment.reset(0)
    with pytest.raises(EnvironmentContractError, match=r"four values.*\n.*terminated and truncated in place of done"):
        environment.step(np.array([0]))


def test_what_is_of_the_gym_package_is_told_so(environments):
    old = type("Box", (), {"__module__": "gym.spaces.box"})
    old_env = type("OldEnv", (), {"__module__": "gym.core"})

    class Mixed(environments.Counting):
        def __init__(self):
            super().__init__()
            self.observation_space = old()

    with pytest.raises(EnvironmentContractError, match=r"observation_space <gym.*\n.*import gymnasium as gym"):
        EnvironmentSource(Mixed)
    for env in (old_env(), old_env, lambda: old_env(*[])):
        with pytest.raises(UnknownEnvironmentError, match="import gymnasium as gym"):
            EnvironmentSource(env)


class Meddling(gymnasium.Env):
    """Keeps a copy of the action that it got, and what it did to the array itself."""

    def __init__(self, space):
        self.observation_space, self.action_space = spaces.Box(0, 1, (1,)), space
        self.got = []

    def reset(self, *, seed=None, options=None):
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.got.append(np.array(action))
        if isinstance(action, np.ndarray):
            action[...] = 0
        return np.zeros(1, np.float32), 0.0, False, False, {}


class MeddlingVector(VectorEnv):
    """Sets the actions that it got to zero."""

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012 - as Gymnasium declares it
    num_envs = 2

    def __init__(self, space):
        self.single_action_space, self.action_space = space, batch_space(space, 2)
        self.single_observation_space = spaces.Box(0, 1, (1,))
        self.observation_space = batch_space(self.single_observation_space, 2)

    def reset(self, *, seed=None, options=None):
        return np.zeros((2, 1), np.float32), {}

    def step(self, actions):
        self.got = actions.copy()
        actions[...] = 0
        return np.zeros((2, 1), np.float32), np.zeros(2), np.zeros(2, bool), np.zeros(2, bool), {}


ACTIONS = [
    (spaces.Discrete(3), [2, 1]),
    (spaces.MultiDiscrete([3, 3]), [[2, 1], [1, 2]]),
    (spaces.MultiBinary(2), [[1, 1], [0, 1]]),
    (spaces.Box(-3, 3, (2,)), [[2.5, 1.5], [1.5, 2.5]]),
    (spaces.Box(-3, 3, ()), [2.5, 1.5]),
    (spaces.Box(-3, 3, (2,), np.int64), [[2, 1], [1, 2]]),
]


@pytest.mark.parametrize(("space", "actions"), ACTIONS)
@pytest.mark.parametrize("kind", ["looped", "sync", "own"])
def test_environments_get_copies_of_actions(kind, space, actions):
    if kind == "own":
        env = MeddlingVector(space)
        environment = EnvironmentSource(env).training(2)
    else:
        environment = training(kind, [lambda: Meddling(space)] * 2)
    environment.reset(0)
    given = np.array(actions, space.dtype)
    environment.step(given)
    environment.step(given)
    np.testing.assert_array_equal(given, actions)
    if kind == "own":
        np.testing.assert_array_equal(env.got, actions)
    else:
        envs = environment.envs if kind == "looped" else environment.env.envs
        for i, env in enumerate(envs):
            np.testing.assert_array_equal(env.unwrapped.got, [actions[i]] * 2)
    environment.close()


class Paying(gymnasium.Env):
    """Gives one reward, of any kind."""

    observation_space, action_space = spaces.Box(0, 1, (1,)), spaces.Discrete(2)

    def __init__(self, reward):
        self.reward = reward

    def reset(self, *, seed=None, options=None):
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.zeros(1, np.float32), self.reward, False, False, {}


@pytest.mark.parametrize(
    "reward",
    [
        np.array([1.5]),
        np.array([[1.5]]),
        np.array([1.5, 2.5]),
        np.array([]),
        np.array([1.5], object),
        [1.5],
        (1.5,),
        "1.5",
        np.str_("1.5"),
        np.array("1.5"),
        b"1.5",
        None,
        1 + 0j,
        np.complex64(1),
        np.array(None),
        {},
        10**400,
    ],
    ids=repr,
)
def test_a_reward_that_is_not_one_number_is_refused(reward):
    environment = LoopedEnvironments([Paying(reward)])
    environment.reset(0)
    with pytest.raises(EnvironmentContractError, match=r"step returned .*\n.*a reward that is a number"):
        environment.step(np.array([0]))


@pytest.mark.parametrize(
    "reward",
    [
        1.5,
        2,
        True,
        np.float32(1.5),
        np.float16(1.5),
        np.int8(2),
        np.bool_(1),
        np.array(1.5),
        Fraction(3, 2),
        Decimal("1.5"),
    ],
    ids=repr,
)
def test_a_reward_may_be_a_number_of_any_type(reward):
    environment = LoopedEnvironments([Paying(reward)])
    environment.reset(0)
    assert environment.step(np.array([0])).rewards.tolist() == [float(reward)]


class Clock(gymnasium.Env):
    """Observes the seconds of a clock; an episode has four steps."""

    action_space = spaces.Discrete(2)

    def __init__(self, dtype=np.float64):
        self.observation_space = spaces.Box(0, 2e9, (1,), dtype)

    def _observe(self):
        return np.array([1.7e9 + self.t])

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return self._observe(), {}

    def step(self, action):
        self.t += 1
        return self._observe(), 0.0, self.t == 4, False, {}


@pytest.mark.parametrize("kind", ["looped", "sync", "async"])
def test_an_encoder_of_float64_tells_large_observations_apart(kind):
    environment = training(kind, [Clock] * 2)
    environment.encoder = FeatureEncoder(environment.observation_space, np.float64)
    assert environment.reset(0).tolist() == [[1.7e9]] * 2
    for t in range(1, 9):
        step = environment.step(np.zeros(2, int))
        ended = t % 4 == 0
        assert step.final_observations.tolist() == [[1.7e9 + (4 if ended else t % 4)]] * 2
        assert step.observations.tolist() == [[1.7e9 + t % 4]] * 2
    environment.close()


def test_a_space_of_float32_does_not_round_what_a_single_environment_observes():
    environment = LoopedEnvironments([Clock(np.float32)])
    environment.encoder = FeatureEncoder(environment.observation_space, np.float64)
    environment.reset(0)
    assert environment.step(np.zeros(1, int)).observations.tolist() == [[1.7e9 + 1]]


class LateClock(Clock):
    def _observe(self):
        return super()._observe() + 3


@pytest.mark.parametrize("kind", ["looped", "sync"])
def test_large_observations_that_float32_rounds_are_warned_of_once(kind):
    environment = training(kind, [LateClock] * 2)
    with pytest.warns(UserWarning, match=r"1700000003.0 becomes 1700000000.0.*normalize=True") as warned:
        environment.reset(0)
    assert len(warned) == 1
    environment.step(np.zeros(2, int))
    environment.reset(1)
    environment.close()
