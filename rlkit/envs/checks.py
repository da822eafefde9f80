"""Faults of environments that no error shows: ignored seeds, global generators, changed attributes."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import EzPickle
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorWrapper
from numpy.typing import NDArray

from rlkit.envs.workers import is_running
from rlkit.errors import warn_caller

Environment = gymnasium.Env[Any, Any]
Trajectory = list[tuple[Any, ...]]

_WATCHED_CALLS = 64
"""Resets and steps after which the global generators are no longer compared, which takes some microseconds a call."""
_PROBED_STEPS = 16
_LARGEST_SEED = 2**64
"""Above what anybody gives as a seed, and below nearly all that NumPy draws by itself, which have 128 bits."""
_MISSING = object()
_PLAIN = (bool, int, float, complex, str, bytes, np.generic, type(None), spaces.Space)


class SourceChecks:
    """Looks for faults in the environments of one source, and warns of each once.

    Args:
        make: Makes one new environment; None where only the caller can.
        name: What to call the environment.

    Attributes:
        watches_generators: Whether the next calls should go through :meth:`watched`.
    """

    def __init__(self, make: Callable[[], Environment] | None, name: str) -> None:
        self._make = make
        self._name = name
        self._probed = False
        self._is_seeded = True
        self._calls = 0
        self.watches_generators = True

    def watched(self, call: Callable[[Any], Any], argument: Any) -> Any:
        """Call a function that runs environments, and warn where it uses a generator that all of Python shares."""
        before = _global_generators()
        result = call(argument)
        self._calls += 1
        self.watches_generators = self._calls < _WATCHED_CALLS
        used = [name for name, state in _global_generators().items() if state != before[name]]
        if used:
            self.watches_generators = False
            warn_caller(
                f"{self._name} draws from {' and '.join(used)}, which the seed of a model does not reach: the same "
                f"run will not give the same result. Let it draw from self.np_random, which "
                f"super().reset(seed=seed) seeds."
            )
        return result

    def look_at_generator(self, env: Environment, before: np.random.Generator | None) -> None:
        """Warn where a reset with a seed has left ``self.np_random`` without it.

        Args:
            env: The environment after ``reset(seed=...)``.
            before: What :func:`generator_of` returned before.
        """
        generator = generator_of(env)
        # Gymnasium notes the seed of a generator that it makes in the reset: a far larger one if none was given.
        drawn = vars(env.unwrapped).get("_np_random_seed") or 0
        is_seeded = generator is None or (generator is not before and drawn < _LARGEST_SEED)
        if self._is_seeded and not is_seeded:
            self._is_seeded = False
            warn_caller(
                f"The reset of {self._name} does not seed self.np_random: the same seed gives other episodes each "
                f"time, so that evaluations do not compare. Let reset call super().reset(seed=seed) first."
            )

    def look_at_first(self, features: NDArray[Any]) -> None:
        """Warn where several environments began alike because they ignore their seeds.

        Args:
            features: Features of the first observations, each after another seed, ``(num_envs, size)``.
        """
        if self._probed or self._make is None or len(features) < 2 or (features != features[0]).any():  # noqa: PLR2004
            return
        self._probed = True
        if _ignores_seeds(self._make):
            warn_caller(
                f"Different seeds give {self._name} identical first episodes: environments that are stepped together "
                f"are copies of each other. Let its reset draw from self.np_random after super().reset(seed=seed), or "
                f"give the class, or a function that makes a different one each time, in place of an object."
            )


def generator_of(env: Environment) -> np.random.Generator | None:
    """Return the generator that Gymnasium gave an environment; None where it has not asked for it yet."""
    generator: np.random.Generator | None = vars(env.unwrapped).get("_np_random")
    return generator


def _global_generators() -> dict[str, Any]:
    legacy: Any = np.random.get_state(legacy=False)  # noqa: NPY002 - it is what is looked at
    numpy_state = (legacy["state"]["key"].tobytes(), legacy["state"]["pos"], legacy["has_gauss"], legacy["gauss"])
    return {"np.random": numpy_state, "random": random.getstate()}


def _ignores_seeds(make: Callable[[], Environment]) -> bool:
    """Whether two new environments do the same after different seeds, and one does not after the same seed twice.

    An environment without anything random does the same in all three.
    """
    made: list[Environment] = []
    try:
        made.extend(make() for _ in range(2))
        one, other = made
        first, second, again = _played(one, 1), _played(other, 2), _played(one, 1)
    except Exception:  # noqa: BLE001 - there may be no more of them; and what is wrong in a step a run will show
        return False
    finally:
        for env in made:
            env.close()
    return first == second and first != again


def _played(env: Any, seed: int) -> Trajectory:
    """Return what some steps with fixed actions give."""
    actions = copy.deepcopy(env.action_space)
    actions.seed(0)
    observation, _ = env.reset(seed=seed)
    seen: Trajectory = [(_frozen(observation),)]
    for _ in range(_PROBED_STEPS):
        observation, reward, terminated, truncated, _ = env.step(actions.sample())
        seen.append(tuple(map(_frozen, (observation, reward, terminated, truncated))))
        if np.any(terminated) or np.any(truncated):
            break
    return seen


def _frozen(value: Any) -> Any:
    """Return a value that compares with ``==`` and does not change with what it was made from."""
    if isinstance(value, dict):
        return tuple((key, _frozen(part)) for key, part in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    array = np.asarray(value)
    return (str(array.dtype), array.shape, array.tobytes())


def faithful_copy(env: Any) -> Any:
    """Return a copy of an environment or a vector environment, with what was changed since it was made.

    ``gymnasium.utils.EzPickle``, from which Box2D's and MuJoCo's environments derive, copies an environment by making
    it again: plain attributes are copied on top of that. The state of a simulator is not.
    """
    copied = copy.deepcopy(env)
    for one, other in zip(_members(env), _members(copied), strict=True):
        for layer, theirs in zip(layers(one), layers(other), strict=True):
            if isinstance(layer, EzPickle):
                own = vars(theirs)
                changed = {
                    name: copy.deepcopy(value)
                    for name, value in vars(layer).items()
                    if _is_plain(value) and not _same(own.get(name, _MISSING), value)
                }
                own.update(changed)
    return copied


def is_copied_by_making(env: Any) -> bool:
    """Whether a copy of an environment, or of one in a vector environment, begins with a new simulator."""
    return any(isinstance(layer, EzPickle) for one in _members(env) for layer in layers(one))


def _members(env: Any) -> list[Any]:
    base = env.unwrapped
    return base.envs if isinstance(base, SyncVectorEnv) else [env]


def changed_attributes(env: Any, make: Callable[[], Any]) -> list[str]:
    """Return the names of attributes in which an environment differs from a new one of the same spec.

    What an episode changes is passed over: an environment that was merely used does not differ.

    Args:
        env: The environment, or a vector environment.
        make: Makes a new environment of the spec: a single one for Gymnasium's Sync and AsyncVectorEnv, else one of the
            same kind.
    """
    try:
        fresh = make()
    except Exception:  # noqa: BLE001 - what cannot be made cannot be compared: it counts as what its spec says
        return []
    before = [copy.deepcopy({k: v for k, v in vars(each).items() if _is_plain(v)}) for each in layers(fresh)]
    try:
        _played(fresh, 0)
    except Exception:  # noqa: BLE001 - the same
        return []
    finally:
        fresh.close()
    fixed: dict[type, dict[str, Any]] = {}
    known: dict[type, set[str]] = {}
    for layer, values in zip(layers(fresh), before, strict=True):
        own = vars(layer)
        fixed[type(layer)] = {name: value for name, value in values.items() if _same(own.get(name, _MISSING), value)}
        known[type(layer)] = set(own)
    base = env.unwrapped
    if isinstance(base, AsyncVectorEnv):
        names = fixed[type(fresh.unwrapped)]
        asked = {name: base.get_attr(name) for name in names} if is_running(base) else {}
        return sorted(name for name, values in asked.items() if not all(_same(one, names[name]) for one in values))
    return sorted({name for one in _members(env) for name in _differences(one, fixed, known)})


def _differences(env: Any, fixed: dict[type, dict[str, Any]], known: dict[type, set[str]]) -> Iterator[str]:
    compared: set[type] = set()
    for layer in layers(env):
        if type(layer) not in fixed or type(layer) in compared:  # of two time limits the outer one is the spec's
            continue
        compared.add(type(layer))
        own = vars(layer)
        for name, value in fixed[type(layer)].items():
            if name == "_saved_kwargs":  # how a wrapper was made, which Gymnasium keeps beside what it does
                continue
            found = own.get(name, _MISSING)
            if (found is _MISSING or _is_plain(found)) and not _same(found, value):  # a window does not count
                yield name
        yield from (name for name in own.keys() - known[type(layer)] if not name.startswith("_"))


def layers(env: Any) -> Iterator[Any]:
    """Yield the wrappers of an environment or a vector environment, the outermost first, and what they wrap."""
    while isinstance(env, gymnasium.Wrapper | VectorWrapper):
        yield env
        env = env.env
    yield env


def _is_plain(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.dtype != object)
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(part) for key, part in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return bool(np.array_equal(one, other))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    both_nan = isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other)
    return True if both_nan else bool(one == other)
