"""What the words of a verb mean where it is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rlkit
from rlkit.config import ModelConfig
from rlkit.config.files import read
from rlkit.envs import EnvironmentLike
from rlkit.errors import RLKitError
from rlkit.models.base import ModelBase
from rlkit.storage.archive import is_archive_path


class Scope:
    """Words in a shell: they name versions in the registry and files. A notebook knows its variables besides.

    Attributes:
        seed: Seed of new models where none is typed; None to draw one.
        episodes: Episodes of an evaluation where no number is typed.
        verbs: Names of all verbs.
    """

    seed: int | None = None
    episodes: int = 100
    verbs: Sequence[str] = ()

    def model(self, word: str, *, trust: bool = False) -> ModelBase:
        """Return the model that a word means, to be looked at: a version in the registry, or a file.

        Raises:
            RLKitError: There is none, or it cannot be loaded.
        """
        return rlkit.load(word, trust=trust)

    def means_a_model(self, word: str) -> bool:
        """Say whether a word is that of a model, not of an algorithm: a version, a reference or a file."""
        if ":" in word or "@" in word or is_archive_path(word):
            return True
        try:
            rlkit.registry().get(word)
        except RLKitError:
            return False
        return True

    def environment(self, word: str) -> EnvironmentLike:
        """Return the environment that a word means: its Gymnasium id."""
        return word

    def config(self, word: str, env_id: str | None) -> ModelConfig | Mapping[str, Any]:
        """Return the hyperparameters that a word means: those in a file.

        Args:
            word: Path of a YAML or TOML file.
            env_id: Which block to read where the file has one for each of several environments.

        Raises:
            ConfigError: The file cannot be read.
        """
        return read(Path(word), env_id)

    @property
    def jobs(self) -> list[str]:
        """What names trainings in the background: in a shell nothing."""
        return []

    def variables(self, kind: type) -> list[str]:
        """Return the names of variables that hold objects of a class: in a shell none."""
        del kind
        return []
