"""rlkit's registry and MLflow's on SQLite, in turn, on one disk.

python benchmarks/registry.py [--quick] [--folder /var/tmp]

Both keep the same models: PPO on CartPole-v1 with its default networks, trained, with hyperparameters, metrics, a tag
and a description, another weight each time. Each has a process of its own and is filled by registrations like those
measured, of a smaller model. MLflow stands on SQLite and a folder, without its server; its artifacts are not flushed to
the disk, nor are their hashes checked, while rlkit does both. Ends with 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.metadata
import itertools
import json
import os
import pickle
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Self

import numpy as np
from sidebyside import seconds

import rlkit
from rlkit.registry import ModelRegistry

PEER_RATIO = 10.0
"""How many times as fast as MLflow rlkit must at least register a version and load one by its alias."""
GROWTH = 2.0
"""How many times as long a registration may take in the largest registry as in the smallest."""
SEARCH = 0.010
"""Seconds that a search for ten versions by a metric may take in the largest registry."""
COLD = 0.3
"""Seconds from opening the largest registry in a new process to the end of the first search, without imports."""
REINDEX = 5.0
"""Seconds that the largest registry's index may take to be made anew."""
DISK = 1.5
"""Bytes on the disk for each byte of parameters and optimizer state in a run's checkpoints."""

NAME = "cartpole"
TAG = "baseline"
DESCRIPTION = "PPO as it comes, to compare others with."
WHERE, ORDER, LIMIT = "metrics.mean_return > 400", "-metrics.mean_return", 10

DISK_ALONE = "the disk alone: one new file with the arrays, flushed"

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}

RLKIT_COLD = f"""
import time
from rlkit.registry import ModelRegistry
started = time.perf_counter()
found = ModelRegistry({{folder!r}}).search({WHERE!r}, order_by={ORDER!r}, limit={LIMIT})
print(time.perf_counter() - started if found else "nothing found")
"""

MLFLOW_COLD = f"""
import logging, time
import mlflow.store.tracking.sqlalchemy_store, mlflow.store.model_registry.sqlalchemy_store
logging.disable()
started = time.perf_counter()
client = mlflow.MlflowClient({{database!r}}, {{database!r}})
found = client.search_runs(["1"], {WHERE!r}, order_by=["metrics.mean_return DESC"], max_results={LIMIT})
print(time.perf_counter() - started if found else "nothing found")
"""


@dataclass(frozen=True)
class Size:
    """How much is kept and measured."""

    peer: int = 1_000
    small: int = 100
    large: int = 10_000
    rounds: int = 7
    batch: int = 5
    checkpoints: int = 100


QUICK = Size(peer=100, small=50, large=1_000, rounds=3, batch=3, checkpoints=20)


def trained(**hyperparameters: Any) -> rlkit.ModelBase:
    """Return a model that has trained long enough to have an optimizer's state and a learning curve."""
    model = rlkit.create("ppo", env="CartPole-v1", seed=0, **hyperparameters)
    model.train(8192, progress=False)
    return model


def timed(action: Callable[[], object], times: int, before: Callable[[], object] = lambda: None) -> list[float]:
    """Return the seconds that ``action`` takes, each time anew, with ``before`` done before and not counted."""
    took = []
    for _ in range(times):
        before()
        started = time.perf_counter()
        action()
        took.append(time.perf_counter() - started)
    return took


class Keeper:
    """What both have: a model to register, which is another one each time, and a smaller one to fill with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model, self.small = trained(), trained(net_arch=[8])
        self._numbers = itertools.count()

    def change(self, model: rlkit.ModelBase | None = None) -> None:
        """Change one weight, so that no two registrations are of one model."""
        (model or self.model).network.parameters.vector[0] += 1e-3

    def metrics(self) -> dict[str, float]:
        """Return metrics, of which one in five has a mean return above 400."""
        return {"mean_return": 37.0 * next(self._numbers) % 500, "std_return": 3.0}


class RLKit(Keeper):
    """A registry of rlkit's."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.registry = ModelRegistry(folder / "registry")

    def keep(self, model: rlkit.ModelBase) -> int:
        """Register a model and return the version's number."""
        return self.registry.register(model, NAME, tags=[TAG], metrics=self.metrics(), description=DESCRIPTION).version

    def fill(self, versions: int) -> int:
        """Register so many versions, the last being of the model measured; return its number."""
        for _ in range(versions - 1):
            self.change(self.small)
            self.keep(self.small)
        number = self.keep(self.model)
        self.registry.set_alias(NAME, "best", number)
        return number

    def register(self, times: int, cwd: str = ".") -> list[float]:
        """Return the seconds of each registration, made in a folder."""
        with chdir(cwd):
            return timed(lambda: self.keep(self.model), times, before=self.change)

    def flush(self, times: int) -> list[float]:
        """Return the seconds that the disk alone takes: to make a file with the model's arrays, and flush it."""
        data = bytes(array_bytes(self.model.get_state()["networks"]))

        def write() -> None:
            with (self.folder / f"flushed-{next(self._numbers)}").open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())

        return timed(write, times)

    def load(self, times: int) -> list[float]:
        """Return the seconds of each load by the alias."""
        took = timed(lambda: self.registry.load(f"{NAME}@best"), times)
        self.registry.load(f"{NAME}@best").predict(np.zeros(4, np.float32))
        return took

    def search(self, times: int, limit: int | None) -> list[float]:
        """Return the seconds of each search by a metric."""
        return timed(functools.partial(self._search, limit), times, before=functools.partial(self._search, limit))

    def search_after_registration(self, times: int) -> list[float]:
        """Return the seconds of each search that is the first one after a registration."""

        def register() -> None:
            self.change()
            self.keep(self.model)

        return timed(functools.partial(self._search, LIMIT), times, before=register)

    def _search(self, limit: int | None) -> None:
        if not self.registry.search(WHERE, order_by=ORDER, limit=limit):
            raise LookupError(WHERE)

    def reindex(self, times: int) -> list[float]:
        """Return the seconds that each new index takes."""
        return timed(lambda: self.registry.reindex(progress=False), times)

    def checkpoints(self, count: int) -> tuple[int, int, int]:
        """Keep a model again and again while it trains.

        Returns:
            Bytes of the files on the disk and in them, and of parameters and optimizer in all checkpoints together.
        """
        learned = 0
        for _ in range(count):
            self.model.train(2048, progress=False)
            self.keep(self.model)
            learned += array_bytes(self.model.get_state()["networks"])
        return *folder_bytes(self.registry.folder), learned


class MLflow(Keeper):
    """An MLflow registry on SQLite, with its artifacts in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        warnings.simplefilter("ignore")
        sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for as long as the process lives
        self.mlflow = importlib.import_module("mlflow")
        self.entities = importlib.import_module("mlflow.entities")
        self.mlflow.set_tracking_uri(database(folder))
        self.client = self.mlflow.MlflowClient()
        self.experiment = self.client.create_experiment(NAME, artifact_location=(folder / "artifacts").as_uri())
        self.mlflow.set_experiment(NAME)
        self.client.create_registered_model(NAME)
        self.kept_class = _python_model(self.mlflow)

    def keep(self, model: rlkit.ModelBase) -> str:
        """Register a model by the client with as few calls as a run, its file and a version take; return the number."""
        now = int(time.time() * 1000)
        metrics = [self.entities.Metric(key, value, now, 0) for key, value in self.metrics().items()]
        params = [self.entities.Param(key, value) for key, value in told(model).items()]
        run = self.client.create_run(self.experiment, tags={TAG: "true"})
        self.client.log_batch(run.info.run_id, metrics, params)
        path = self.folder / "state.pickle"
        path.write_bytes(pickle.dumps(model.get_state()))
        self.client.log_artifact(run.info.run_id, str(path), "model")
        self.client.set_terminated(run.info.run_id)
        version = self.client.create_model_version(
            NAME, f"{run.info.artifact_uri}/model", run.info.run_id, tags={TAG: "true"}, description=DESCRIPTION
        )
        return version.version

    def keep_pyfunc(self) -> str:
        """Register the model as MLflow's guide does, by ``pyfunc.log_model`` in a run; return the number."""
        with self.mlflow.start_run(description=DESCRIPTION, tags={TAG: "true"}):
            self.mlflow.log_params(told(self.model))
            self.mlflow.log_metrics(self.metrics())
            info = self.mlflow.pyfunc.log_model(
                name="model",
                python_model=self.kept_class(self.model.get_state()),
                registered_model_name=NAME,
                pip_requirements=["rlkit"],  # else MLflow would find them out, which takes seconds
            )
        return str(info.registered_model_version)

    def fill(self, versions: int) -> int:
        """Register so many versions, the last two being of the model measured, by either way; return how many."""
        for _ in range(versions - 2):
            self.change(self.small)
            self.keep(self.small)
        self.client.set_registered_model_alias(NAME, "best", self.keep(self.model))
        newest = self.keep_pyfunc()
        self.client.set_registered_model_alias(NAME, "best_pyfunc", newest)
        return int(newest)

    def register(self, times: int) -> list[float]:
        """Return the seconds of each registration by the client."""
        return timed(lambda: self.keep(self.model), times, before=self.change)

    def register_pyfunc(self, times: int) -> list[float]:
        """Return the seconds of each registration by ``pyfunc.log_model``."""
        return timed(self.keep_pyfunc, times, before=self.change)

    def load(self, times: int) -> list[float]:
        """Return the seconds of each load of the file by the alias."""
        return timed(lambda: self._read(f"models:/{NAME}@best"), times)

    def load_source(self, times: int) -> list[float]:
        """Return the seconds of each load in two steps: where the version is, and the file there."""
        return timed(lambda: self._read(self.client.get_model_version_by_alias(NAME, "best").source), times)

    def load_pyfunc(self, times: int) -> list[float]:
        """Return the seconds of each load by ``pyfunc.load_model``."""
        return timed(lambda: self.mlflow.pyfunc.load_model(f"models:/{NAME}@best_pyfunc"), times)

    def _read(self, uri: str) -> rlkit.ModelBase:
        path = Path(self.mlflow.artifacts.download_artifacts(uri)) / "state.pickle"
        return type(self.model).from_state(pickle.loads(path.read_bytes()))

    def search(self, times: int, limit: int) -> list[float]:
        """Return the seconds of each search of runs by a metric; a search of versions knows no metrics."""

        def search() -> None:
            order = ["metrics.mean_return DESC"]
            if not self.client.search_runs([self.experiment], WHERE, order_by=order, max_results=limit):
                raise LookupError(WHERE)

        return timed(search, times, before=search)


def _python_model(mlflow: Any) -> type:
    class Kept(mlflow.pyfunc.PythonModel):
        def __init__(self, state: dict[str, Any]) -> None:
            self.state = state

        def load_context(self, context: Any) -> None:  # noqa: ARG002 - MLflow's signature
            self.model = rlkit.factory.from_state(self.state)

        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:  # noqa: ARG002 - the same
            return self.model.predict(model_input)

    return Kept


def database(folder: Path) -> str:
    """Return the URI of MLflow's database in a folder."""
    return f"sqlite:///{folder}/mlflow.db"


def told(model: rlkit.ModelBase) -> dict[str, str]:
    """Return what a version of rlkit's tells of the model, as MLflow's parameters."""
    metadata = model.metadata
    facts = ("algorithm", "env_id", "observation_space", "action_space", "seed", "num_timesteps", "num_episodes")
    return {key: json.dumps(value) for key, value in [*metadata["config"].items(), *((k, metadata[k]) for k in facts)]}


def array_bytes(state: Any) -> int:
    """Return the bytes of all arrays in a state."""
    if isinstance(state, dict):
        return sum(array_bytes(part) for part in state.values())
    return state.nbytes if isinstance(state, np.ndarray) else 0


def folder_bytes(folder: Path) -> tuple[int, int]:
    """Return the bytes that a folder with all in it takes on the disk, and those in its files."""
    status = [path.lstat() for path in [folder, *folder.rglob("*")]]
    return sum(each.st_blocks * 512 for each in status), sum(each.st_size for each in status)


class Side:
    """A registry in a process of its own."""

    def __init__(self, keeper: type[Keeper], folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._process = ProcessPoolExecutor(1, get_context("spawn"), _begin, (keeper, folder))

    def start(self, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of the keeper, without waiting for it."""
        return self._process.submit(_call, method, *arguments)

    def ask(self, method: str, *arguments: Any) -> Any:
        """Call a method of the keeper and return its answer."""
        return self.start(method, *arguments).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown()


_keepers: list[Keeper] = []


def _begin(keeper: type[Keeper], folder: Path) -> None:
    sys.argv = [""]  # MLflow asks git about the folder of the script
    os.chdir(folder)
    _keepers.append(keeper(folder))


def _call(method: str, *arguments: Any) -> Any:
    return getattr(_keepers[0], method)(*arguments)


class Report:
    """Prints figures as they come, and notes which limits were missed."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def figure(self, label: str, took: list[float], ratio: float | None = None) -> None:
        """Print the median of some seconds, their range, and how many times another figure it is."""
        middle, low, high = (f"{1000 * value:.2f}" for value in (statistics.median(took), min(took), max(took)))
        told_ratio = "" if ratio is None else f"x {ratio:.2f}"
        print(f"  {label:58s}{middle:>9s} ms   {f'({low} to {high})':24s}{told_ratio}".rstrip(), flush=True)

    def compare(self, took: dict[str, list[float]]) -> dict[str, float]:
        """Print figures of rounds in turn; return the ratio of each to the first, by the median of the rounds."""
        base = next(iter(took.values()))
        pairs = {name: zip(base, values, strict=True) for name, values in took.items()}
        ratios = {name: statistics.median(other / own for own, other in pair) for name, pair in pairs.items()}
        for name, values in took.items():
            self.figure(name, values, ratios[name])
        return ratios

    def limit(self, due: str, *, reached: bool) -> None:
        """Print a limit and whether it was reached."""
        print(f"  {due} is due: {'reached' if reached else 'MISSED'}", flush=True)
        if not reached:
            self.missed.append(due)


def in_turn(size: Size, ways: dict[str, tuple[Any, ...]]) -> dict[str, list[float]]:
    """Ask each side for so many figures and keep their median, in rounds.

    Args:
        size: How many rounds, and how many figures in each.
        ways: What to call it, to a side, the method to ask and its further arguments.
    """
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(size.rounds):
        for name, (side, method, *arguments) in ways.items():
            took[name].append(statistics.median(side.ask(method, size.batch, *arguments)))
    return took


def beside_mlflow(report: Report, size: Size, mine: Side, peer: Side) -> None:
    """Register and load, beside MLflow."""
    print(f"\nRegister a version where {size.peer:,} are kept")
    tree = git_tree(mine.folder / "tree")
    ways = {
        "rlkit": (mine, "register"),
        "MLflow, by its client": (peer, "register"),
        "MLflow, pyfunc.log_model": (peer, "register_pyfunc"),
        **({"rlkit, in a git working tree": (mine, "register", str(tree))} if tree else {}),
        DISK_ALONE: (mine, "flush"),
    }
    ratio = report.compare(in_turn(size, ways))["MLflow, by its client"]
    report.limit(f"Registering: x {PEER_RATIO:g} for MLflow's client", reached=ratio >= PEER_RATIO)

    print(f"\nLoad {NAME}@best of {size.peer:,} versions")
    ways = {
        "rlkit, hash checked": (mine, "load"),
        "MLflow, download_artifacts and unpickle": (peer, "load"),
        "MLflow, pyfunc.load_model": (peer, "load_pyfunc"),
        "MLflow, version's source, download_artifacts and unpickle": (peer, "load_source"),
    }
    ratio = report.compare(in_turn(size, ways))["MLflow, download_artifacts and unpickle"]
    report.limit(f"Loading: x {PEER_RATIO:g} for MLflow's download and unpickle", reached=ratio >= PEER_RATIO)


def growth(report: Report, size: Size, small: Side, large: Side) -> None:
    """Register in a small and in a large registry."""
    print("\nRegister a version where more are kept, rlkit alone")
    names = [f"where {count:,} are kept" for count in (size.small, size.large)]
    ways = {names[0]: (small, "register"), names[1]: (large, "register"), DISK_ALONE: (large, "flush")}
    took = in_turn(size, ways)
    report.limit(f"Growth: at most x {GROWTH:g}", reached=report.compare(took)[names[1]] <= GROWTH)


def searching(report: Report, size: Size, large: Side, peer: Side) -> None:
    """Search by a metric, in a registry that is open and in one that is not."""
    print(f"\nSearch {WHERE!r}, ordered by it")
    steady = large.ask("search", 4 * size.batch, LIMIT)
    report.figure(f"rlkit, {LIMIT} of {size.large:,}", steady)
    report.figure(f"rlkit, all that is found of {size.large:,}", large.ask("search", size.batch, None))
    report.figure(f"rlkit, {LIMIT}, right after a registration", large.ask("search_after_registration", size.batch))
    report.figure(f"MLflow, {LIMIT} of {size.peer:,} runs", peer.ask("search", 2 * size.batch, LIMIT))
    report.limit(f"Search: at most {1000 * SEARCH:g} ms", reached=statistics.median(steady) <= SEARCH)

    print("\nOpen and search for the first time, in a new process, without imports, on one core")
    cold = [seconds(RLKIT_COLD.format(folder=str(large.folder / "registry"))) for _ in range(size.rounds)]
    report.figure(f"rlkit, {LIMIT} of {size.large:,}", cold)
    peer_code = MLFLOW_COLD.format(database=database(peer.folder))
    report.figure(f"MLflow, {LIMIT} of {size.peer:,} runs", [seconds(peer_code) for _ in range(3)])
    report.limit(f"First search: at most {1000 * COLD:g} ms", reached=statistics.median(cold) <= COLD)

    print("\nMake the index anew")
    took = large.ask("reindex", 3)
    report.figure(f"rlkit, {size.large:,} versions", took)
    report.limit(f"Index: at most {REINDEX:g} s", reached=statistics.median(took) <= REINDEX)


def disk(report: Report, size: Size, run: Side) -> None:
    """Keep the checkpoints of a run."""
    print(f"\nDisk for {size.checkpoints} checkpoints of a run, for each byte of parameters and optimizer state")
    taken, apparent, learned = run.ask("checkpoints", size.checkpoints)
    for label, count in {"rlkit, blocks on the disk": taken, "rlkit, bytes in files": apparent}.items():
        print(f"  {label:58s}{count / 2**20:9.2f} MB {'':27s}x {count / learned:.2f}")
    report.limit(f"Disk: at most x {DISK:g}", reached=taken <= DISK * learned)


def git_tree(folder: Path) -> Path | None:
    """Return a new git working tree with one commit; None where there is no git."""
    git = shutil.which("git")
    if git is None:
        return None
    folder.mkdir()
    (folder / "notebook.ipynb").write_text("{}")
    somebody = ["-c", "user.name=rlkit", "-c", "user.email=rlkit@localhost", "-c", "commit.gpgsign=false"]
    for command in (["init"], ["add", "."], [*somebody, "commit", "-m", "A notebook"]):
        subprocess.run([git, *command], cwd=folder, check=True, capture_output=True)
    return folder


@contextmanager
def workplace(given: Path | None) -> Iterator[Path]:
    """Yield a new folder, gone afterwards; on the disk worked on and outside of git, unless it is given where."""
    here = Path.cwd()
    choices = [given] if given else [Path(tempfile.gettempdir()), Path.home(), *here.parents]
    places = [place.resolve() for place in choices if given or _is_fit(place, here)]
    if not places:
        sys.exit("No folder on this disk may be written to outside of a git working tree: choose one by --folder.")
    with tempfile.TemporaryDirectory(prefix="rlkit-registry-", dir=places[0]) as folder:
        yield Path(folder)


def _is_fit(place: Path, here: Path) -> bool:
    same_disk = place.is_dir() and place.stat().st_dev == here.stat().st_dev
    return same_disk and os.access(place, os.W_OK) and not in_git(place)


def in_git(place: Path) -> bool:
    """Tell whether a folder is in a git working tree."""
    place = place.resolve()
    return any((folder / ".git").exists() for folder in [place, *place.parents])


def measure(report: Report, size: Size, folder: Path) -> None:
    """Fill the registries and measure everything."""
    keepers = {"small": (RLKit, size.small), "mine": (RLKit, size.peer), "large": (RLKit, size.large)}
    keepers |= {"peer": (MLflow, size.peer)}
    with ExitStack() as stack:
        sides = {name: stack.enter_context(Side(keeper, folder / name)) for name, (keeper, _) in keepers.items()}
        filling = {name: sides[name].start("fill", count) for name, (_, count) in keepers.items()}
        for name, newest in filling.items():
            if newest.result() != keepers[name][1]:
                sys.exit(f"{name}: {newest.result()} versions are kept, not {keepers[name][1]}.")
        beside_mlflow(report, size, sides["mine"], sides["peer"])
        growth(report, size, sides["small"], sides["large"])
        searching(report, size, sides["large"], sides["peer"])
        disk(report, size, stack.enter_context(Side(RLKit, folder / "run")))


def main() -> int:
    """Measure; return 1 where a limit was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the versions, for which no limit is meant")
    parser.add_argument("--folder", type=Path, help="where to make a temporary folder")
    arguments = parser.parse_args()
    if arguments.folder and not arguments.folder.is_dir():
        parser.error(f"There is no folder {arguments.folder}.")
    os.environ |= ENVIRONMENT
    size, report = QUICK if arguments.quick else Size(), Report()
    with workplace(arguments.folder) as folder:
        versions = f"rlkit {rlkit.__version__}, MLflow {importlib.metadata.version('mlflow')} on SQLite"
        place = f"{folder.parent}{', in a git working tree' if in_git(folder) else ''}"
        print(f"{versions}, Python {platform.python_version()}, in {place}")
        print(f"Medians and ranges; where sides take turns, of {size.rounds} rounds of {size.batch} each", flush=True)
        measure(report, size, folder)
    print(f"\nMissed: {'; '.join(report.missed) or 'nothing'}")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
