"""The command line."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import rlkit
from rlkit.cli import VERBS, main
from rlkit.storage.packing import PackedModel

HOSTILE = "<script>alert('1')</script> \x1b[31m\x9b2J\r\b\x07 \u202egnirts\u2066 {x} $HOME\nsecond"


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "store"))
    return tmp_path / "store"


def test_train_eval_and_models(capsys):
    options = ["--env", "CartPole-v1", "--seed", "0", "--steps", "1e3", "--n-epochs", "1"]
    assert main(["train", "ppo", *options, "--save", "cartpole", "--tag", "a"]) == 0
    assert "cartpole:1" in capsys.readouterr().out
    assert main(["eval", "cartpole:1", "--episodes", "3"]) == 0
    assert "mean return" in capsys.readouterr().out
    assert main(["models"]) == 0
    assert "cartpole:1" in capsys.readouterr().out
    assert rlkit.load("cartpole:1").num_timesteps == 1024


def test_algos_lists_and_describes(capsys):
    assert main(["algos"]) == 0
    assert "ppo" in capsys.readouterr().out
    assert main(["algos", "ppo"]) == 0
    assert "clip_range" in capsys.readouterr().out


def test_help_names_every_verb(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert [verb for verb in VERBS if f"rlkit {verb} " not in shown] == []


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == rlkit.__version__


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["trane"], 2, "Did you mean 'train'?"),
        (["jobs"], 2, "rlkit help lists them."),
        (["train", "ppo", "CartPole-v1", "--save"], 2, "--save needs a value"),
        (["models", "--json=3"], 2, "--json takes no value"),
        (["train"], 2, "needs algorithm: one of a2c, dqn, ppo"),
        (["train", "ppo", "--setps", "3"], 2, "Did you mean '--steps'?"),
        (["train", "ppo", "--env", "Nowhere-v0"], 1, "'Nowhere-v0'"),
        (["eval", "missing:1"], 1, "'missing"),
        (["train", "ppo"], 2, "rlkit train ppo CartPole-v1"),
        (["train", "nothing"], 1, "no algorithm 'nothing'"),
        (["train", "nothing:1"], 1, "'nothing'"),
        (["create", "ppo", "CartPole-v1"], 2, "needs --save"),
        (["gc", "--older-than", "1week"], 2, "'1week' is no age"),
        (["train", "ppo", "--env", "CartPole-v1", "--save", "bad name"], 1, "'bad-name'"),
        (["train", "ppo", "--env", "CartPole-v1", "--save", ""], 1, "cannot be a model name"),
        (["train", "ppo", "--env", "CartPole-v1", "--save", "x", "--tag", "bad tag"], 1, "'bad-tag'"),
        (["train", "ppo", "--env", "CartPole-v1", "--tag", "a"], 2, "--tag needs --save"),
    ],
)
def test_errors_go_to_standard_error_with_an_exit_code(capsys, store, words, code, says):
    assert main(words) == code
    captured = capsys.readouterr()
    assert says in captured.err
    assert not captured.out
    assert not store.exists()


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("asking", ["-h", "--help"])
def test_every_verb_says_what_it_takes(capsys, verb, asking):
    assert main([verb, asking]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"usage: rlkit {verb}")
    assert f"rlkit {verb} {VERBS[verb].example}".strip() in shown.out
    assert "--json" in shown.out
    assert not shown.err


@pytest.mark.parametrize("verb", VERBS)
def test_the_example_of_every_verb_is_right(verb):
    words = VERBS[verb].split("rlkit", VERBS[verb].example)
    VERBS[verb].parser("rlkit", words).parse(words)


def test_the_hyperparameters_of_an_algorithm_are_listed(capsys):
    assert main(["train", "ppo", "--help"]) == 0
    assert "--learning-rate" in capsys.readouterr().out


def test_an_interrupt_is_one_line(capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(VERBS["eval"], "run", interrupted)
    assert main(["eval", "cartpole"]) == 130
    assert capsys.readouterr().err == "Interrupted.\n"


def test_an_interrupted_training_is_kept_and_ends_a_script(capsys, monkeypatch):
    class Interrupted(rlkit.Callback):
        def on_update(self, run, update):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("rlkit.cli.training_callbacks", lambda _: [Interrupted()])
    assert main(["train", "ppo", "CartPole-v1", "--n-steps", "8", "--steps", "1e6", "--save", "cartpole"]) == 130
    shown = capsys.readouterr()
    assert shown.out.endswith("cartpole:1\n")
    assert shown.err == "Interrupted.\n"
    assert rlkit.load("cartpole").num_timesteps == 64


@pytest.fixture
def kept(capsys):
    rlkit.register(rlkit.create("ppo", "CartPole-v1", seed=0, net_arch=[4]), "cartpole")
    return rlkit.registry()


def test_export_and_import_take_a_version_elsewhere(kept, tmp_path, capsys, monkeypatch):
    file = str(tmp_path / "x.rlkit")
    assert main(["export", "cartpole:1", file]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == file
    assert shown.err.startswith("Note: The file says who registered it")
    assert main(["export", "cartpole:1", file, "--anonymous"]) == 0
    assert "who registered it (" not in capsys.readouterr().err
    monkeypatch.setenv("RLKIT_HOME", str(tmp_path / "other"))
    assert main(["import", str(tmp_path / "x.rlkit"), "pole"]) == 0
    assert capsys.readouterr().out.strip() == "pole:1"
    assert rlkit.load("pole").env_name == "CartPole-v1"


def test_inspect_and_card_tell_of_a_version(kept, capsys):
    assert main(["inspect", "cartpole:1"]) == 0
    assert "arrays" in capsys.readouterr().out
    assert main(["card", "cartpole"]) == 0
    assert capsys.readouterr().out.startswith("# cartpole:1")


def test_verify_fails_where_something_is_wrong(kept, capsys):
    assert main(["verify"]) == 0
    capsys.readouterr()
    path = kept._store.manifest_path("cartpole", 1)
    path.chmod(0o644)
    path.write_bytes(b"x")
    assert main(["verify"]) == 1
    shown = capsys.readouterr()
    assert "000001.json" in shown.out
    assert "is damaged" in shown.err


def test_gc_says_what_it_would_delete_and_deletes_it(kept, capsys):
    kept.delete("cartpole:1")
    assert main(["gc", "--dry-run"]) == 0
    assert "cartpole:1" in capsys.readouterr().out
    assert kept.trash()
    assert main(["gc"]) == 0
    assert not kept.trash()


def test_a_version_is_trained_on(kept, capsys):
    assert main(["train", "cartpole", "--steps", "64", "--save", "cartpole"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "cartpole:2"
    assert kept.get("cartpole:2").parent == "cartpole:1"


def test_a_training_that_is_not_kept_says_so(capsys):
    assert main(["train", "ppo", "CartPole-v1", "--steps", "64", "--n-steps", "16", "--batch-size", "32"]) == 0
    assert "not kept: --save NAME" in capsys.readouterr().out


def test_json_is_printed_for_scripts(kept, capsys):
    lines = [
        "models",
        "show cartpole",
        "eval cartpole --episodes 2",
        "verify",
        "algos",
        "config ppo",
        "inspect cartpole",
    ]
    shown = {}
    for line in lines:
        assert main([*line.split(), "--json"]) == 0
        shown[line] = json.loads(capsys.readouterr().out)
    assert [version["ref"] for version in shown["models"]] == ["cartpole:1"]
    assert shown["show cartpole"]["config"]["net_arch"] == [4]
    assert len(shown["eval cartpole --episodes 2"]["returns"]) == 2
    assert shown["verify"]["ok"] is True
    assert shown["config ppo"]["sources"]["gamma"] == "default"


LINES = [
    "create ppo CartPole-v1 --seed 1 --net-arch 4 --save made",
    "config ppo",
    "config cartpole",
    "train cartpole --steps 64 --eval-every 32 --eval-episodes 2",
    "eval cartpole --episodes 2",
    "watch cartpole --seed 0 --max-steps 3",
    "models",
    "show cartpole",
    "search",
    "compare cartpole:1 cartpole:2",
    "diff cartpole:1 cartpole:2",
    "lineage cartpole",
    "card cartpole",
    "inspect cartpole",
    "tag cartpole a",
    "alias cartpole best",
    "describe cartpole words",
    "metrics cartpole a=nan",
    "copy cartpole:1 pole",
    "rename cartpole pole",
    "delete cartpole:1",
    "restore gone:1",
    "prune cartpole --keep 1",
    "gc",
    "verify",
    "reindex",
    "export cartpole cartpole.rlkit",
    "import kept.rlkit pole",
    "store",
    "algos",
    "algos ppo",
    "envs",
    "envs CartPole-v1",
    "help",
    "help train",
]


def test_the_json_of_every_verb_is_tried():
    assert {line.split()[0] for line in LINES} == set(VERBS)


@pytest.mark.parametrize("line", LINES)
def test_json_is_all_that_is_printed_and_holds_no_python(kept, tmp_path, monkeypatch, capsys, line):
    monkeypatch.chdir(tmp_path)
    kept.export_file("cartpole", "kept.rlkit")
    for name, seed in (("cartpole", 2), ("gone", 3)):
        kept.register(rlkit.create("ppo", "CartPole-v1", seed=seed, net_arch=[4]), name)
    kept.delete("gone:1")
    assert main([*line.split(), "--json"]) == 0
    shown = capsys.readouterr()
    json.loads(shown.out, parse_constant=pytest.fail)
    assert not shown.err
    assert "<" not in shown.out
    assert " object at " not in shown.out


def test_json_of_a_training_holds_its_curve(kept, capsys):
    assert main(["train", "cartpole", "--steps", "64", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert set(shown) == {"history", "version"}
    assert set(shown["history"]["learning_curve"]) == {"steps", "mean_return"}


def test_json_of_the_help_and_of_an_environment_is_flat(capsys):
    assert main(["help", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["what is kept"]["search"] == VERBS["search"].summary
    assert main(["envs", "CartPole-v1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "CartPole-v1"


def test_the_folder_is_shown_with_what_is_in_it(kept, capsys):
    assert main(["store"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{kept.folder}\n1 model · 1 version")


def test_a_folder_that_is_a_file_is_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    for place in ("file", "file/store"):
        monkeypatch.setenv("RLKIT_HOME", str(tmp_path / place))
        assert main(["models"]) == 1
        assert capsys.readouterr().err.startswith(f"StoreError: '{tmp_path}/file' is no folder.\n")


def test_a_model_that_is_kept_already_is_a_note_each_time(kept, tmp_path, capsys):
    kept.export_file("cartpole", tmp_path / "x.rlkit")
    for _ in range(2):
        assert main(["import", str(tmp_path / "x.rlkit")]) == 0
        shown = capsys.readouterr()
        assert shown.out == "cartpole:1\n"
        assert shown.err.startswith("Note: An identical model is already registered as cartpole:1")
        assert len(shown.err.splitlines()) == 1


def test_options_may_stand_before_what_is_trained(kept, capsys):
    assert main(["train", "--steps", "64", "--save", "cartpole", "cartpole"]) == 0
    assert main(["train", "--seed", "1", "--steps", "64", "--n-steps", "8", "ppo", "CartPole-v1", "--save", "new"]) == 0
    assert [version.ref for version in kept.versions()] == ["cartpole:1", "cartpole:2", "new:1"]
    assert kept.get("new").seed == 1


def _main_writing_to(stdout, *words):
    program = "import sys; from rlkit.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, *words], check=False, stdout=stdout, stderr=subprocess.PIPE, text=True
    )


def test_nothing_is_trained_for_a_folder_that_cannot_be_written_to(monkeypatch, capsys, store):
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(rlkit.ModelBase, "train", None)
    assert main(["train", "ppo", "CartPole-v1", "--save", "cartpole"]) == 1
    assert capsys.readouterr().err.startswith(f"StoreError: Cannot write to {store}: Permission denied.\n")


def test_a_reader_that_has_enough_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stdout:
        done = _main_writing_to(stdout, "help")
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk_is_one_line():
    with Path("/dev/full").open("w", encoding="utf-8") as stdout:
        done = _main_writing_to(stdout, "help")
    assert (done.returncode, done.stderr) == (1, "OSError: [Errno 28] No space left on device\n")


def test_letters_that_a_terminal_has_not_are_replaced(monkeypatch, kept):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["models"]) == 0
    assert b"cartpole:1" in terminal.buffer.getvalue()


def test_a_search_is_one_word_in_a_shell(kept, capsys):
    assert main(["search", "algorithm = 'ppo' and seed = 0", "--limit", "1"]) == 0
    assert "cartpole:1" in capsys.readouterr().out


def test_what_changes_a_version_prints_its_reference(kept, capsys):
    assert main(["alias", "cartpole:1", "best"]) == 0
    assert main(["tag", "cartpole@best", "small"]) == 0
    assert capsys.readouterr().out.splitlines() == ["cartpole:1 @best", "cartpole:1 @best #small"]


def test_an_environment_of_a_module_is_trained_in_and_evaluated(walk_package, capsys):
    options = ["--preset", "none", "--n-steps", "8", "--batch-size", "8", "--seed", "0", "--steps", "16"]
    assert main(["train", "ppo", "walk_package:Walk-v0", *options, "--save", "walk"]) == 0
    assert rlkit.registry().get("walk").env_id == "walk_package:Walk-v0"
    for words in (
        ["eval", "walk", "--episodes", "1"],
        ["eval", "walk", "--episodes", "1", "--env", "walk_package:Walk-v0"],
        ["watch", "walk", "--max-steps", "3"],
        ["train", "walk", "--steps", "8"],
        ["config", "ppo", "walk_package:Walk-v0"],
        ["create", "ppo", "--env", "walk_package:Walk-v0", "--save", "other"],
        ["envs", "walk_package:Walk-v0"],
        ["envs", "walk_package:"],
    ):
        walk_package()
        assert main(words) == 0, capsys.readouterr()
    capsys.readouterr()
    walk_package()
    assert main(["train", "ppo", "Walk-v0", "--steps", "8"]) == 1
    assert "'package:Walk-v0', or import it first" in capsys.readouterr().err


def test_an_environment_of_somebody_elses_model_is_made_where_it_is_trusted(
    walk_package, capsys, monkeypatch, tmp_path
):
    rlkit.create("ppo", "walk_package:Walk-v0", seed=0).save(tmp_path / "walk.rlkit")
    monkeypatch.setenv("RLKIT_TRUST_DIR", str(tmp_path / "key"))
    walk_package()
    words = ["eval", str(tmp_path / "walk.rlkit"), "--episodes", "1"]
    assert main(words) == 1
    assert "import the module 'walk_package'" in capsys.readouterr().err
    assert "walk_package" not in sys.modules
    assert main([*words, "--trust"]) == 0


def test_a_module_in_the_folder_worked_in_is_found(walk_package, tmp_path):
    folder = walk_package()
    script = "import sys; from rlkit.cli import main; sys.path = [p for p in sys.path if p]; sys.exit(main())"
    words = ["envs", "walk_package:Walk-v0", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["reward_threshold"] == 7


def test_the_path_of_modules_is_left_as_it_was(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    assert main(["algos"]) == 0
    assert sys.path == before


class Kept:
    """A model that tells of itself what a stranger wrote."""

    def __init__(self, packed, **told):
        self._packed = PackedModel(packed.metadata | told, packed.objects)

    def packed(self, *, slim=False):
        return self._packed


READING = [
    "models",
    "show a",
    "card a",
    "compare a:1 a:2",
    "diff a:1 a:2",
    "lineage a:2",
    "inspect a:2",
    "search",
    "verify",
]
READING += [
    "store",
    "export a:2 x.rlkit",
    "models --json",
    "card a --json",
    "compare a:1 a:2 --json",
    "eval a:2",
    "show a@x",
]


@pytest.mark.parametrize("line", READING)
def test_what_a_stranger_wrote_sends_no_control_characters_to_the_terminal(kept, tmp_path, monkeypatch, capsys, line):
    monkeypatch.chdir(tmp_path)
    packed = kept.load("cartpole").packed()
    words = ("algorithm", "model_class", "env_id", "env_name", "left_out")
    change = {"num_timesteps": 10, "name": HOSTILE, "old": HOSTILE, "new": HOSTILE}
    told = {
        "env_kwargs": {HOSTILE: HOSTILE},
        "config": {HOSTILE: HOSTILE},
        "config_changes": [change],
        "env_modified": [HOSTILE],
    }
    kept.register(Kept(packed), "a")
    kept.register(Kept(packed, **dict.fromkeys(words, HOSTILE), **told), "a", description=HOSTILE, parent="a:1")
    capsys.readouterr()
    main(line.split())
    shown = capsys.readouterr()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown.out + shown.err)
    assert shown.out + shown.err
