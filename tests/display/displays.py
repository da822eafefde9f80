"""Everything that rlkit shows in a notebook: as it usually is, as it may be at its largest, and with hostile text.

Run as a script it prints a hash of each, which another process must print too.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from IPython.lib.pretty import pretty

import rlkit
from rlkit import cli
from rlkit.config import hyperparameter
from rlkit.display.note import Note
from rlkit.display.picture import Picture
from rlkit.display.svg import Series
from rlkit.envs.catalogue import EnvironmentDescription, EnvironmentInfo, EnvironmentList
from rlkit.errors import in_two_lines
from rlkit.factory import Description, ModelFactory
from rlkit.models.ppo import PPO
from rlkit.notebook.groups import GROUPS, PREFIX
from rlkit.notebook.widgets.create import CreatePanel
from rlkit.notebook.widgets.curve import Curve
from rlkit.registry import ModelRegistry
from rlkit.registry.comparison import Comparison
from rlkit.registry.difference import Difference
from rlkit.registry.lineage import Lineage
from rlkit.registry.model_card import ModelCard
from rlkit.registry.reports import GCReport, InspectedObject, Inspection, Problem, PruneReport, VerifyReport
from rlkit.registry.versions import ModelVersion, VersionList, document_of
from rlkit.training import Evaluation, History
from rlkit.training.jobs import JobList, TrainingJob
from rlkit.training.log import TrainingLog
from rlkit.verbs.about import HelpPage, HelpText

BIDI = "\u202egnirts\u202c"  # reads backwards, and would turn round what follows
HOSTILE = f"<script>alert('1')</script> \"&amp;\" | `x` $y$ \x1b[31m\x00\r\n{BIDI} שלום {'long' * 60}"
WORD = "a" * 100  # the longest name, alias or tag
CURVE = {"steps": [float(1000 * i) for i in range(1, 101)], "mean_return": [20 + 4.6 * i for i in range(100)]}
CONFIG = rlkit.create("ppo", preset="CartPole-v1").config.to_dict()
BOX = {"type": "Box", "low": -1.0, "high": 1.0, "shape": [4], "dtype": "float32"}
EVALUATED = {
    "mean_return": 487.25,
    "std_return": 12.5,
    "min_return": 431.0,
    "max_return": 500.0,
    "mean_length": 487.25,
    "eval_episodes": 20.0,
}
KNOWN = {
    "algorithm": "ppo",
    "format": 2,
    "config": CONFIG,
    "env_id": "CartPole-v1",
    "observation_space": BOX,
    "action_space": {"type": "Discrete", "n": 2, "start": 0, "dtype": "int64"},
    "seed": 0,
    "num_timesteps": 100_096,
    "num_episodes": 512,
    "wall_time": 4.25,
    "metrics": EVALUATED,
    "tags": ["baseline"],
    "description": "The first that reaches the threshold.",
    "git": {"commit": "0123456789abcdef", "dirty": True},
    "packages": {"python": "3.12.1", "numpy": "2.3.1", "dill": "0.4.0", "gymnasium": "1.2.0", "rlkit": "0.1.0"},
    "user": "ada",
    "host": "laptop",
    "learning_curve": CURVE,
}
MANY = {f"figure_{i}": i / 7 for i in range(60)}
HOSTILE_TEXTS = {
    "algorithm": HOSTILE,
    "model_class": HOSTILE,
    "env_name": HOSTILE,
    "env_modified": HOSTILE,
    "created": HOSTILE,
    "config_changes": [{"num_timesteps": 10, "name": HOSTILE, "old": HOSTILE, "new": {HOSTILE: HOSTILE}}],
    "git": {"commit": HOSTILE, "dirty": True},
    "env_id": HOSTILE,
    "env_kwargs": {HOSTILE: HOSTILE},
    "config": {**CONFIG, HOSTILE: HOSTILE, **{f"setting_{i}": HOSTILE for i in range(60)}},
    "metrics": {**EVALUATED, HOSTILE: 1.0, **MANY},
    "tags": [f"{WORD}{i}" for i in range(30)],
    "description": HOSTILE * 20,
    "parent": f"{WORD}:999999999",
    "dataset": {"name": HOSTILE, "version": HOSTILE, "sha256": "ab" * 32},
    "left_out": HOSTILE,
    "packages": {HOSTILE: HOSTILE},
    "user": HOSTILE,
    "host": HOSTILE,
    "observation_space": {"type": HOSTILE, "n": HOSTILE},
    "action_space": {"type": "Dict", "spaces": [[HOSTILE, {"type": "Box", "shape": [HOSTILE], "dtype": HOSTILE}]]},
}
HOSTILE_NAME = f"{HOSTILE[:60]}{BIDI}"


def version(number=3, name="cartpole", aliases=(), **more):
    created = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=7 * min(number, 9999))
    known = {**KNOWN, "created": created.isoformat(), **more}
    state = {"sha256": hashlib.sha256(f"{name}{number}".encode()).hexdigest(), "size": 115_000}
    meta = {"aliases": dict.fromkeys(aliases, number), "versions": {}}
    manifest = {**known, "objects": {"state": state}}
    # A display shows whatever it gets, also what no manifest may say.
    plain = {**KNOWN, "created": created.isoformat(), "objects": manifest["objects"]}
    document = document_of(name, number, plain, meta)
    document |= {key: value for key, value in more.items() if key in document}
    return ModelVersion(document, lambda *_: manifest)


def versions(count, **more):
    """Versions of one model, each a little better than the one before, and each twelfth with another config."""
    made = []
    for i in range(1, count + 1):
        metrics = {**EVALUATED, "mean_return": 300 + 180 * i / count}
        config = {**CONFIG, "gamma": round(0.99 - i % 12 / 100, 2), "n_steps": 32 * (1 + i % 3)}
        aliases = ["best"] if i == count - 1 else ["production"] if i == count // 3 else []
        made.append(version(i, **{"metrics": metrics, "config": config, "aliases": aliases, **more}))
    return made


def model(algorithm="ppo", env="CartPole-v1", *, trained=False):
    made = rlkit.create(algorithm, env, preset=env or "CartPole-v1", seed=0)
    if trained:
        made.num_timesteps, made.num_episodes = 100_096, 512
        made._log = TrainingLog(CURVE, 4.25)
        made._evaluation, made._evaluated_at = evaluation(), 100_096
    return made


def hostile_model():
    class Strange(PPO):
        Config = hostile_config_class()

    Strange.__name__ = HOSTILE.replace("\0", "")
    made = Strange(env="CartPole-v1", seed=0)
    made._source.name = HOSTILE
    return made


def hostile_config_class():
    from rlkit.models.ppo import PPOConfig  # noqa: PLC0415 - a class of its own each time

    many = {f"setting_{i}": hyperparameter(HOSTILE, HOSTILE) for i in range(60)}
    names = {"__annotations__": dict.fromkeys(many, str), "__module__": __name__, "__doc__": HOSTILE, **many}
    return type("HostileConfig", (PPOConfig,), names)


def hostile_config():
    return hostile_config_class()()


def history(episodes=400, title="PPO on CartPole-v1", columns=("policy_loss", "value_loss", "entropy"), stop=""):
    made = History(title, 100_000, 475.0)
    rng = np.random.default_rng(0)
    for i in range(episodes):
        made.add_episode(250 * (i + 1), float(min(500, 20 + i + rng.normal(0, 30))), 250)
        made.num_timesteps = 250 * (i + 1)
        figures = {name: float(rng.normal()) for name in columns}
        row = {"num_timesteps": made.num_timesteps, "seconds": i / 100, "mean_return": made.mean_return}
        made.updates.append({**row, **figures})
    made.seconds, made.stop_reason = 4.25, stop
    return made


def job(told, *, running=False):
    """A job with this history, which no thread drives."""
    made = object.__new__(TrainingJob)
    run = SimpleNamespace(
        history=told, num_timesteps=9, total_timesteps=99, seconds=1.0, stop_reason="", is_paused=False
    )
    told.error = in_two_lines(ValueError(HOSTILE))
    made.number, made.history, made.title, made.total_timesteps = 1, told, told.title, 99
    made._run, made._error = run if running else None, None if running else ValueError(HOSTILE)
    return made


def evaluation(**more):
    returns = 500 - np.random.default_rng(0).exponential(20, 100).round()
    known = {"title": "PPO on CartPole-v1", "seed": 1, "reward_threshold": 475.0, **more}
    return Evaluation(returns, returns.astype(int), **known)


def lineage(count):
    parents = {f"cartpole:{i}": f"cartpole:{i - 1 - i % 3}" for i in range(2, count + 1) if i - 1 - i % 3 > 0}
    return Lineage(f"cartpole:{count // 2}", versions(count), parents)


def hostile_lineage():
    names = [f"{WORD}:{i}" for i in range(1, 200)]
    family = [version(i, WORD, [f"{'b' * 90}{i}"]) for i in range(1, 200)]
    return Lineage(names[100], family, {**dict(zip(names[1:], names, strict=False)), names[0]: HOSTILE})


def difference(*, large=False, **more):
    rng = np.random.default_rng(0)
    names = [f"policy.{i}.weight" for i in range(300 if large else 6)]
    arrays = {name: (one, one + rng.normal(0, 0.1, one.shape)) for name in names for one in [rng.normal(size=(8, 8))]}
    changed = {"config": {**CONFIG, "gamma": 0.5, "n_steps": 64}, "metrics": {**EVALUATED, "mean_return": 500.0}}
    return Difference(version(2), version(3, **{"seed": 1, **changed, **more}), arrays)


def registry(models=3, name="cartpole"):
    folder = Path(tempfile.gettempdir(), "rlkit-displays-of-tests", f"{name}-{models}")
    made = ModelRegistry(folder)
    listed = [
        each
        for i in range(models)
        for each in (version(1, f"{name}{i}", ["best"]), version(2, f"{name}{i}", ["production", "latest-good"]))
    ]
    made.versions = lambda _=None: VersionList(listed)
    return made


def environments(text="", count=0):
    known = [
        EnvironmentInfo("CartPole-v1", "classic control", 475.0, 500, ("a2c", "dqn", "ppo")),
        EnvironmentInfo("Taxi-v4", "toy text", 8.0, 200),
        EnvironmentInfo("Ant-v5", "mujoco", 6000.0, 1000, (), 'pip install "gymnasium[mujoco]"'),
    ]
    return EnvironmentList(known + [EnvironmentInfo(f"{text}{i}-v0", text, None, None, (text,)) for i in range(count)])


def problems(count, text="It has another hash."):
    return tuple(Problem(f"objects/ab/{i:060x}", text, "Restore the file from a backup.") for i in range(count))


def described(name="ppo", **more):
    return replace(rlkit.factory.describe(name), **more)


def crowded_factory():
    made = ModelFactory()
    for i in range(60):
        made.register(f"other{i}", type(f"Other{i}", (PPO,), {"__doc__": HOSTILE}))
    return made


def inspection(text="cartpole:3", count=2):
    state = InspectedObject("state", 110_000, "ab" * 32, {"array": 14, "dict": 9}, (), None)
    names = tuple(f"package.module.{text}{i}" for i in range(count))
    return Inspection(text, (state, InspectedObject("code", 3_400, "cd" * 32, {"call": 20}, names, trusted=False)))


DRY_RUN, DONE = True, False
REFS = tuple(f"cartpole:{i}" for i in range(1, 5001))

USUAL = {
    "model": model,
    "trained model": lambda: model(trained=True),
    "model without an environment": lambda: model(env=None),
    "config": lambda: model().config,
    "config of defaults": lambda: rlkit.factory.get("dqn").Config(),
    "factory": lambda: rlkit.factory,
    "algorithm": lambda: described("ppo"),
    "history": history,
    "history of nothing": lambda: history(0),
    "history that was stopped": lambda: history(30, stop="return reached 475"),
    "evaluation": evaluation,
    "evaluation that was cut off": lambda: evaluation(cut_off=3, deterministic=False),
    "version": lambda: version(aliases=["best"], parent="cartpole:2", dataset={"name": "prices", "version": "2"}),
    "version of little": lambda: version(config={}, metrics={}, tags=[], learning_curve={}, env_id=None, git=None),
    "no versions": lambda: VersionList([]),
    "one version": lambda: VersionList(versions(1)),
    "twenty versions": lambda: VersionList(versions(20)),
    "a thousand versions": lambda: VersionList(versions(1000)),
    "comparison of two": lambda: Comparison(versions(2)),
    "comparison of ten": lambda: Comparison(versions(10)),
    "comparison of fifty": lambda: Comparison(versions(50)),
    "comparison of two algorithms": lambda: Comparison(
        [version(1), version(2, config=rlkit.factory.get("dqn").Config().to_dict(), algorithm="dqn")]
    ),
    "difference": difference,
    "no difference": lambda: Difference(version(1), version(1)),
    "large difference": lambda: difference(large=True),
    "lineage": lambda: lineage(7),
    "lineage of hundreds": lambda: lineage(400),
    "model card": lambda: ModelCard(version(aliases=["best"])),
    "inspection": inspection,
    "verify report": lambda: VerifyReport(12, 24, 1_234_567, ()),
    "verify report with problems": lambda: VerifyReport(12, 22, 1_234_567, problems(2), ("objects/ab/cd",)),
    "verify report with thousands": lambda: VerifyReport(9000, 1, 1, problems(5000), REFS),
    "gc report": lambda: GCReport(DRY_RUN, REFS[:3], 9, 1_234_567),
    "gc report of thousands": lambda: GCReport(DONE, REFS, 9000, 1_234_567),
    "prune report": lambda: PruneReport(DONE, REFS[:3], {"cartpole:4": "@best", "cartpole:5": "newest 1"}),
    "prune report of thousands": lambda: PruneReport(DONE, REFS, dict.fromkeys(REFS, "newest 5,000")),
    "registry": registry,
    "empty registry": lambda: registry(0),
    "registry of hundreds": lambda: registry(300),
    "picture": lambda: history().plot(),
    "environments": environments,
    "environments of this machine": rlkit.environments,
    "environment": lambda: rlkit.environment("Pendulum-v1"),
    "no jobs": lambda: JobList([]),
    "note": lambda: Note("cartpole:1 is in the trash."),
    "help": lambda: HelpPage(PREFIX, GROUPS),
    "help of a shell": lambda: HelpPage(cli.PREFIX, cli.GROUPS),
    "panel where no widget is": lambda: Twin(CreatePanel("ppo", "CartPole-v1")),
    "curve where no widget is": lambda: Twin(curve("mean 475.2")),
    "help of one verb": lambda: HelpText(cli.VERBS["train"].parser("rlkit train", ["ppo"]).format_help()),
}
HOSTILES = {
    "model": hostile_model,
    "config": hostile_config,
    "factory": crowded_factory,
    "algorithm": lambda: Description(
        HOSTILE, hostile_model().__class__, HOSTILE, (HOSTILE,), (HOSTILE,), (HOSTILE,) * 60
    ),
    "history": lambda: history(50, HOSTILE, (HOSTILE, *MANY), HOSTILE),
    "evaluation": lambda: evaluation(title=HOSTILE),
    "version": lambda: version(2, WORD, [f"{WORD[1:]}{i}" for i in range(9)], **HOSTILE_TEXTS),
    "version of a hostile name": lambda: version(
        2, HOSTILE_NAME, [HOSTILE], **{**HOSTILE_TEXTS, "tags": [HOSTILE] * 30}
    ),
    "versions of a hostile name": lambda: VersionList(
        version(i, HOSTILE_NAME, [HOSTILE], **{**HOSTILE_TEXTS, "tags": [HOSTILE], "metrics": {HOSTILE: 1.0}})
        for i in range(1, 100)
    ),
    "comparison of a hostile name": lambda: Comparison(
        [version(i, HOSTILE_NAME, [HOSTILE], **{**HOSTILE_TEXTS, "metrics": {HOSTILE: i}}) for i in (1, 2)]
    ),
    "versions": lambda: VersionList(version(i, WORD, [WORD], **HOSTILE_TEXTS) for i in range(1, 100)),
    "comparison": lambda: Comparison(
        [version(i, WORD, [WORD], **{**HOSTILE_TEXTS, "config": {HOSTILE: i}}) for i in range(1, 50)]
    ),
    "comparison of two": lambda: Comparison([version(1), version(2, **HOSTILE_TEXTS)]),
    "difference": lambda: difference(large=True, **HOSTILE_TEXTS),
    "lineage": hostile_lineage,
    "model card": lambda: ModelCard(version(2, HOSTILE_NAME, [HOSTILE], **HOSTILE_TEXTS)),
    "jobs": lambda: JobList([job(history(50, HOSTILE, (HOSTILE,), HOSTILE))]),
    "job": lambda: job(history(50, HOSTILE, (HOSTILE,), HOSTILE)),
    "inspection": lambda: inspection(HOSTILE, 300),
    "verify report": lambda: VerifyReport(1, 1, 1, problems(300, HOSTILE), (HOSTILE,) * 300),
    "gc report": lambda: GCReport(DRY_RUN, (HOSTILE,) * 300, 1, 1),
    "prune report": lambda: PruneReport(DONE, (HOSTILE,) * 300, {f"{i}{HOSTILE}": HOSTILE for i in range(300)}),
    "registry": lambda: registry(200, WORD[:96]),
    "picture": lambda: Picture("<svg/>", HOSTILE),
    "curve where no widget is": lambda: Twin(curve(HOSTILE)),
    "environments": lambda: environments(HOSTILE, 200),
    "note": lambda: Note(HOSTILE),
    "environment": lambda: EnvironmentDescription(environments(HOSTILE, 1)[-1], None, None, (HOSTILE,)),
}


class Twin:
    """What stands for a widget where none can be shown."""

    def __init__(self, widget):
        self._twin = widget.twin()

    def __repr__(self):
        return self._twin["text/plain"]

    def _repr_html_(self):
        return self._twin["text/html"]


def curve(label):
    drawn = Curve()
    drawn.draw([Series(np.arange(300), np.arange(300) ** 2, label)], alt=f"Learning curve: {label}")
    return drawn


ALL = {**USUAL, **{f"hostile {name}": make for name, make in HOSTILES.items()}}


def markup(shown):
    """Return what a notebook shows of an object: HTML, or Markdown where that is what it has."""
    return shown._repr_html_() if hasattr(shown, "_repr_html_") else shown._repr_markdown_()


def words(shown):
    """Return what a terminal shows of an object."""
    return pretty(shown, max_seq_length=10**6)


def hashes(shown):
    """Return a hash of the HTML and of the text of each, by name."""
    return {
        name: [hashlib.sha256(form.encode("utf-8", "surrogatepass")).hexdigest() for form in forms]
        for name, forms in shown.items()
    }


if __name__ == "__main__":
    made = {name: (markup(make()), words(make())) for name, make in ALL.items()}
    print(json.dumps(hashes(made)))  # noqa: T201 - read by the process that started this one
