"""CIFAR-10: records, damage, the archive; and the shapes that stand in where it is missing."""

import hashlib
import io
import pickle
import shutil
import tarfile

import numpy as np
import pytest

from sbnn_np.datasets import cifar, data, download, shapes


def record(label, rng):
    return bytes([label]) + rng.integers(0, 256, 3072).astype(np.uint8).tobytes()


def test_a_record_is_a_label_and_three_planes(rng):
    content = record(3, rng) + record(9, rng)
    images, labels = cifar.read_records(content, "name")
    assert labels.tolist() == [3, 9] and labels.dtype == np.int64
    assert images.shape == (2, 32, 32, 3) and images.dtype == np.uint8
    for n, h, w, c in [(0, 0, 0, 0), (0, 5, 7, 1), (1, 31, 31, 2), (1, 0, 31, 0)]:
        assert images[n, h, w, c] == content[n * 3073 + 1 + c * 1024 + h * 32 + w]


@pytest.mark.parametrize("content, message", [
    (b"", "name: 0 bytes"),
    (bytes(3072), "name: 3072 bytes; records have 3073 bytes each"),
    (bytes(2 * 3073 + 1), "name: 6147 bytes"),
    (bytes(3073) + bytes([10]) + bytes(3072), "name: record 1 has label 10"),
])
def test_damaged_records_are_refused(content, message):
    with pytest.raises(download.DataError, match=message):
        cifar.read_records(content, "name")


@pytest.fixture
def small(monkeypatch, rng):
    """Files of 20 records instead of 10,000; returns their contents by name."""
    monkeypatch.setattr(cifar, "SIZE", 20 * cifar.RECORD)
    return {
        file: b"".join(record(int(label), rng) for label in rng.integers(0, 10, 20))
        for file in cifar.FILES
    }


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("inner", ["", cifar.FOLDER, f"cifar-10-binary/{cifar.FOLDER}"])
def test_the_files_are_found_in_the_folder_or_one_deeper(tmp_path, small, inner):
    write(tmp_path / inner, small)
    found = data.load("cifar10", tmp_path)
    assert found.name == "CIFAR-10" and found.classes[6] == "frog"
    assert found.train_images.shape == (100, 32, 32, 3) and found.test_labels.shape == (20,)
    expected = cifar.read_records(small["data_batch_2.bin"], "")
    assert np.array_equal(found.train_images[20:40], expected[0])
    assert np.array_equal(found.train_labels[20:40], expected[1])


def test_a_missing_cut_or_altered_file_is_an_error(tmp_path, small):
    write(tmp_path, small)
    path = tmp_path / "data_batch_4.bin"
    path.write_bytes(small[path.name][:-1])
    with pytest.raises(download.DataError, match=f"{path}: truncated; 61459 bytes"):
        data.load("cifar10", tmp_path)
    path.write_bytes(small[path.name] + b"\0")
    with pytest.raises(download.DataError, match=f"{path}: too long"):
        data.load("cifar10", tmp_path)
    path.write_bytes(bytes([77]) + small[path.name][1:])
    with pytest.raises(download.DataError, match=f"{path}: record 0 has label 77"):
        data.load("cifar10", tmp_path)
    path.unlink()
    with pytest.raises(download.DataError, match="no file data_batch_4.bin"):
        data.load("cifar10", tmp_path)


@pytest.mark.parametrize("path, found", [
    ("cifar-10-batches-py/data_batch_1", "CIFAR-10's Python version"),
    ("data_batch_1", "CIFAR-10's Python version"),
    ("cifar-10-python.tar.gz", "CIFAR-10's Python version"),
    ("data_batch_1.mat", "CIFAR-10's Matlab version"),
    ("cifar-100-binary/fine_label_names.txt", "CIFAR-100's binary version"),
    ("cifar-100-python/meta", "CIFAR-100's Python version"),
    ("cifar-100-python.tar.gz", "CIFAR-100's Python version"),
    ("cifar-10-binary.tar.gz", "the archive of the right files"),
])
def test_another_version_is_named_with_what_to_fetch(tmp_path, path, found):
    write((tmp_path / path).parent, {(tmp_path / path).name: b"content"})
    with pytest.raises(download.DataError) as caught:
        data.load("cifar10", tmp_path)
    said = str(caught.value)
    assert f"it holds {found} ({tmp_path / path})" in said and f"fetch {cifar.URL}" in said


@pytest.mark.parametrize("content, found", [
    (pickle.dumps({"labels": [1]}), "a pickle, as in CIFAR-10's Python version"),
    (bytes(20 * 3074), "records of two labels, as in CIFAR-100"),
])
def test_another_version_under_the_right_name_is_named(tmp_path, small, content, found):
    write(tmp_path, small | {"data_batch_3.bin": content})
    with pytest.raises(download.DataError, match=f"data_batch_3.bin: {found}.*{cifar.URL}"):
        data.load("cifar10", tmp_path)


# the archive


def archive(path, members):
    """Write a .tar.gz of (name, content or TarInfo)."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            info = content
            if isinstance(content, bytes):
                info = tarfile.TarInfo(name)
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return path


def official(files):
    return [(f"{cifar.FOLDER}/{name}", content) for name, content in files.items()]


def test_the_six_files_are_extracted_and_nothing_else(tmp_path, small):
    evil = [("../evil", b"out"), ("/tmp/evil.bin", b"out"), (f"{cifar.FOLDER}/readme.html", b"x")]
    path = archive(tmp_path / "a.tar.gz", official(small) + evil)
    cifar.extract(path, tmp_path / "in" / "deep")
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {"a.tar.gz", *(f"in/deep/{file}" for file in cifar.FILES)}
    for name, content in small.items():
        assert (tmp_path / "in" / "deep" / name).read_bytes() == content


def link(name):
    info = tarfile.TarInfo(f"{cifar.FOLDER}/{name}")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info


def test_a_link_in_place_of_a_file_is_refused(tmp_path, small):
    members = official(small)
    members[2] = ("", link(cifar.FILES[2]))
    path = archive(tmp_path / "a.tar.gz", members)
    with pytest.raises(download.DataError, match=f"{cifar.FILES[2]} is no file of 61460 bytes"):
        cifar.extract(path, tmp_path / "in")
    assert not (tmp_path / "in" / cifar.FILES[2]).exists()


def test_an_archive_that_is_cut_or_lacks_a_file_is_refused(tmp_path, small):
    path = archive(tmp_path / "a.tar.gz", official(small)[:-1])
    with pytest.raises(download.DataError, match="test_batch.bin"):
        cifar.extract(path, tmp_path / "in")
    path = archive(tmp_path / "a.tar.gz", official(small))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(download.DataError, match="damaged"):
        cifar.extract(path, tmp_path / "in")
    assert not list((tmp_path / "in").glob("*.part"))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of our own, no folder named, and what `download` would fetch."""
    monkeypatch.delenv("SBNN_DATA", raising=False)
    monkeypatch.setattr(data, "home_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(data, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def serve(monkeypatch, path):
    """Let the archive's address be a local file, and its checksum this file's."""
    monkeypatch.setattr(cifar, "URL", path.as_uri())
    monkeypatch.setattr(cifar, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())


def test_it_is_downloaded_once(tmp_path, cache, small, monkeypatch):
    path = archive(tmp_path / "c.tar.gz", official(small))
    serve(monkeypatch, path)
    first = data.load("cifar10")
    assert sorted(p.name for p in cache.rglob("*") if p.is_file()) == sorted(cifar.FILES)
    path.unlink()
    assert np.array_equal(data.load("cifar10").train_images, first.train_images)
    damaged = cache / cifar.FOLDER / "test_batch.bin"
    damaged.write_bytes(b"\1")
    with pytest.raises(download.DataError, match="truncated.*delete it, and it will be downloaded"):
        data.load("cifar10")


def test_two_processes_may_download_it_at_once(tmp_path, cache, small, monkeypatch):
    path = archive(tmp_path / "c.tar.gz", official(small))
    serve(monkeypatch, path)
    extract, expected = cifar.extract, data.load("cifar10").train_labels

    def disturbed(archive, folder):
        monkeypatch.setattr(cifar, "extract", extract)
        data.load("cifar10")                                  # another one, from start to end
        extract(archive, folder)

    shutil.rmtree(cache)
    monkeypatch.setattr(cifar, "extract", disturbed)
    assert np.array_equal(data.load("cifar10").train_labels, expected)
    assert sorted(p.name for p in cache.rglob("*") if p.is_file()) == sorted(cifar.FILES)


def test_another_archive_is_not_taken(tmp_path, cache, small, monkeypatch):
    path = archive(tmp_path / "c.tar.gz", official(small))
    serve(monkeypatch, path)
    monkeypatch.setattr(cifar, "SHA256", "0" * 64)
    with pytest.raises(download.NoDownload, match="wrong checksum; it is not the archive"):
        data.load("cifar10")
    assert not [p for p in cache.rglob("*") if p.is_file()]


# shapes


def test_shapes_are_the_same_for_the_same_seed_and_balanced():
    images, labels, test_images, test_labels = shapes.shape_images(60, 20)
    assert images.shape == (60, 32, 32, 3) and images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [6] * 10
    assert np.bincount(test_labels).tolist() == [2] * 10
    again = shapes.shape_images(60, 20)
    assert np.array_equal(images, again[0]) and np.array_equal(test_images, again[2])
    assert not np.array_equal(images[:10], images[10:20])
    assert data.Data("shapes", images, labels, test_images, test_labels, shapes.NAMES).classes[4] \
        == "ring"


@pytest.mark.parametrize("kind", range(10))
def test_each_shape_has_an_inside_that_fits_its_box(kind):
    v, u = np.mgrid[-2:2:81j, -2:2:81j]
    mask = shapes.inside(kind, u, v)
    assert 0.03 < mask.mean() < 0.25
    assert not mask[np.hypot(u, v) > 1.4].any()


def test_a_kind_that_does_not_exist_is_refused(rng):
    with pytest.raises(ValueError, match="kinds go from 3 to 10; they must be 0 to 9"):
        shapes.draw([3, 10], rng)
