"""Files of MNIST: damaged, truncated, forged, missing, downloaded; split and batches."""

import contextlib
import errno
import gzip
import hashlib
import os
import socket
import struct
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from sbnn_np.datasets import data, download, mnist
from sbnn_np.support import atomic

pytestmark = pytest.mark.container


def idx(array):
    """The idx file of a small array, as bytes."""
    array = np.asarray(array, np.uint8)
    header = struct.pack(f">I{array.ndim}I", 2048 + array.ndim, *array.shape)
    return header + array.tobytes()


IMAGES = idx(np.arange(2 * 3 * 4).reshape(2, 3, 4))
LABELS = idx([7, 0])
FILES = dict(zip(mnist.FILES, (IMAGES, LABELS, IMAGES, LABELS)))


@pytest.fixture
def little(monkeypatch, tmp_path):
    """A tiny data set in place of MNIST, in a folder, with its right checksums."""
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    monkeypatch.setattr(mnist, "FILES", sums)
    monkeypatch.delenv("SBNN_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "named"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


# reading


def test_images_and_labels_are_read():
    assert np.array_equal(mnist.read_idx(IMAGES, "f")[:, :, :, 0], np.arange(24).reshape(2, 3, 4))
    assert mnist.read_idx(LABELS, "f").tolist() == [7, 0]


@pytest.mark.parametrize("content, message", [
    (b"", "truncated; 0 bytes"),
    (IMAGES[:3], "truncated; 3 bytes"),
    (IMAGES[:10], "the header is cut"),
    (IMAGES[:-1], "truncated; 39 bytes, its header says 40"),
    (IMAGES + b"x", "too long; 41 bytes, its header says 40"),
    (b"\0\0\x08\x02" + IMAGES[4:], "wrong magic number 2050; it must be 2051 or 2049"),
    (struct.pack(">IIII", 2051, 2**32 - 1, 2**32 - 1, 2**32 - 1), "truncated"),
    (struct.pack(">IIII", 2051, 0, 2**32 - 1, 2**32 - 1), "an idx file without any pixel"),
    (struct.pack(">IIII", 2051, 5, 28, 0), "an idx file without any pixel"),
    (struct.pack(">II", 2049, 0), "an idx file without any label"),
    (idx([3, 10]), "label 10; labels must be from 0 to 9"),
])
def test_bad_idx_is_refused(content, message):
    with pytest.raises(data.DataError, match=message):
        mnist.read_idx(content, "a file")


def test_a_folder_gives_the_data_gzipped_or_not(little):
    (little / "mnist").mkdir()
    for name in list(FILES)[:2]:
        (little / "mnist" / (name + ".gz")).write_bytes(gzip.compress(FILES[name]))
        (little / name).unlink()
    loaded = data.load("mnist", little)
    assert loaded.name == "MNIST"
    assert loaded.train_images.shape == (2, 3, 4, 1) and loaded.test_labels.tolist() == [7, 0]


def dotted(name):
    return name.replace("-idx", ".idx")


@pytest.mark.parametrize("place", ["{}", "mnist/{}", "MNIST/raw/{}", "raw/{}", "MNIST/{}"])
@pytest.mark.parametrize("name", [str, dotted])
@pytest.mark.parametrize("end, shape", [("", "{0}"), (".gz", "{0}"), ("", "{0}/{0}")])
def test_files_are_found_as_other_tools_leave_them(little, tmp_path, place, name, end, shape):
    for file in FILES:
        path = tmp_path / "left" / place.format(shape.format(name(file) + end))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(FILES[file]) if end else FILES[file])
    assert data.load("mnist", tmp_path / "left").train_labels.tolist() == [7, 0]


def test_a_tilde_is_the_home(little, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(little.parent))
    assert data.load("mnist", "~/named").train_labels.tolist() == [7, 0]
    monkeypatch.setenv("SBNN_DATA", "~/named")
    assert data.load("mnist").train_labels.tolist() == [7, 0]
    with pytest.raises(data.DataError, match="~nobody-of-this-name/x: "):
        data.load("mnist", "~nobody-of-this-name/x")


@pytest.mark.parametrize("inside", ["{}", "{0}/{0}"])
@pytest.mark.parametrize("file", list(mnist.FASHION))
def test_fashion_mnist_is_told_by_its_labels(little, file, inside):
    for name, content in FILES.items():
        path = little / "MNIST" / "raw" / inside.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(idx(mnist.FASHION[name]) if name == file else content[:-1] + b"\1")
    with pytest.raises(data.DataError) as caught:
        data.load("mnist", little)
    said = str(caught.value)
    assert f"not the file of MNIST, but of Fashion-MNIST, as the labels of {little}" in said
    assert file in said and mnist.MIRRORS[0] in said
    # labels of MNIST tell of nothing
    (little / "MNIST" / "raw" / inside.format(file)).write_bytes(FILES[file])
    with pytest.raises(data.DataError, match="not the file of MNIST; fetch"):
        data.load("mnist", little)


def test_fashion_mnist_is_told_by_its_folder(little):
    inner = little / "FashionMNIST" / "raw"
    inner.mkdir(parents=True)
    for file in FILES:
        (little / file).rename(inner / (file + ".gz"))
    with pytest.raises(data.DataError, match="folder FashionMNIST/raw holds files of Fashion"):
        data.load("mnist", little)


def test_a_file_that_may_not_be_read_is_named(little, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(download, "open", refuse, raising=False)
    with pytest.raises(data.DataError, match="idx3-ubyte: cannot be read: Permission denied"):
        data.load("mnist", little)


def test_the_environment_names_the_folder(little, monkeypatch):
    monkeypatch.setenv("SBNN_DATA", str(little))
    assert data.load("mnist").train_labels.tolist() == [7, 0]


def test_a_missing_file_is_named(little):
    (little / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(data.DataError, match="named: no file t10k-labels-idx1-ubyte.*fetch .*gz"):
        data.load("mnist", little)


@pytest.mark.parametrize("damage, message", [
    (lambda c: c[:-1] + b"\x01", "wrong checksum"),
    (lambda c: c[:-1], "truncated"),
    (lambda c: gzip.compress(c)[:-9], "damaged or truncated"),
    (lambda c: gzip.compress(c)[:20] + b"\xff" * 30, "damaged or truncated"),
    (lambda c: b"\0" * 40, "wrong magic number 0"),
])
def test_a_damaged_file_is_refused(little, damage, message):
    (little / "train-images-idx3-ubyte").write_bytes(damage(IMAGES))
    with pytest.raises(data.DataError, match=f"train-images-idx3-ubyte: .*{message}"):
        data.load("mnist", little)


def test_a_gzip_bomb_is_refused(little, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", 1000)
    (little / "train-images-idx3-ubyte").write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(data.DataError, match="more than 1000 bytes"):
        data.load("mnist", little)


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="name is 'imagenet'; it must be mnist, cifar10, strokes"):
        data.load("imagenet")


def test_strokes_need_no_file():
    loaded = data.load("strokes")
    assert loaded.name == "stroke digits" and loaded.test_images.shape == (2000, 28, 28, 1)


# downloading, from a server on this machine


@pytest.fixture
def server():
    """A server whose replies a test sets: path to (content, announced length)."""
    replies, asked = {}, []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path not in replies:
                self.send_error(404)
                return
            content, length = replies[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=[0.01], daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/", replies, asked
    httpd.shutdown()
    httpd.server_close()


def serve(replies, change=lambda content: (content, len(content))):
    for name, content in FILES.items():
        replies[f"/{name}.gz"] = change(gzip.compress(content))


def left_over(tmp_path):
    return [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_missing_files_are_downloaded_once(little, server, monkeypatch, tmp_path):
    url, replies, asked = server
    serve(replies)
    monkeypatch.setattr(mnist, "MIRRORS", (url + "no-such-mirror/", url))
    first = data.load("mnist")
    assert first.train_labels.tolist() == [7, 0]
    assert len(asked) == 8                                # each file: a 404, then the file
    data.load("mnist")
    assert len(asked) == 8
    assert sorted(left_over(tmp_path)) == sorted(name + ".gz" for name in FILES)


def test_an_interrupted_download_leaves_nothing(little, server, monkeypatch, tmp_path):
    url, replies, _ = server
    serve(replies, lambda content: (content[:-20], len(content)))
    monkeypatch.setattr(mnist, "MIRRORS", (url,))
    with pytest.raises(data.NoDownload, match=r"broke off|IncompleteRead"):
        data.load("mnist")
    assert left_over(tmp_path) == []


OK = b"HTTP/1.1 200 OK\r\n"
FOUND = b"HTTP/1.1 302 Found\r\nLocation: "


@pytest.mark.parametrize("answer", [
    b"what?\r\n\r\n",
    b"",
    OK + b"Content-Length: 56; charset=x\r\n\r\nabc",
    OK + b"Content-Length: -3\r\n\r\nabc",
    OK + b"Content-Length: \xb2\r\n\r\nabc",
    OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nabc",
    OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc",
    FOUND + b"http://[bad/\r\n\r\n",
    FOUND + b"http://a..org/\r\n\r\n",
    FOUND + b"http://" + b"a" * 70 + b".org/\r\n\r\n",
    FOUND + b"http://127.0.0.1:x/\r\n\r\n",
    FOUND + b"http://a\0b/\r\n\r\n",
    FOUND + b"file:///etc/passwd\r\n\r\n",
    FOUND + b"\r\n\r\n",
])
def test_a_mirror_that_talks_nonsense_is_passed_over(little, server, monkeypatch, tmp_path, answer):
    url, replies, _ = server
    serve(replies)
    with socket.create_server(("127.0.0.1", 0)) as nonsense:
        def talk():
            with contextlib.suppress(OSError):               # when the test ends
                while True:
                    connection, _ = nonsense.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(answer)

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        bad = f"http://127.0.0.1:{nonsense.getsockname()[1]}/"
        monkeypatch.setattr(mnist, "MIRRORS", (bad,))
        with pytest.raises(data.NoDownload, match="could not download train-images-idx3-ubyte.gz"):
            data.load("mnist")
        assert left_over(tmp_path) == []
        monkeypatch.setattr(mnist, "MIRRORS", (bad, url))
        assert data.load("mnist").train_labels.tolist() == [7, 0]
        nonsense.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_length_that_cannot_be_read_does_not_matter(little, server, monkeypatch):
    url, replies, _ = server
    serve(replies, lambda content: (content, "56; charset=x"))
    monkeypatch.setattr(mnist, "MIRRORS", (url,))
    assert data.load("mnist").train_labels.tolist() == [7, 0]


@pytest.mark.parametrize("proxy", [
    "http://a..b:80", "http:/x", "http://127.0.0.1:x", "http://u:p%@h..x", "http://" + "a" * 70,
])
def test_a_malformed_proxy_is_said(little, monkeypatch, proxy):
    monkeypatch.setattr(urllib.request, "_opener", None)     # or it keeps the proxies of before
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr(mnist, "MIRRORS", ("http://localhost/", "http://example.org/"))
    with pytest.raises(data.NoDownload, match="http://localhost/.*; http://example.org/"):
        data.load("mnist")


def test_an_answer_without_an_end_is_left(little, server, monkeypatch, tmp_path):
    url, replies, _ = server
    serve(replies, lambda content: (bytes(300_000), "unknown"))
    monkeypatch.setattr(download, "LARGEST", 100_000)
    monkeypatch.setattr(mnist, "MIRRORS", (url,))
    with pytest.raises(data.NoDownload, match="more than 100000 bytes"):
        data.load("mnist")
    assert left_over(tmp_path) == []


def test_a_mirror_with_another_page_is_passed_over(little, server, monkeypatch):
    url, replies, _ = server
    serve(replies)
    for name in FILES:
        replies[f"/portal/{name}.gz"] = (b"<html>please log in</html>", 26)
    monkeypatch.setattr(mnist, "MIRRORS", (url + "portal/", url))
    assert data.load("mnist").train_labels.tolist() == [7, 0]


def test_a_damaged_file_of_the_cache_says_what_to_do(little, server, monkeypatch, tmp_path):
    url, replies, _ = server
    serve(replies)
    monkeypatch.setattr(mnist, "MIRRORS", (url,))
    data.load("mnist")
    path = data.cache_folder() / "mnist" / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(data.DataError, match="damaged or truncated.*; delete it"):
        data.load("mnist")


def test_a_wrong_download_leaves_nothing(little, server, monkeypatch, tmp_path):
    url, replies, _ = server
    other = gzip.compress(b"something else")
    serve(replies, lambda content: (other, len(other)))
    monkeypatch.setattr(mnist, "MIRRORS", (url,))
    with pytest.raises(data.NoDownload, match="wrong magic number"):
        data.load("mnist")
    assert left_over(tmp_path) == []


def test_no_server_is_said(little, monkeypatch, tmp_path):
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:9/",))   # nobody listens there
    with pytest.raises(data.NoDownload, match="could not download train-images-idx3-ubyte.gz"):
        data.load("mnist")
    assert left_over(tmp_path) == []


# homes


@pytest.fixture
def homeless(little, server, monkeypatch):
    """MNIST on a server, nothing cached, and no word said yet about caches."""
    url, replies, asked = server
    serve(replies)
    monkeypatch.setattr(mnist, "MIRRORS", (url,))
    monkeypatch.setattr(download, "USABLE", {})
    return asked


def no_home(monkeypatch, tmp_path):
    def home():
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", home)
    return "there is no home folder"


def a_file_for_a_home(monkeypatch, tmp_path):
    (tmp_path / "cache").write_bytes(b"")
    return os.strerror(errno.ENOTDIR if os.name == "posix" else errno.EEXIST)


def the_home_of_another_user(monkeypatch, tmp_path):
    def probe(folder):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(atomic, "probe", probe)
    return "Permission denied"


@pytest.mark.parametrize("fault", [no_home, a_file_for_a_home, the_home_of_another_user])
def test_without_a_cache_all_works_and_is_said_once(
    homeless, monkeypatch, tmp_path, capsys, fault
):
    reason = fault(monkeypatch, tmp_path)
    for _ in range(2):
        assert data.load("mnist").train_labels.tolist() == [7, 0]
    assert len(homeless) == 4                                 # kept as long as the process lives
    said = capsys.readouterr().err
    assert said.startswith("no cache (") and reason in said and said.count("\n") == 1
    (folder,) = download.USABLE.values()
    assert str(folder) in said and folder.is_dir()
    download.remove(folder, os.getpid() + 1)                  # as a forked child would
    assert folder.is_dir()
    download.remove(folder, os.getpid())
    assert not folder.exists()


def test_what_is_in_a_cache_that_cannot_be_written_to_is_used(homeless, monkeypatch, tmp_path):
    data.load("mnist")
    place = download.home_cache() / "mnist"
    (place / "t10k-labels-idx1-ubyte.gz").unlink()
    monkeypatch.setattr(download, "USABLE", {})
    the_home_of_another_user(monkeypatch, tmp_path)
    assert data.load("mnist").train_labels.tolist() == [7, 0] and len(homeless) == 5
    assert len(list(place.iterdir())) == 3
    (folder,) = download.USABLE.values()
    assert [path.name for path in folder.rglob("*.gz")] == ["t10k-labels-idx1-ubyte.gz"]
    download.remove(folder, os.getpid())


def test_no_folder_at_all_is_said(homeless, monkeypatch, tmp_path):
    def mkdtemp(prefix):
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    no_home(monkeypatch, tmp_path)
    monkeypatch.setattr(download.tempfile, "mkdtemp", mkdtemp)
    with pytest.raises(data.NoDownload, match="no folder to download mnist to: .*No usable"):
        data.load("mnist")


ASKS = """
from sbnn_np.datasets.download import cache_folder
print(cache_folder())
cache_folder()
"""


def test_the_temporary_folder_is_removed_at_the_end(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    env = os.environ | {
        name: str(tmp_path / "file") for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME")
    }
    done = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, env=env)
    assert done.returncode == 0 and done.stderr.count("no cache") == 1
    assert "sbnn_np-" in done.stdout and not Path(done.stdout.strip()).exists()


# splitting and batches


def test_the_split_is_always_the_same_and_loses_nothing():
    images, labels = np.arange(60000), np.arange(60000) % 10
    training, validation = data.split(images, labels)
    again, _ = data.split(images, labels)
    assert len(validation[0]) == 5000 and np.array_equal(training[0], again[0])
    assert np.array_equal(np.sort(np.concatenate([training[0], validation[0]])), images)
    assert (training[0] % 10 == training[1]).all() and (validation[0] % 10 == validation[1]).all()


def test_batches_show_every_image_once_and_keep_its_label(rng):
    images, labels = np.arange(20), np.arange(20) * 3
    seen = list(data.batches(images, labels, 6, rng))
    assert len(seen) == data.steps_per_epoch(20, 6) == 3
    x = np.concatenate([x for x, _ in seen])
    assert len(set(x)) == 18 and all((y == 3 * x).all() for x, y in seen)
    other = np.concatenate([x for x, _ in data.batches(images, labels, 6, rng)])
    assert not np.array_equal(x, other)


def test_shifted_images_are_shifted_and_nothing_else(rng):
    images = rng.integers(1, 256, (200, 5, 6, 2)).astype(np.uint8)
    moved = data.shifted(images, 2, rng)
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    seen = set()
    for n in range(200):
        places = [
            (y, x) for y, x in np.ndindex(5, 5)
            if np.array_equal(moved[n], padded[n, y : y + 5, x : x + 6])
        ]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) == 25 and moved.dtype == np.uint8


def test_batches_move_images_only_if_asked(rng):
    images = rng.integers(1, 256, (20, 5, 6, 1)).astype(np.uint8)
    (plain, labels), = data.batches(images, np.arange(20), 20, rng)
    assert np.array_equal(plain, images[labels])
    (moved, labels), = data.batches(
        images, np.arange(20), 20, rng, lambda images, rng: data.shifted(images, 1, rng)
    )
    assert not np.array_equal(moved, images[labels])
    assert (moved.sum(axis=(1, 2, 3)) <= images[labels].sum(axis=(1, 2, 3))).all()


@pytest.mark.parametrize("batch", [0, 21])
def test_an_impossible_batch_is_refused(batch, rng):
    with pytest.raises(ValueError, match=f"batch is {batch}; it must be from 1 to 20"):
        next(data.batches(np.arange(20), np.arange(20), batch, rng))


@pytest.mark.parametrize("change", [
    lambda images, rng: data.shifted(images, 2, rng), lambda images, rng: data.flipped(images, rng),
])
def test_images_of_one_channel_change_with_or_without_an_axis_for_it(change):
    images = np.random.default_rng(1).integers(0, 256, (9, 5, 4)).astype(np.uint8)
    flat = change(images, np.random.default_rng(2))
    assert np.array_equal(flat, change(images[..., None], np.random.default_rng(2))[..., 0])
    assert not np.array_equal(flat, images)
    with pytest.raises(ValueError, match=r"images has shape \(9, 20\); it must be \(N, H, W, C\)"):
        change(images.reshape(9, 20), np.random.default_rng(2))


@pytest.mark.parametrize("labels", [np.zeros(8, int), np.zeros(10, int), np.zeros((9, 1), int)])
def test_labels_that_are_not_one_an_image_are_not_dealt_out(labels):
    images = np.zeros((9, 4, 4, 1))
    with pytest.raises(ValueError, match=r"labels has shape .*; 9 images need \(9,\)"):
        data.split(images, labels)
    with pytest.raises(ValueError, match="labels has shape"):
        next(data.batches(images, labels, 2, np.random.default_rng(0)))
