"""Whole files: many writers at once, killed ones, full disks, and what is left of them."""

import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from sbnn_np.support import atomic

pytestmark = pytest.mark.container
ACCENTS = pytest.mark.skipif(
    sys.getfilesystemencoding() != "utf-8", reason="names of files have no accents here"
)

DAY = 24 * 3600


def test_many_writers_of_one_file_leave_one_whole_content(tmp_path):
    """Threads of one process had one temporary name: half of the writers failed."""
    path, errors = tmp_path / "file", []
    contents = [bytes([n]) * 100_000 for n in range(8)]

    def work(content):
        try:
            for _ in range(25):
                atomic.write(path, content)
                assert path.read_bytes() in contents
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=[content]) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and list(tmp_path.iterdir()) == [path]


def test_processes_of_one_number_do_not_meet(tmp_path, monkeypatch):
    """As two containers that share a folder."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with atomic.replacing(tmp_path / "a") as one, atomic.replacing(tmp_path / "a") as other:
        one.write(b"one")
        other.write(b"other")
    assert (tmp_path / "a").read_bytes() == b"one"


def test_a_block_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "file"
    atomic.write(path, b"old")
    with pytest.raises(KeyError), atomic.replacing(path) as file:
        file.write(b"new")
        raise KeyError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_an_error_names_the_file(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "below", tmp_path):
        with pytest.raises(OSError) as caught:
            atomic.write(path, b"")
        assert caught.value.filename == str(path) and caught.value.strerror
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_file_has_the_mode_of_any_new_file(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        atomic.write(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@pytest.mark.parametrize("name", ["x" * 255, "[a]*", "a b", pytest.param("é", marks=ACCENTS)])
def test_any_name_will_do(tmp_path, name):
    atomic.write(tmp_path / name, b"1")
    atomic.write(tmp_path / name, b"2")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"2"


KILLED = """
import os, sys
from sbnn_np.support import atomic
with atomic.replacing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os._exit(9)
"""


def test_what_a_killed_writer_left_is_removed_when_it_is_old(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "file"])
    (left,) = tmp_path.iterdir()
    assert done.returncode == 9 and left.name.endswith(".part")
    for name in ("mine.part", "file.1234.part", ".hidden"):     # what others left is theirs
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (0, 0))
    # another writer may still be at it
    os.utime(left, (time.time() - DAY + 60,) * 2)
    atomic.write(tmp_path / "other", b"")
    assert left.exists()
    os.utime(left, (time.time() - DAY - 60,) * 2)
    atomic.write(tmp_path / "file", b"whole")
    assert {path.name for path in tmp_path.iterdir()} == {
        "file", "other", "mine.part", "file.1234.part", ".hidden",
    }


def test_a_folder_is_probed(tmp_path):
    atomic.probe(tmp_path / "new" / "deep")
    assert list((tmp_path / "new" / "deep").iterdir()) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError):
        atomic.probe(tmp_path / "file")
