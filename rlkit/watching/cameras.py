"""What looks at an environment while an episode is played: at its state where rlkit can draw it, else at its frames."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Any

import gymnasium
import numpy as np

from rlkit.envs.make import Environment, EnvironmentSource
from rlkit.errors import UnknownEnvironmentError
from rlkit.watching.frames import FrameRoll, Frames
from rlkit.watching.scenes import Scene, scene_of

_RATE = 30.0  # steps a second, where an environment does not say
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR")


class Camera(ABC):
    """Looks at an environment after its reset and after each step.

    Attributes:
        env: The environment.
    """

    def __init__(self, env: Environment) -> None:
        self.env = env

    @abstractmethod
    def look(self, step: int, *, ended: bool) -> None:
        """Take in how the environment is after ``step`` steps; ``ended`` where no other follows."""

    @abstractmethod
    def taken(self) -> dict[str, Any]:
        """Return what was seen, as arguments of a :class:`~rlkit.watching.Recording`."""

    @property
    def rate(self) -> float:
        """Steps a second."""
        rate = self.env.metadata.get("render_fps")
        return float(rate) if isinstance(rate, int | float) and rate > 0 else _RATE


def open_camera(source: EnvironmentSource, limit: int | None) -> Camera:
    """Return a camera with a new environment before it, whose episodes are cut off after ``limit`` steps.

    Raises:
        UnknownEnvironmentError: A package that it needs is not installed.
    """
    env = source.single(max_episode_steps=limit)
    scene = scene_of(env)
    if scene is not None:
        return _StateCamera(env, scene)
    if "rgb_array" not in (env.metadata.get("render_modes") or ()):
        return _NoCamera(env, f"{source.name} has no render mode 'rgb_array'")
    env.close()
    if not any(os.environ.get(name) for name in _DISPLAYS):
        # Most environments draw with SDL, which looks for a display, and complains below the cell where none can be.
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    return _FrameCamera(source.single(max_episode_steps=limit, render_mode="rgb_array"), source.name)


class _StateCamera(Camera):
    """Reads the state from which a scene is drawn."""

    def __init__(self, env: Environment, scene: Scene) -> None:
        super().__init__(env)
        self._scene = scene
        self._states: list[Any] = []

    def look(self, step: int, *, ended: bool) -> None:  # noqa: ARG002 - the interface of a camera
        self._states.append(np.array(self.env.unwrapped.state, np.float64))  # type: ignore[attr-defined]

    def taken(self) -> dict[str, Any]:
        return {"scene": self._scene, "states": np.stack(self._states)}


class _FrameCamera(Camera):
    """Lets the environment render some of its steps. What cannot be rendered does not end the episode."""

    def __init__(self, env: Environment, name: str) -> None:
        super().__init__(env)
        self._name = name
        self._roll = FrameRoll()
        self._fault = ""

    def look(self, step: int, *, ended: bool) -> None:
        if self._fault or not (ended or self._roll.wants(step)):
            return
        try:
            rendered = self.env.render()
        except (gymnasium.error.DependencyNotInstalled, ImportError) as error:
            # Gymnasium's own says the command.
            remedy = f"Install it: pip install {error.name}" if isinstance(error, ImportError) else str(error)
            problem = f"{self._name} cannot be watched: it needs a package that is not installed."
            raise UnknownEnvironmentError(problem, remedy) from None
        except Exception as error:  # noqa: BLE001 - it may fail in any way, for want of a display say
            self._fault = f"{self._name} could not be rendered: {type(error).__name__}: {error}"
            return
        frame = _as_frame(rendered)
        if frame is None:
            self._fault = f"the render of {self._name} returned {rendered!r:.80}, which is no picture"
        else:
            self._roll.add(step, frame)

    def taken(self) -> dict[str, Any]:
        if self._fault:
            return {"no_picture": self._fault}
        return {"frames": self._roll.frames(), "frame_steps": np.array(self._roll.steps)}


class _NoCamera(Camera):
    """Sees nothing, and knows why."""

    def __init__(self, env: Environment, reason: str) -> None:
        super().__init__(env)
        self._reason = reason

    def look(self, step: int, *, ended: bool) -> None:
        pass

    def taken(self) -> dict[str, Any]:
        return {"no_picture": self._reason}


def _as_frame(rendered: object) -> Frames | None:
    """Return a rendered picture as uint8 ``(height, width, 3)``; None where it is none."""
    if not isinstance(rendered, np.ndarray) or rendered.dtype != np.uint8 or not rendered.size:
        return None
    if rendered.ndim == 2:  # noqa: PLR2004 - rows and columns: a picture in grey
        return np.repeat(rendered[..., None], 3, axis=2)
    if rendered.ndim == 3 and rendered.shape[2] in (3, 4):  # noqa: PLR2004 - rows, columns, colours
        return rendered[..., :3]
    return None
