"""Ids of environments: ``"CartPole-v1"``, or ``"module:My-v0"`` for one that a module registers when it is imported."""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.metadata import entry_points

import gymnasium
from gymnasium.envs.registration import EnvSpec

from rlkit.errors import UnknownEnvironmentError, UntrustedArtifactError, nearest

_PLUGINS = "gymnasium.envs"
"""Entry-point group in which packages say that they register environments; Gymnasium itself no longer reads it."""


def split_id(env_id: str) -> tuple[str | None, str]:
    """Return the module of ``"module:My-v0"`` and the id in it; None and the id where no module is named."""
    module, colon, name = env_id.partition(":")
    return (module, name) if colon else (None, env_id)


def newest_id(env_id: str) -> str:
    """Return the id with its newest version where it has none, as ``gymnasium.make`` reads it."""
    versions = [
        (spec.version, known)
        for known, spec in gymnasium.registry.items()
        if known.rpartition("-v")[0] == env_id and spec.version is not None
    ]
    return max(versions)[1] if versions else env_id


def find_spec(env_id: str) -> EnvSpec:
    """Return what Gymnasium knows of an id, which a person typed: the module that it names is imported.

    Raises:
        UnknownEnvironmentError: There is no such id; the message names the nearest. Or its module cannot be imported.
    """
    module, name = split_id(env_id)
    if module is not None:
        import_module(env_id)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return gymnasium.spec(newest_id(name))
    except (gymnasium.error.Error, ImportError, ValueError):
        raise _unknown(module, name) from None


def import_module(env_id: str) -> str:
    """Import the module of ``"module:My-v0"``, so that its environments are registered, and return its name.

    Raises:
        UnknownEnvironmentError: There is no such module, or it cannot be imported.
    """
    module, name = split_id(env_id)
    if module is None or ":" in name or not all(part.isidentifier() for part in module.split(".")):
        remedy = "Write an id such as 'CartPole-v1', or 'module:My-v0' for one that a module registers."
        raise UnknownEnvironmentError(f"{env_id!r} is not the id of an environment.", remedy)
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise _failing(env_id, module, error) from error
        problem = f"{env_id!r} needs the module {module!r}, which is not installed."
        raise UnknownEnvironmentError(problem, "Install the package that has it, or correct its name.") from None
    except Exception as error:  # a module may fail in any way
        raise _failing(env_id, module, error) from error
    return module


def _failing(env_id: str, module: str, error: Exception) -> UnknownEnvironmentError:
    problem = f"{env_id!r} needs the module {module!r}, whose import fails: {type(error).__name__}: {error}."
    return UnknownEnvironmentError(problem, f"See why: import {module}")


def _unknown(module: str | None, name: str) -> UnknownEnvironmentError:
    known = [known for known in gymnasium.registry if ":" not in known]
    same_name = [other for other in known if other.rpartition("-v")[0] == name.rpartition("-v")[0]]
    near = nearest(name, same_name or known)
    if module is not None:
        remedy = near or "Name the module that registers it, or register it first: gymnasium.register(...)."
        return UnknownEnvironmentError(f"The module {module!r} registers no environment {name!r}.", remedy)
    remedy = near or "rlkit.environments() lists them; CartPole-v1 is one."
    if not same_name:
        remedy += f" If a package registers it, name that package, as in {f'package:{name}'!r}, or import it first."
        plugins = sorted({entry.value.partition(":")[0].partition(".")[0] for entry in entry_points(group=_PLUGINS)})
        remedy += f" Packages that do so are installed: {', '.join(plugins)}." if plugins else ""
    return UnknownEnvironmentError(f"There is no environment {name!r}.", remedy)


def saved_id(spec: EnvSpec, given: object = None) -> str:
    """Return the id by which another process finds an environment: with the module that registers it.

    Args:
        spec: What Gymnasium knows of it.
        given: What a person gave as the environment: the module that it names is right.

    Returns:
        The id alone for Gymnasium's own environments, and where the module is not known. Packages register their
        environments by name, as in ``"package.envs:MyEnv"``; a class itself is what a notebook registers.
    """
    module = split_id(given)[0] if isinstance(given, str) else None
    if module is None and isinstance(spec.entry_point, str):
        module = _package(spec.entry_point.partition(":")[0])
    return spec.id if module is None or module.partition(".")[0] == "gymnasium" else f"{module}:{spec.id}"


def _package(module: str) -> str | None:
    """Return the package that a module is in, where another process can import it and it may register environments."""
    package = module.partition(".")[0]
    can_be_imported = getattr(sys.modules.get(package), "__spec__", None) is not None
    if not can_be_imported or package.startswith("_") or package in {"rlkit", *sys.stdlib_module_names}:
        return None
    return package


def without_import(env_id: str) -> str:
    """Return the id by which an environment is found without importing a module that a file names.

    Raises:
        UntrustedArtifactError: A module would have to be imported, which runs it.
    """
    module, name = split_id(env_id)
    if module is None or module in sys.modules or newest_id(name) in gymnasium.registry:
        return name
    raise UntrustedArtifactError(
        f"The model was trained in {env_id!r}: making this environment would import the module {module!r}, and the "
        "model was not kept by you on this machine.",
        f"Nothing was imported. Write import {module} first, give the model an environment (env=...), or load it with "
        "trust=True, or --trust, if you know where it comes from.",
    )
