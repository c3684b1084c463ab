"""Own images, from arrays and from folders: what is read, and what is refused before training."""

import os
import sys

import numpy as np
import pytest
from PIL import Image

from sbnn_np.datasets.download import DataError
from sbnn_np.own import images, own_data

pytestmark = pytest.mark.container


def save(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def some(rng, n=10, shape=(6, 5), M=3):
    """Images with dark borders, and their labels."""
    found = rng.integers(0, 50, (n * M, *shape)).astype(np.uint8)
    found[:, 2, 2] = 200
    return found, np.arange(n * M) % M


def png(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def folder(path, rng, names=("cat", "dog"), shape=(6, 5), n=5):
    """A folder of grey PNGs, and their pixels by name of class."""
    pixels = {name: rng.integers(0, 256, (n, *shape)).astype(np.uint8) for name in names}
    for name, mine in pixels.items():
        for i, image in enumerate(mine):
            png(path / name / f"{i}.png", image)
    return pixels


def test_arrays_are_read_as_they_are(tmp_path, rng):
    pixels, labels = some(rng)
    names = ["a", "b", "c"]
    own = own_data.load(save(tmp_path / "a.npz", images=pixels, labels=labels, classes=names))
    assert np.array_equal(own.images[..., 0], pixels) and own.images.dtype == np.uint8
    assert np.array_equal(own.labels, labels) and own.classes == names
    assert own.ground == "dark" and not own.bits and own.notes == []
    colour = np.repeat((255 - pixels)[..., None], 3, axis=3)
    own = own_data.load(save(tmp_path / "b.npz", images=colour, labels=labels * 10))
    assert np.array_equal(own.images, colour) and own.classes == ["0", "10", "20"]
    assert own.ground == "light"


def test_the_ground_is_that_of_nearly_all_borders(rng):
    pixels = np.zeros((200, 4, 4, 3), np.uint8)
    own = own_data.OwnData(pixels, np.zeros(200), [], False, [], [])
    # green is the brightest colour, and blue the darkest
    for n, colour, ground in (
        (2, (255, 255, 255), "dark"), (3, (255, 255, 255), None), (197, (255, 255, 255), None),
        (198, (255, 255, 255), "light"), (200, (0, 255, 0), "light"), (200, (0, 0, 255), "dark"),
    ):
        pixels[:] = 0
        pixels[:n] = colour
        assert own.ground == ground, (n, colour)
    pixels[:] = 0
    pixels[:, 1:3, 1:3] = 255                                 # inside of the border
    assert own.ground == "dark"


def test_bits_are_known_and_a_faint_scale_is_told(tmp_path, rng):
    pixels, labels = some(rng)
    own = own_data.load(save(tmp_path / "a.npz", images=pixels > 100, labels=labels))
    assert own.bits and np.array_equal(own.images[..., 0], 255 * (pixels > 100))
    (note,) = own_data.load(save(tmp_path / "b.npz", images=pixels // 12, labels=labels)).notes
    assert note.startswith("the brightest pixel is 16 of 255; multiply images by 15 ")


@pytest.mark.parametrize("N, part", [(30, 0.2), (2000, 0.2), (2010, 0.1)])
def test_the_split_holds_back_images_of_each_class(N, part):
    labels = np.minimum(np.arange(N) % 7, 2)
    own = own_data.OwnData(np.zeros((N, 2, 2, 1)), labels, ["a", "b", "c"], False, [], [])
    training, validation = own.split(0)
    assert np.array_equal(np.sort(np.concatenate([training, validation])), np.arange(N))
    for m in range(3):
        held = np.count_nonzero(labels[validation] == m)
        assert held == max(1, round(part * np.count_nonzero(labels == m)))
    assert np.array_equal(own.split(0)[1], validation)
    assert not np.array_equal(own.split(1)[1], validation)


def test_what_no_network_can_learn_from_is_refused(tmp_path, rng):
    pixels, labels = some(rng)
    broken = pixels.astype(float)
    broken[3, 1, 1] = np.nan
    for arrays, said in (
        ({"images": pixels, "labels": labels[:-1]}, r"labels has shape \(29,\); 30 images need"),
        ({"images": pixels, "labels": np.zeros(30, int)}, "all images are of one class, 0"),
        ({"images": broken, "labels": labels}, r"images hold nan, first at \[3, 1, 1, 0\]"),
        ({"images": pixels / 255, "labels": labels}, "whole numbers from 0 to 255, or bits"),
        ({"images": pixels.reshape(30, -1), "labels": labels}, "rows of numbers"),
        ({"images": pixels * 0, "labels": labels}, "all images are blank: .* from 0 to 0"),
        ({"images": pixels, "labels": np.arange(30)}, "too few images of class 0, 1;"),
        ({"images": pixels, "labels": labels, "classes": list("abcd")}, "images of class d, 0;"),
        ({"images": pixels, "labels": labels, "classes": list("aab")}, "two classes have the"),
        ({"images": pixels, "labels": labels, "classes": ["a", "b", "\n"]}, "can be printed"),
        ({"x_train": pixels, "y_train": labels}, "no array images, only x_train, y_train"),
        ({"images": pixels}, "no array labels, only images"),
    ):
        path = save(tmp_path / "a.npz", **arrays)
        with pytest.raises(DataError, match=f"^{path}: .*{said}"):
            own_data.load(path)
    np.save(tmp_path / "a.npy", pixels)
    for name, said in (
        ("a.npy", "one array of shape .* and no labels"), ("none.npz", "No such file"),
        ("text.npz", "no whole .npy or .npz file"),
    ):
        (tmp_path / "text.npz").write_text("text", encoding="utf-8")
        with pytest.raises(DataError, match=f"{name}: .*{said}"):
            own_data.load(str(tmp_path / name))


def test_a_folder_has_a_class_for_each_of_its_folders(tmp_path, rng):
    pixels = folder(tmp_path, rng, ("10", "9", "b", "a"))
    (tmp_path / "a" / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "a" / ".DS_Store").write_bytes(b"")
    (tmp_path / ".git").mkdir()
    (tmp_path / "readme").write_text("mine", encoding="utf-8")
    own = own_data.load(str(tmp_path))
    assert own.classes == ["9", "10", "a", "b"]
    assert own.labels.tolist() == [m for m in range(4) for _ in range(5)]
    assert np.array_equal(own.images[..., 0], np.concatenate([pixels[n] for n in own.classes]))
    assert own.files[5] == str(tmp_path / "10" / "0.png") and len(own.files) == 20
    assert own.notes == [f"left out, being no PNG: {tmp_path / 'a' / 'notes.txt'}"]
    (tmp_path / "b" / "a.gif").write_bytes(b"")
    (note,) = own_data.load(str(tmp_path)).notes
    assert note.endswith("notes.txt and 1 more")


def test_grey_and_coloured_pngs_are_mixed_as_predict_sees_them(tmp_path, rng):
    pixels = folder(tmp_path, rng)
    colours = rng.integers(0, 256, (6, 5, 3)).astype(np.uint8)
    png(tmp_path / "cat" / "z.png", colours)
    own = own_data.load(str(tmp_path))
    assert own.images.shape == (11, 6, 5, 3)
    assert np.array_equal(own.images[5], colours)
    assert np.array_equal(own.images[0], np.repeat(pixels["cat"][0][..., None], 3, axis=2))
    assert own.notes == ["10 of 11 images: grey made three equal colours"]

    class Model:
        shape, ground = (6, 5, 3), own.ground

    for n, file in enumerate(own.files):
        asked, _ = images.read(file, Model)
        assert np.array_equal(asked[0], own.images[n])


def test_black_and_white_pngs_are_bits(tmp_path, rng):
    for name in ("a", "b"):
        for i in range(5):
            png(tmp_path / name / f"{i}.png", 255 * rng.integers(0, 2, (4, 4)).astype(np.uint8))
    assert own_data.load(str(tmp_path)).bits


def test_folders_that_cannot_be_learned_from_are_refused(tmp_path, rng):
    def refused(place, said):
        with pytest.raises((DataError, images.ImageError), match=said):
            own_data.load(str(place))

    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "empty: there is no folder in it; .*cat.1.png")
    png(tmp_path / "flat" / "1.png", np.eye(5, dtype=np.uint8))
    refused(tmp_path / "flat", "flat: there is no folder in it")
    folder(tmp_path / "one", rng, ["cat"])
    refused(tmp_path / "one", "one: all images are of one class, cat")
    folder(tmp_path / "few", rng, n=4)
    refused(tmp_path / "few", "too few images of class cat, 4;")
    folder(tmp_path / "sizes", rng)
    png(tmp_path / "sizes" / "dog" / "4.png", np.zeros((6, 6), np.uint8))
    refused(tmp_path / "sizes", r"unlike sizes: .*0.png has 6 x 5 pixels, and .*4.png has 6 x 6;")
    folder(tmp_path / "none", rng)
    (tmp_path / "none" / "emu").mkdir()
    refused(tmp_path / "none", "emu: there is no PNG in it$")
    (tmp_path / "none" / "emu" / "a.jpg").write_bytes(b"")
    refused(tmp_path / "none", "emu: there is no PNG in it; it holds a.jpg, and only PNGs are read")
    folder(tmp_path / "false", rng)
    (tmp_path / "false" / "cat" / "0.png").write_bytes(b"\xff\xd8 of a JPEG")
    refused(tmp_path / "false", "0.png: its name says PNG, and its content is something else")
    folder(tmp_path / "cut", rng)
    whole = (tmp_path / "cut" / "dog" / "3.png").read_bytes()
    (tmp_path / "cut" / "dog" / "3.png").write_bytes(whole[:40])
    refused(tmp_path / "cut", "3.png: cannot be read as PNG")


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are for Linux")
def test_a_folder_whose_name_cannot_be_printed_is_refused(tmp_path, rng):
    folder(tmp_path, rng)
    for name in (b"\xff", b"a\nb"):
        os.rename(tmp_path / "dog", os.path.join(os.fsencode(tmp_path), name))
        with pytest.raises(DataError, match="class 0 has the name .* can be printed|class 1 has"):
            own_data.load(str(tmp_path))
        os.rename(os.path.join(os.fsencode(tmp_path), name), tmp_path / "dog")
    assert own_data.load(str(tmp_path)).classes == ["cat", "dog"]
