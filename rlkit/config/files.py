"""Hyperparameters in YAML and TOML files, RL Zoo's among them."""

from __future__ import annotations

import ast
import itertools
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
import yaml

from rlkit.errors import ConfigError, did_you_mean
from rlkit.storage import files as disk

if TYPE_CHECKING:  # schema.py imports this module
    from rlkit.config.fields import Hyperparameter

# What RL Zoo's blocks say besides hyperparameters: a key, and the values that change nothing here.
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "policy": ("MlpPolicy",),
    "env_wrapper": (None, []),
    "vec_env_wrapper": (None, []),
    "frame_stack": (None, 1),
    "normalize": (None, False),
    "use_sde": (None, False),
    "sde_sample_freq": (None, -1),
    "callback": (None, []),
}
_MOST_BYTES, _MOST_PARTS, _DEEPEST = 200_000, 100_000, 50
_LONGEST_NUMBER, _MOST_BITS = 100, 1024  # digits, and bits: more than any float has
_OF_ANY_USE = "Write lines such as 'learning_rate: 0.001', or a block of them for each environment."
_MAPPINGS = {"net_arch", "policy_kwargs"}
_POLICY_KEYS = {
    "net_arch": "net_arch",
    "activation_fn": "activation",
    "ortho_init": "ortho_init",
    "log_std_init": "log_std_init",
    "optimizer_class": "optimizer",
}
# SB3 says with a class which form of RMSprop it means.
_OPTIMIZERS = {"RMSpropTFLike": "rmsprop_tf", "RMSprop": "rmsprop", "Adam": "adam"}


def read(path: Path, env: str | None = None) -> Mapping[str, Any]:
    """Return the block of hyperparameters in a file; of ``env`` where the file has one for each environment.

    Raises:
        ConfigError: The file is not there, not YAML or TOML, or has no such block.
    """
    path = disk.expanded(path)
    _check_suffix(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # a pipe would be waited for
            raise ConfigError(f"{str(path)!r} cannot be read: it is not a file.", "Give a text file in UTF-8.")
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        content = "" if len(data) > _MOST_BYTES else data.decode()
    except FileNotFoundError:
        siblings = [p.name for p in path.parent.glob("*") if p.suffix in (".yaml", ".yml", ".toml")]
        problem = f"{str(path)!r} cannot be read: there is no such file."
        raise ConfigError(problem, did_you_mean(path.name, siblings)) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{str(path)!r} cannot be read: {reason}.", "Give a text file in UTF-8.") from None
    if len(data) > _MOST_BYTES:
        raise ConfigError(f"{str(path)!r} has more than {_MOST_BYTES:,} bytes.", _OF_ANY_USE)
    return parse_block(content, str(path), env, toml=path.suffix == ".toml")


def parse_block(content: str, where: str, env: str | None = None, *, toml: bool = False) -> Mapping[str, Any]:
    """Return the block of hyperparameters in a text; of ``env`` where it has one for each environment.

    Args:
        content: YAML or TOML.
        where: What to call the text in an error.
        env: Which block to read where there are several.
        toml: Whether it is TOML.

    Raises:
        ConfigError: It is not YAML or TOML, or has no such block.
    """
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{where!r} has more than {_MOST_BYTES:,} characters.", _OF_ANY_USE)
    try:
        data = tomllib.loads(content) if toml else yaml.load(content, _Loader)  # noqa: S506 - which is a safe one
        _check_size(data, _parts)
    except (_TooLargeError, RecursionError) as error:
        reason = str(error) if isinstance(error, _TooLargeError) else f"is nested more than {_DEEPEST} levels deep"
        raise ConfigError(f"{where!r} {reason}.", _OF_ANY_USE) from None
    # ValueError: TOML's, and YAML's of a date such as 2020-13-45.
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).replace(' in "<unicode string>",', " at").split())
        remedy = f"Write lines such as 'learning_rate{' =' if toml else ':'} 0.001', with spaces and not with tabs."
        raise ConfigError(f"{where!r} is not valid {'TOML' if toml else 'YAML'}: {reason}.", remedy) from None
    return _block(data, where, env)


class _TooLargeError(ValueError):
    """Data are nested too deep, or too many."""


def _check_size(root: Any, parts: Callable[[Any], Iterable[Any]]) -> None:
    """Refuse what is nested deep or large, counting what is referred to each time anew.

    Args:
        root: Data or a node of YAML.
        parts: Returns what one of them holds.

    Raises:
        _TooLargeError: It is.
    """
    count, level = 0, [root]
    for depth in itertools.count():
        count += len(level)
        if count > _MOST_PARTS:
            message = f"holds more than {_MOST_PARTS:,} values"
            raise _TooLargeError(message)
        if not level:
            return
        if depth > _DEEPEST:
            message = f"is nested more than {_DEEPEST} levels deep"
            raise _TooLargeError(message)
        level = list(itertools.islice((part for each in level for part in parts(each)), _MOST_PARTS + 1))


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        message = f"holds a number of {value.bit_length():,} bits"
        raise _TooLargeError(message)
    return (*value.keys(), *value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()


def _node_parts(node: yaml.Node) -> Iterable[yaml.Node]:
    if isinstance(node, yaml.ScalarNode):
        if len(node.value) > _LONGEST_NUMBER and node.tag == "tag:yaml.org,2002:int":
            message = f"holds a number of {len(node.value):,} digits"
            raise _TooLargeError(message)
        return ()
    return itertools.chain(*node.value) if isinstance(node, yaml.MappingNode) else node.value


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, where YAML's own loader would take the last and say nothing.

    What is too large is refused before anything is made of it: a file of ten lines can refer to a billion values.
    """

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            _check_size(node, _node_parts)
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        known: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in known:
                raise yaml.MarkedYAMLError(None, None, f"{key.value!r} stands twice", key.start_mark)
            known.add(key.value)
        return node


def _block(data: object, where: str, env: str | None) -> Mapping[str, Any]:
    if not isinstance(data, Mapping) or not data:
        raise ConfigError(f"{where!r} holds no hyperparameters.", "Write lines such as 'learning_rate: 0.001'.")
    blocks = {str(key): value for key, value in data.items()}
    # A hyperparameter may be a mapping too: a file of it alone holds one block, not one for each environment.
    several = all(isinstance(value, Mapping) for value in blocks.values()) and not blocks.keys() & _MAPPINGS
    if not several:
        return blocks
    if env is None and len(blocks) == 1:
        env = next(iter(blocks))
    if env is None:
        raise ConfigError(f"{where!r} has a block for each of {len(blocks)} environments.", "Say which: env=...")
    if env not in blocks:
        raise ConfigError(f"{where!r} has no block for {env!r}.", did_you_mean(env, blocks))
    block: Mapping[str, Any] = blocks[env]
    return block


def write(path: Path, values: Mapping[str, Any]) -> Path:
    """Write ``values`` to a YAML or TOML file and return its path.

    Raises:
        ConfigError: The file's ending is not .yaml, .yml or .toml.
        StoreError: The file cannot be written.
    """
    path = disk.expanded(path)
    _check_suffix(path)
    if path.suffix == ".toml":  # TOML has no null: what is None is left out, as None is its default
        content = tomli_w.dumps({name: value for name, value in values.items() if value is not None})
    else:
        content = yaml.safe_dump(dict(values), sort_keys=False, default_flow_style=None, width=110)
    disk.write_atomic(path, content.encode())
    return path


def _check_suffix(path: Path) -> None:
    if path.suffix not in (".yaml", ".yml", ".toml"):
        raise ConfigError(f"{str(path)!r} has no known ending.", "Use .yaml, .yml or .toml.")


def parse_value(content: str) -> Any:
    """Return what a person meant by ``content``: a number, a list, a dict, True, None, or the text itself."""
    if content.strip().lower() == "none":
        return None
    if len(content) > _MOST_BYTES:
        return content
    try:
        value = yaml.load(content, _Loader)  # noqa: S506 - which is a safe one
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: too large, or a date such as 2020-13-45
        return content
    return _number(value) if isinstance(value, str) else value


def _number(content: str) -> Any:
    """Return a number where ``content`` is one: YAML reads 1e-3 as text."""
    try:
        return float(content)
    except ValueError:
        return content


def translate(block: Mapping[str, Any], fields: Mapping[str, Hyperparameter]) -> dict[str, Any]:
    """Return the values of a block, in a file's spelling, in that of the config class.

    Numbers in quotes become numbers, 1e5 a whole number where one is due; ``policy_kwargs`` is taken apart, and
    RL Zoo's other keys are accepted where what they say changes nothing. A field that the block does not name has its
    legacy value where the block has a ``policy``, as all of RL Zoo's have, or names all other fields, as a file does
    that an older rlkit saved.

    Raises:
        ConfigError: A key asks for something that rlkit does not have.
    """
    values: dict[str, Any] = {}
    for key, value in block.items():
        if key in fields:
            values[key] = _fit(value, fields[key])
        elif key == "policy_kwargs":
            values.update(_policy_kwargs(value))
        elif key == "use_rms_prop" and "optimizer" in fields:
            values.setdefault("optimizer", "rmsprop" if value else "adam")
        elif key in _NEUTRAL:
            _check_neutral(key, value)
        else:
            values[key] = value  # the config class refuses it, with the nearest match
    legacy = {name: field.legacy for name, field in fields.items() if field.legacy is not None}
    missing = {name for name, field in fields.items() if name not in values and not field.optional}  # TOML has no None
    if "policy" in block or missing <= legacy.keys():
        return {**legacy, **values}
    return values


def _fit(value: Any, field: Hyperparameter) -> Any:
    if isinstance(value, str) and field.kind in ("int", "float", "schedule"):
        value = None if value.lower() == "none" else _number(value.replace("_", "") if _digits(value) else value)
    if isinstance(value, float) and field.kind == "int" and value.is_integer():
        return int(value)
    if isinstance(value, str) and field.name == "normalize" and value.strip().startswith(("dict(", "{")):
        return _evaluate("normalize", value, "dict(norm_obs=True, norm_reward=False)")
    return value


def _digits(content: str) -> bool:
    return content.replace("_", "").isdigit()


def _check_neutral(key: str, value: object) -> None:
    allowed = _NEUTRAL[key]
    if value not in allowed:
        raise ConfigError(f"{key} = {value!r} is not supported.", f"Leave {key} out, or set it to {allowed[-1]!r}.")


def _policy_kwargs(value: Any) -> dict[str, Any]:
    example = "dict(net_arch=[64, 64], activation_fn=nn.ReLU)"
    kwargs = _evaluate("policy_kwargs", value, example) if isinstance(value, str) else value
    if kwargs is None:
        return {}
    if not isinstance(kwargs, Mapping):
        raise ConfigError(f"policy_kwargs = {value!r} is no dict.", "Write dict(net_arch=[64, 64]).")
    values = {}
    for key, setting in kwargs.items():
        if key == "optimizer_kwargs" and isinstance(setting, Mapping) and set(setting) <= {"eps"}:
            values.update({f"rms_prop_{name}": value for name, value in setting.items()})
            continue
        if key not in _POLICY_KEYS:
            raise ConfigError(f"policy_kwargs has {key!r}, not supported.", did_you_mean(str(key), _POLICY_KEYS))
        values[_POLICY_KEYS[key]] = _setting(key, setting)
    return values


def _setting(key: str, setting: Any) -> Any:
    if key == "activation_fn":
        return str(setting).lower()
    return _OPTIMIZERS.get(str(setting), setting) if key == "optimizer_class" else setting


def _evaluate(key: str, content: str, example: str) -> Any:
    """Read ``dict(net_arch=[64], activation_fn=nn.ReLU)`` as RL Zoo writes it, without running it.

    Raises:
        ConfigError: It is anything but dicts, lists, literals and names of activations.
    """
    try:
        return _literal(ast.parse(content.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):  # the last two: nested too deep
        raise ConfigError(f"{key} = {content!r:.80} cannot be read.", f"Write {example}.") from None


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict" and not node.args:
        return {str(keyword.arg): _literal(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.Dict):
        keys = [ast.literal_eval(key) for key in node.keys if key is not None]
        return dict(zip(keys, map(_literal, node.values), strict=True))
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Attribute):  # nn.ReLU
        return node.attr
    if isinstance(node, ast.Name):  # RMSpropTFLike
        return node.id
    return ast.literal_eval(node)
