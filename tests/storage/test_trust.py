"""Trust: what this user signed on this machine, and nothing else."""

import hashlib
import hmac
import os
import stat
import subprocess
import sys
import threading

import platformdirs
import pytest

from rlkit.errors import StoreError
from rlkit.storage import files, trust
from rlkit.storage.system import System

CODE = b"some code"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the key, which is not there yet."""
    monkeypatch.setenv("RLKIT_TRUST_DIR", str(tmp_path / "keys" / "rlkit"))
    return tmp_path / "keys" / "rlkit"


@pytest.fixture
def key(folder):
    """The file of a key that is in use."""
    trust.sign(CODE)
    return folder / "trust.key"


@pytest.mark.parametrize("data", [CODE, b"", b"\0" * 1000])
def test_what_was_signed_is_signed_and_nothing_else_is(folder, data):
    signature = trust.sign(data)
    assert trust.is_signed(data, signature)
    assert trust.sign(data) == signature
    assert not trust.is_signed(data + b"\0", signature)
    assert not trust.is_signed(b"other", signature)


def test_a_signature_of_another_key_is_none(key):
    signature = trust.sign(CODE)
    key.unlink()
    assert trust.sign(CODE) != signature
    assert not trust.is_signed(CODE, signature)


@pytest.mark.parametrize("change", [None, "", "x", "é" * 64, b"", 5, [], "upper", "longer", "shorter", "bytes"])
def test_what_is_no_signature_is_refused(key, change):
    signature = trust.sign(CODE)
    forms = {
        "upper": signature.upper(),
        "longer": signature + "0",
        "shorter": signature[:-1],
        "bytes": signature.encode(),
    }
    assert not trust.is_signed(CODE, forms.get(change, change) if isinstance(change, str) else change)


def test_a_signature_is_of_code_alone(key):
    """So that no signature which the key makes for anything else can be passed off as one."""
    plain = hmac.new(key.read_bytes(), CODE, hashlib.sha256).hexdigest()
    assert not trust.is_signed(CODE, plain)


def test_checking_makes_no_key(folder):
    assert not trust.is_signed(CODE, "0" * 64)
    assert not folder.parent.exists()


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_a_key_is_its_users_alone(folder, mask):
    before = os.umask(mask)
    try:
        trust.sign(CODE)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "trust.key").stat().st_mode) == 0o600
    assert (folder / "trust.key").stat().st_size == 32


def test_keys_are_random(folder):
    trust.sign(CODE)
    first = (folder / "trust.key").read_bytes()
    (folder / "trust.key").unlink()
    trust.sign(CODE)
    assert (folder / "trust.key").read_bytes() != first


def test_a_key_is_kept(key):
    before = key.stat()
    trust.sign(b"more")
    assert (key.stat().st_ino, key.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_key_is_where_the_system_keeps_a_users_data(tmp_path, monkeypatch):
    monkeypatch.delenv("RLKIT_TRUST_DIR", raising=False)
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / "data" / name)
    trust.sign(CODE)
    assert (tmp_path / "data" / "rlkit" / "trust.key").is_file()


def test_an_empty_setting_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RLKIT_TRUST_DIR", "")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / "data" / name)
    trust.sign(CODE)
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]


def readable(key):
    key.chmod(0o640)


def writable(key):
    key.chmod(0o602)


def linked(key):
    key.rename(key.with_name("elsewhere"))
    key.symlink_to(key.with_name("elsewhere"))


def dangling(key):
    key.unlink()
    key.symlink_to(key.with_name("nowhere"))


def short(key):
    key.write_bytes(b"x" * 31)


def long(key):
    key.write_bytes(b"x" * 33)


def empty(key):
    key.write_bytes(b"")


def a_folder(key):
    key.unlink()
    key.mkdir()


def a_pipe(key):
    key.unlink()
    os.mkfifo(key, 0o600)


CHANGES = [readable, writable, linked, dangling, short, long, empty, a_folder, a_pipe]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_key_that_others_may_know_or_have_made_is_not_used(key, change):
    signature = trust.sign(CODE)
    change(key)
    names = sorted(entry.name for entry in key.parent.iterdir())
    assert not trust.is_signed(CODE, signature)
    with pytest.raises(StoreError) as refused:
        trust.sign(CODE)
    assert str(key) in refused.value.problem
    assert refused.value.remedy
    assert sorted(entry.name for entry in key.parent.iterdir()) == names


def test_a_key_of_another_user_is_not_used(key, monkeypatch):
    signature = trust.sign(CODE)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert not trust.is_signed(CODE, signature)
    with pytest.raises(StoreError, match="another user"):
        trust.sign(CODE)


def test_where_no_key_can_be_made_nothing_is_signed(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("RLKIT_TRUST_DIR", str(tmp_path / "file" / "keys"))
    with pytest.raises(StoreError) as refused:
        trust.sign(CODE)
    assert refused.value.remedy
    assert not trust.is_signed(CODE, "0" * 64)


STEPS = ["mkdir", "open", "write", "fsync", "link"]


@pytest.mark.parametrize("step", STEPS)
def test_a_key_is_there_whole_or_not_at_all(folder, monkeypatch, step):
    class Failing(System):
        pass

    def fail(*_):
        raise OSError(5, os.strerror(5))

    setattr(Failing, step, fail)
    monkeypatch.setattr(files, "system", Failing())
    with pytest.raises(StoreError):
        trust.sign(CODE)
    assert not folder.exists() or [entry for entry in folder.iterdir() if entry.name != "trust.lock"] == []
    monkeypatch.undo()
    monkeypatch.setenv("RLKIT_TRUST_DIR", str(folder))
    assert trust.is_signed(CODE, trust.sign(CODE))


def test_a_key_is_flushed_to_the_disk_before_it_signs(folder, monkeypatch):
    calls = []

    class Noting(System):
        def fsync(self, descriptor):
            calls.append("fsync")
            super().fsync(descriptor)

        def flush(self, path, folder):
            calls.append("flush")
            super().flush(path, folder)

        def link(self, *arguments):
            calls.append("link")
            super().link(*arguments)

    monkeypatch.setattr(files, "system", Noting())
    trust.sign(CODE)
    kept = calls.index("link")
    assert "fsync" in calls[:kept]
    assert "flush" in calls[kept + 1 :]


def test_threads_at_once_use_one_key(folder):
    barrier, signatures = threading.Barrier(8), []

    def sign():
        barrier.wait()
        signatures.append(trust.sign(CODE))

    threads = [threading.Thread(target=sign) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(signatures) == 8
    assert set(signatures) == {trust.sign(CODE)}


SIGN = """
import sys
from rlkit.storage import trust

print("ready", flush=True)
sys.stdin.readline()
print(trust.sign(b"some code"))
"""


def test_processes_at_once_use_one_key(folder):
    command = [sys.executable, "-c", SIGN]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    signatures = {process.communicate(timeout=600)[0].strip() for process in processes}
    assert signatures == {trust.sign(CODE)}
