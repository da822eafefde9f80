"""JupyterLab in a process and folders of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat

SECONDS = 300  # more than anything here takes, even on a busy machine
OLDER = Path(__file__).parents[2] / "build" / "ipykernel6"
"""Where ``make test`` installs the ipykernel before the present one, beside it."""
KERNELS = {"python3": "Python 3", "ipykernel6": "Python 3 with ipykernel 6"}
"""What the server offers, by name: the kernel that is installed, and the older one."""


class JupyterLab:
    """A server of notebooks in a new folder, which shares nothing with the person who runs the tests.

    Args:
        folder: Where everything of it is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "notebooks"
        self.root.mkdir()
        self._settings = folder / "config" / "lab" / "user-settings" / "@jupyterlab"
        self.set("apputils", "notification", {"fetchNews": "false", "checkForUpdates": False})
        # By default JupyterLab drops completions that take the kernel more than a second.
        self.set("completer", "manager", {"providerTimeout": 1000 * SECONDS})
        _offer_older_kernel(folder / "data")
        self._log = (folder / "log").open("w+")
        options = ["--no-browser", "--allow-root", "--expose-app-in-browser", "--IdentityProvider.token="]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", *options, f"--ServerApp.root_dir={self.root}", "--port=0"],
            env=_environment(folder),
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._runtime = folder / "runtime" / f"jpserver-{self._process.pid}.json"
        self.url = ""

    def said(self) -> str:
        """Return what it has printed."""
        self._log.seek(0)
        return self._log.read()

    def start(self) -> None:
        """Wait until it answers; from then on its address is known.

        Raises:
            AssertionError: It has ended, or takes too long.
        """
        give_up = time.monotonic() + SECONDS
        while not self.url:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.1)
                raise AssertionError(self.said())
            assert time.monotonic() < give_up, self.said()
            self.url = self._address()

    def _address(self) -> str:
        """Return what it has written of itself in a file; empty where it has not, or has not written all of it."""
        written = self._runtime.read_text() if self._runtime.exists() else ""
        return str(json.loads(written)["url"]) if written.rstrip().endswith("}") else ""

    def stop(self) -> None:
        """End it and its kernels."""
        self._process.terminate()
        self._process.wait(SECONDS)
        self._log.close()

    def set(self, extension: str, plugin: str, values: dict[str, object]) -> None:
        """Change settings of a plugin of JupyterLab's own, for pages that are opened from now on."""
        folder = self._settings / f"{extension}-extension"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{plugin}.jupyterlab-settings").write_text(json.dumps(values))

    def write(self, name: str, cells: tuple[str, ...], kernel: str = "python3") -> None:
        """Write a notebook of code cells for one of the kernels."""
        made = [nbformat.v4.new_code_cell(source) for source in cells]
        meant = {"name": kernel, "display_name": KERNELS[kernel], "language": "python"}
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": meant}), self.root / name)

    def read(self, name: str) -> nbformat.NotebookNode:
        """Return a notebook as it is saved."""
        return nbformat.read(self.root / name, as_version=4)


def _offer_older_kernel(data: Path) -> None:
    """Tell the server of the older kernel: the same Python, which finds that one before the one installed."""
    place = data / "kernels" / "ipykernel6"
    place.mkdir(parents=True)
    path = os.pathsep.join(filter(None, [str(OLDER), os.environ.get("PYTHONPATH")]))
    start = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": start, "display_name": KERNELS["ipykernel6"], "language": "python", "env": {"PYTHONPATH": path}}
    (place / "kernel.json").write_text(json.dumps(spec))


def _environment(folder: Path) -> dict[str, str]:
    """Return variables that keep everything in a folder, and do not tell kernels that a test is running."""
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "RLKIT_HOME": "store",
        "RLKIT_TRUST_DIR": "trust",
    }
    ours = {variable: str(folder / name) for variable, name in places.items()}
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"} | ours
