"""What is installed, what is imported, and that the files which say so agree."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import rlkit

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names_and_bounds(requirements):
    pairs = (re.match(r"([A-Za-z0-9_.-]+)(.*)", requirement).groups() for requirement in requirements)
    return {name.lower(): bound for name, bound in pairs if not requirement_of_ourselves(name)}


def requirement_of_ourselves(name):
    return name == "rlkit-jupyter"


def test_environment_yml_says_the_same_as_pyproject():
    extras = PROJECT["optional-dependencies"]
    wanted = names_and_bounds([*PROJECT["dependencies"], *extras["lab"], *extras["run"], *extras["test"]])
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    of_pip = next(item["pip"] for item in listed if isinstance(item, dict))
    listed = [item for item in [*listed, *of_pip] if isinstance(item, str) and not item.startswith("--")]
    found = names_and_bounds(listed)
    assert found.pop("python") == PROJECT["requires-python"]
    found.pop("pip")
    assert found == wanted


def test_the_version_is_written_once_as_it_is():
    assert rlkit.__version__ == PROJECT["version"]


def test_importing_rlkit_loads_no_notebook_and_no_plotting_library():
    code = "import sys, rlkit; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    heavy = {"IPython", "ipywidgets", "matplotlib", "traitlets", "dask", "optuna", "torch", "PIL", "pygame"}
    assert not heavy & set(loaded)


def test_presets_are_part_of_the_package():
    assert (ROOT / "rlkit" / "presets" / "ppo.yaml").is_file()
    for name in rlkit.factory.names():
        assert "CartPole-v1" in rlkit.factory.describe(name).presets


def test_the_public_api_is_what_it_says():
    assert [name for name in rlkit.__all__ if not hasattr(rlkit, name)] == []


TOP = {
    *(".ci", ".github", ".gitignore", ".oxlintrc.json", ".pre-commit-config.yaml", "Makefile", "pyproject.toml"),
    *("CHANGELOG.md", "LICENSE", "README.md", "environment.yml"),
    *("benchmarks", "docs", "notebooks", "rlkit", "tests"),
}


def committed():
    """Names of all files that are committed, or where there is no repository, as in a source distribution, none."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        return []
    # A repository that another user owns is read all the same.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name]


def test_no_text_advises_to_install_the_package_that_has_our_name_on_pypi():
    texts = [ROOT / name for name in committed() if name.endswith((".py", ".md", ".ipynb", ".js", ".toml", ".yml"))]
    word = r"\s+[\"']?"
    advice = re.compile(
        rf"(?:pip|conda|uv)\b.{{0,20}} (?:install|add)(?:{word}[\w\[\]<>=.,-]+[\"']?)*?{word}rlkit(?![\w-]|\.)"
    )
    assert advice.search('pip install "rlkit[box2d]"')
    assert advice.search("pip install -U rlkit`")
    ours = {"test_packaging.py"}
    assert [str(path) for path in texts if path.name not in ours and advice.search(path.read_text())] == []


def test_extras_of_ours_name_our_own_distribution():
    extras = [each for extra in PROJECT["optional-dependencies"].values() for each in extra]
    assert [each for each in extras if each.startswith("rlkit") and not each.startswith(f"{PROJECT['name']}[")] == []
    assert PROJECT["name"] != "rlkit"


def test_the_top_level_of_the_repository_holds_only_what_is_meant_to_be_there():
    assert {name.partition("/")[0] for name in committed()} <= TOP


def test_every_make_target_of_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z-]+)`", (ROOT / "README.md").read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("path", sorted(path for kind in ("js", "css") for path in (ROOT / "rlkit").rglob(f"*.{kind}")))
def test_no_script_and_no_style_sheet_asks_anybody_else(path):
    assert re.findall(r"https?:|[\"'`(]//|@import|url\(", path.read_text()) == []
