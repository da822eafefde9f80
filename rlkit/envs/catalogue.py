"""The environments that Gymnasium knows: which there are, what they take and give, and what they need."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import SyncVectorEnv, VectorEnv

from rlkit.display import html, text
from rlkit.display.html import Markup
from rlkit.envs.ids import find_spec, import_module, split_id
from rlkit.envs.make import EnvironmentLike, EnvironmentSource
from rlkit.envs.spaces import Space, space_words

_NEEDS = {
    "box2d": ("Box2D", "gymnasium[box2d]"),
    "mujoco": ("mujoco", "gymnasium[mujoco]"),
    "phys2d": ("jax", "gymnasium[jax]"),
    "tabular": ("jax", "gymnasium[jax]"),
}
"""Family -> the module that its environments import, and what installs it. Other families of Gymnasium need nothing."""
_FAMILIES = ("classic control", "toy text", "box2d", "mujoco")  # the simplest first, before those of other packages
_NAMED = 4  # environments that are named of a family that cannot be made
_HEADERS = ("environment", "family", "solved from", "steps", "presets")
_NUMERIC = {2, 3}
_MOST_ROWS = 60  # of text; in HTML as many as fit
_HOW = "rlkit.environments('part of an id or of a family')"
_HEADERS_MISSING = ("not installed", "environments", "install with")

Presets = Mapping[str, Sequence[str]]
"""Algorithms that have settings for an environment, by its id."""


@dataclass(frozen=True, slots=True)
class EnvironmentInfo:
    """What is known of an environment without making it.

    Attributes:
        id: What ``rlkit.create`` and ``gymnasium.make`` take.
        family: ``"classic control"``, ``"toy text"``, ``"box2d"``, ``"mujoco"``; of another package its name, and
            ``"custom"`` of a class in a notebook.
        reward_threshold: The mean return from which it counts as solved, or None.
        max_episode_steps: Steps after which an episode is cut off, or None.
        presets: Algorithms that have shipped settings for it.
        install: The command that installs what it needs; empty where it can be made here.
    """

    id: str
    family: str
    reward_threshold: float | None
    max_episode_steps: int | None
    presets: tuple[str, ...] = ()
    install: str = ""

    @property
    def is_available(self) -> bool:
        """Whether all that it needs is installed here."""
        return not self.install


class EnvironmentList(list[EnvironmentInfo]):
    """Environments, as ``rlkit.environments()`` returns them: a list that shows as a table.

    Those that can be made here stand first, and of them those that an algorithm has a preset for.
    """

    @property
    def _is_one_family(self) -> bool:
        return len({each.family for each in self}) == 1

    def _rows(self) -> list[tuple[str, ...]]:
        """Return those that can be made here; of a single family all."""
        return [_row(each) for each in self if each.is_available or self._is_one_family]

    def _missing(self) -> list[tuple[str, str, str]]:
        """Return family, environments and command of each family that something is missing for."""
        groups: dict[tuple[str, str], list[str]] = {}
        for each in self:
            if not each.is_available:
                groups.setdefault((each.family, each.install), []).append(each.id)
        above = "those above" if self._is_one_family else ""
        return [(family, above or _named(ids), install) for (family, install), ids in groups.items()]

    def __repr__(self) -> str:
        rows, missing = self._rows(), self._missing()
        left_out = len(rows) - _MOST_ROWS
        tables = [
            text.table(_HEADERS, rows[:_MOST_ROWS], _NUMERIC) if rows else "",
            f"… and {left_out:,} more: {_HOW}" if left_out > 0 else "",
            text.table(_HEADERS_MISSING, missing) if missing else "",
        ]
        return "\n\n".join(table for table in tables if table) or "no environments"

    def _repr_html_(self) -> str:
        if not self:
            return html.muted("no environments")
        rows = [(html.code(name), *rest) for name, *rest in self._rows()]
        missing = [(family, ids, html.code(install)) for family, ids, install in self._missing()]

        def render(shown: int) -> Markup:
            return html.stacked(
                html.join(
                    html.table(_HEADERS, rows[:shown], numeric=_NUMERIC) if rows else "",
                    html.left_out(len(rows) - shown, _HOW),
                ),
                html.table(_HEADERS_MISSING, missing) if missing else "",
            )

        return html.as_many_as_fit(render, len(rows))


def _row(each: EnvironmentInfo) -> tuple[str, ...]:
    # Each threshold is exact: rewards of different environments need no common places.
    figures = map(text.number, (each.reward_threshold, each.max_episode_steps))
    return each.id, each.family, *figures, ", ".join(each.presets)


def _named(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_NAMED]) + (f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else "")


@dataclass(frozen=True, slots=True)
class EnvironmentDescription:
    """What there is to know of an environment before one trains in it.

    Attributes:
        info: What is known of it without making it.
        observation_space: Space of observations; None where it cannot be made here.
        action_space: Space of actions, likewise.
        algorithms: Algorithms of rlkit that can take these spaces.
        num_envs: How many there are in a vector environment; None for a single one.
    """

    info: EnvironmentInfo
    observation_space: Space | None
    action_space: Space | None
    algorithms: tuple[str, ...]
    num_envs: int | None = None

    def _fields(self) -> list[tuple[str, str]]:
        info, threshold, steps = self.info, self.info.reward_threshold, self.info.max_episode_steps
        fields = [
            ("environments", "" if self.num_envs is None else text.number(self.num_envs)),
            ("observations", space_words(self.observation_space) if self.observation_space else ""),
            ("actions", space_words(self.action_space) if self.action_space else ""),
            ("solved from", "no threshold" if threshold is None else f"a mean return of {text.number(threshold)}"),
            ("episodes", "without a limit" if steps is None else f"at most {text.number(steps)} steps"),
            ("algorithms", ", ".join(self.algorithms) or ("none" if info.is_available else "")),
            ("presets", ", ".join(info.presets) or "none"),
            ("install with", info.install),
        ]
        return [(label, value) for label, value in fields if value]

    def __repr__(self) -> str:
        return (
            f"{text.one_line(f'{self.info.id} ({self.info.family})')}\n{text.fields(self._fields(), width=text.WIDTH)}"
        )

    def _repr_html_(self) -> str:
        typed = {"algorithms", "presets", "install with"}
        fields = [(label, html.code(value) if label in typed else value) for label, value in self._fields()]
        return html.card(self.info.id, self.info.family, fields)


def newest_specs() -> list[EnvSpec]:
    """Return what Gymnasium knows of the environments that are registered, of each its newest version."""
    newest: dict[tuple[str | None, str], EnvSpec] = {}
    for spec in gymnasium.registry.values():
        other = newest.get((spec.namespace, spec.name))
        if other is None or (spec.version or 0) > (other.version or 0):
            newest[spec.namespace, spec.name] = spec
    return list(newest.values())


def list_environments(part: str = "", presets: Presets | None = None) -> EnvironmentList:
    """List the environments that are registered, the newest version of each, without making one.

    Args:
        part: Part of an id or of a family, in any case; empty for all. ``"module:"`` imports a module and lists the
            environments of its package, and ``"module:part"`` those of them with this part.
        presets: Algorithms that have settings for an environment, by its id.

    Returns:
        Those that can be made here first, and of them those with presets.

    Raises:
        UnknownEnvironmentError: The module cannot be imported.
    """
    module, part = split_id(part)
    specs = newest_specs() if module is None else specs_of(import_module(f"{module}:{part}"))
    word, installs = part.lower(), _Installs()
    found = (_info(spec, presets or {}, installs) for spec in specs if not _only_raises(spec))
    return EnvironmentList(sorted((each for each in found if word in f"{each.id} {each.family}".lower()), key=_order))


def specs_of(module: str) -> list[EnvSpec]:
    """Return what Gymnasium knows of the environments in the package of a module, of each its newest version."""
    package = module.partition(".")[0]
    return [spec for spec in newest_specs() if _module(spec).partition(".")[0] == package]


def describe_environment(
    env: EnvironmentLike,
    presets: Presets | None = None,
    takers: Callable[[Space, Space], Iterable[str]] = lambda *_: (),
    env_kwargs: Mapping[str, Any] | None = None,
) -> EnvironmentDescription:
    """Return what there is to know of an environment, which is made once to see its spaces, where it can be.

    Args:
        env: Its id, without a version the newest; an environment, a vector environment, or a class or function that
            makes one.
        env_kwargs: Keyword arguments for ``gymnasium.make``, where ``env`` is an id.
        presets: Algorithms that have settings for an environment, by its id.
        takers: Returns the algorithms that can take an observation and an action space.

    Raises:
        UnknownEnvironmentError: There is none of this id (the message names the nearest), or it cannot be made.
        EnvironmentContractError: No model could be trained in it.
        ConfigError: ``env_kwargs`` are given for an environment that is made elsewhere.
    """
    if isinstance(env, str):
        info = _info(find_spec(env), presets or {}, _Installs())
        if not info.is_available:
            return EnvironmentDescription(info, None, None, ())
    source = EnvironmentSource(env, env_kwargs)
    info = _info_of(source, env, presets or {})
    algorithms = tuple(takers(source.observation_space, source.action_space))
    return EnvironmentDescription(
        info, source.observation_space, source.action_space, algorithms, source.fixed_num_envs
    )


def _info_of(source: EnvironmentSource, env: EnvironmentLike, presets: Presets) -> EnvironmentInfo:
    """Return what is known of an environment that was made."""
    spec, threshold = source.described_spec, source.reward_threshold
    known = _info(spec, presets, _Installs()) if spec else EnvironmentInfo(_class_name(env), "custom", None, None)
    return replace(
        known,
        reward_threshold=None if threshold is None else float(threshold),
        max_episode_steps=source.max_episode_steps,
        install="",
    )


def _class_name(env: EnvironmentLike) -> str:
    """Return the name of the class of an environment that has no id; of a function its own."""
    base = env.unwrapped if isinstance(env, gymnasium.Env | VectorEnv) else env
    if isinstance(base, SyncVectorEnv):
        base = base.envs[0].unwrapped
    name = getattr(base, "__name__", type(base).__name__)
    return "custom environment" if name == "<lambda>" else name


class _Installs(dict[str, str]):
    """Module -> the command that installs it; empty where it is there. Each is looked for once."""

    def __missing__(self, module: str) -> str:
        package = next((package for needed, package in _NEEDS.values() if needed == module), module)
        # A module that was never a file, such as a notebook's own, is there once it is loaded.
        is_here = module in sys.modules or importlib.util.find_spec(module)
        self[module] = "" if is_here else f'pip install "{package}"'
        return self[module]


def _info(spec: EnvSpec, presets: Presets, installs: _Installs) -> EnvironmentInfo:
    package, *inside = _module(spec).split(".")
    ours = package == "gymnasium" and inside[:1] == ["envs"] and len(inside) > 1
    folder = inside[1] if ours else ""
    module = _NEEDS[folder][0] if folder in _NEEDS else package
    return EnvironmentInfo(
        id=spec.id,
        family=folder.replace("_", " ") if ours else package.replace("__main__", "") or "custom",
        reward_threshold=None if spec.reward_threshold is None else float(spec.reward_threshold),
        max_episode_steps=spec.max_episode_steps,
        presets=tuple(presets.get(spec.id, ())),
        install=installs[module] if isinstance(spec.entry_point, str) else "",
    )


def _module(spec: EnvSpec) -> str:
    """Return the module in which the class of an environment is."""
    entry = spec.entry_point
    return str(entry if isinstance(entry, str) else getattr(entry, "__module__", "")).partition(":")[0]


def _only_raises(spec: EnvSpec) -> bool:
    """Whether an id stands for nothing but an error, as those of Gymnasium do whose package has moved away."""
    return getattr(spec.entry_point, "__name__", "").startswith("_raise_")


def _order(each: EnvironmentInfo) -> tuple[bool, bool, int, str, str]:
    place = _FAMILIES.index(each.family) if each.family in _FAMILIES else len(_FAMILIES)
    return not each.is_available, not each.presets, place, each.family, each.id
