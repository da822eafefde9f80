"""Small environments whose right answers are known, shared by the tests."""

from __future__ import annotations

import contextlib
import signal
import sys
import warnings
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from hypothesis import HealthCheck, settings

# No test may fail because the machine is busy: Hypothesis measures neither examples nor their generation.
settings.register_profile("patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


# Box2D's own warnings come with its first import, whichever test that is in.
with warnings.catch_warnings(), contextlib.suppress(ImportError):
    warnings.simplefilter("ignore")
    import Box2D  # noqa: F401


class Counting(gymnasium.Env):
    """Reports its own episode and step, so that a lost, doubled or mixed-up transition shows.

    The same array is returned every time, as simulators do that write into one buffer: whoever keeps a reference to
    an observation sees it change. A seed begins the count of episodes at 0.
    """

    def __init__(self, length: int = 4, ending: str = "terminated") -> None:
        self.observation_space = spaces.Box(0, 1e6, (2,), np.float32)
        self.action_space = spaces.Discrete(2)
        self.length = length
        self.ending = ending
        self._observation = np.zeros(2, np.float32)
        self._episode = -1
        self.seeds: list[int | None] = []
        self.closed = 0

    def reset(self, *, seed=None, options=None):
        self.seeds.append(seed)
        self._episode = 0 if seed is not None else self._episode + 1
        self._observation[:] = self._episode, 0
        return self._observation, {}

    def step(self, action):
        self._observation[1] += 1
        step = int(self._observation[1])
        ended = step >= self.length
        return (
            self._observation,
            float(step),
            ended and self.ending != "truncated",
            ended and self.ending != "terminated",
            {},
        )

    def close(self):
        self.closed += 1


class CountingVector(VectorEnv):
    """Two environments of a vector environment's own making, that count as `Counting` does, in one reused buffer."""

    def __init__(self, mode: AutoresetMode = AutoresetMode.SAME_STEP, *, says_final: bool = True) -> None:
        self.metadata = {"autoreset_mode": mode}
        self.num_envs = 2
        self.single_observation_space = spaces.Box(0, 1e6, (2,), np.float32)
        self.single_action_space = spaces.Discrete(2)
        self.observation_space = spaces.Box(0, 1e6, (2, 2), np.float32)
        self.action_space = spaces.MultiDiscrete([2, 2])
        self.says_final = says_final
        self.seeds: list[object] = []
        self._observations = np.zeros((2, 2), np.float32)
        self._lengths = np.array([2, 3])

    def reset(self, *, seed=None, options=None):
        self.seeds.append(seed)
        self._observations[:] = 0
        return self._observations, {}

    def step(self, actions):
        self._observations[:, 1] += 1
        rewards = self._observations[:, 1].astype(np.float64)
        terminated = self._observations[:, 1] >= self._lengths
        info = {}
        if terminated.any() and self.says_final:
            info["final_obs"] = self._observations.copy()
        self._observations[terminated, 0] += 1
        self._observations[terminated, 1] = 0
        return self._observations, rewards, terminated, np.zeros(2, bool), info


class _Probe(gymnasium.Env):
    """Base of the probe environments of Jones, "Debugging RL, Without the Agonizing Pain"."""

    choices = 1
    observations = (0.0,)
    length = 1

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-1, 1, (1,), np.float32)
        self.action_space = spaces.Discrete(self.choices)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        self.state = float(self.np_random.choice(self.observations))
        return self._observe(), {}

    def _observe(self):
        return np.array([self.state], np.float32)

    def step(self, action):
        self.steps += 1
        return self._observe(), self.reward(int(action)), self.steps >= self.length, False, {}

    def reward(self, action):
        return 1.0


class ConstantReward(_Probe):
    """Reward 1: the value of the only observation must become 1."""


class ObservationReward(_Probe):
    """Reward is the observation, -1 or 1: the value must tell observations apart."""

    observations = (-1.0, 1.0)

    def reward(self, action):
        return self.state


class DelayedReward(_Probe):
    """Two steps, the reward at the second: the value of the first must be discounted."""

    length = 2

    def _observe(self):
        return np.array([self.steps], np.float32)

    def reward(self, action):
        return float(self.steps == 2)


class ActionReward(_Probe):
    """Reward 1 for action 1, -1 for action 0: the policy must choose."""

    choices = 2

    def reward(self, action):
        return 1.0 if action == 1 else -1.0


class ObservationActionReward(_Probe):
    """Reward 1 where the action fits the observation: policy and value must both depend on it."""

    choices = 2
    observations = (-1.0, 1.0)

    def reward(self, action):
        return 1.0 if (action == 1) == (self.state > 0) else -1.0


class Identity(gymnasium.Env):
    """Reward 1 for the action that equals the observation; both may begin at numbers other than 0."""

    def __init__(self, n: int = 4, first_observation: int = 0, first_action: int = 0, length: int = 50) -> None:
        self.observation_space = spaces.Discrete(n, start=first_observation)
        self.action_space = spaces.Discrete(n, start=first_action)
        self.length = length

    def _draw(self) -> int:
        self.state = int(self.np_random.integers(self.observation_space.n) + self.observation_space.start)
        return self.state

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self._draw(), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        right = action - self.action_space.start == self.state - self.observation_space.start
        self.steps += 1
        return self._draw(), float(right), False, self.steps >= self.length, {}


class Endless(gymnasium.Env):
    """Reward 1 for ever, cut off after ``length`` steps: the value is 1/(1 - gamma) if that is no end."""

    def __init__(self, length: int = 20) -> None:
        self.observation_space = spaces.Box(0, 1, (1,), np.float32)
        self.action_space = spaces.Discrete(2)
        self.length = length

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.ones(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.ones(1, np.float32), 1.0, False, self.steps >= self.length, {}


class Told(gymnasium.Env):
    """Returns the observations and rewards it is told to, whatever its spaces say."""

    def __init__(self, space: spaces.Space, observations: list[object], rewards: list[object] | None = None) -> None:
        self.observation_space = space
        self.action_space = spaces.Discrete(2)
        self.observations = observations
        self.rewards = rewards or [0.0]
        self.steps = 0

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return self.observations[0], {}

    def step(self, action):
        self.steps += 1
        observation = self.observations[self.steps % len(self.observations)]
        return observation, self.rewards[self.steps % len(self.rewards)], False, False, {}


def pytest_terminal_summary(terminalreporter):
    """Say in the last lines what was not tried in a browser: whoever reads only those should know."""
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if report.nodeid.startswith("tests/notebook_browser/")
    ]
    for wanted, remedy in (("Chromium", "apt-get install chromium"), ("ipykernel 6", "make test")):
        number = sum(f"There is no {wanted}." in str(report.longrepr) for report in skipped)
        if number:
            what = f"Not run, for want of {wanted}: {number} tests of tests/notebook_browser."
            terminalreporter.write_line(f"{what} Install it: {remedy}", yellow=True)


@pytest.fixture(autouse=True, scope="session")
def trust_folder(tmp_path_factory):
    """A key of the tests' own: nothing may be signed by, or make, that of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RLKIT_TRUST_DIR", str(tmp_path_factory.mktemp("trust")))
        yield


@pytest.fixture(autouse=True, scope="session")
def ctrl_c():
    """Let Ctrl-C raise KeyboardInterrupt: shells start what runs in the background with SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def environments():
    """The classes above."""
    return SimpleNamespace(
        Counting=Counting,
        CountingVector=CountingVector,
        ConstantReward=ConstantReward,
        ObservationReward=ObservationReward,
        DelayedReward=DelayedReward,
        ActionReward=ActionReward,
        ObservationActionReward=ObservationActionReward,
        Identity=Identity,
        Endless=Endless,
        Told=Told,
    )


@pytest.fixture
def numeric_gradient():
    """Central finite differences of a loss by a vector that it depends on, which is changed in place and restored."""

    def numeric_gradient(loss, vector, step=1e-6):
        gradient = np.empty_like(vector)
        for i in range(len(vector)):
            kept = vector[i]
            vector[i] = kept + step
            above = loss()
            vector[i] = kept - step
            below = loss()
            vector[i] = kept
            gradient[i] = (above - below) / (2 * step)
        return gradient

    return numeric_gradient


_PACKAGE = """
import gymnasium

gymnasium.register("Walk-v0", entry_point="walk_package.envs:Walk", max_episode_steps=20, reward_threshold=7.0)
gymnasium.register("Stroll-v0", entry_point="walk_package.envs:Walk", max_episode_steps=30)
gymnasium.register("Stroll-v1", entry_point="walk_package.envs:Walk", max_episode_steps=30)
gymnasium.register("LongCartPole-v1", entry_point="gymnasium.envs.classic_control:CartPoleEnv", max_episode_steps=900)
"""
_WALK = """
import gymnasium
import numpy as np


class Walk(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-9, 9, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, size=3, render_mode=None):
        self.size = size

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action):
        return np.full(2, action, np.float32), float(action), False, False, {}
"""


@pytest.fixture
def walk_package(tmp_path_factory, monkeypatch):
    """A package ``walk_package`` that registers Walk-v0, Stroll-v0 and v1, and LongCartPole-v1 when it is imported.

    Returns a function that forgets it, as a fresh process has.
    """
    folder = tmp_path_factory.mktemp("packages")
    (folder / "walk_package").mkdir()
    (folder / "walk_package" / "__init__.py").write_text(_PACKAGE)
    (folder / "walk_package" / "envs.py").write_text(_WALK)
    monkeypatch.syspath_prepend(str(folder))

    def forget():
        for name in ("walk_package", "walk_package.envs"):
            sys.modules.pop(name, None)
        for env_id in ("Walk-v0", "Stroll-v0", "Stroll-v1", "LongCartPole-v1"):
            gymnasium.registry.pop(env_id, None)
        return folder

    yield forget
    forget()
