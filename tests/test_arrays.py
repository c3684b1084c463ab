"""Arrays of images and labels: what is taken, and what each refusal says to do."""

import io
import struct

import numpy as np
import pytest

from sbnn_np.bits import frozen
from sbnn_np.datasets import download
from sbnn_np.datasets.download import DataError
from sbnn_np.own import arrays, images

pytestmark = pytest.mark.container


def npy(array, **kwargs):
    """The bytes of a .npy file."""
    file = io.BytesIO()
    np.save(file, array, **kwargs)
    return file.getvalue()


def npz(**named):
    """The bytes of a .npz file."""
    file = io.BytesIO()
    np.savez_compressed(file, **named)
    return file.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_pixels_of_any_dtype_stay_as_they_are(rng, dtype):
    numbers = rng.integers(0, 256, (5, 4, 3)).astype(np.uint8)
    found, bits = arrays.pixels(numbers.astype(dtype), "a")
    assert found.dtype == np.uint8 and np.array_equal(found, numbers) and not bits


@pytest.mark.parametrize("top, dtype", [(1, bool), (1, np.uint8), (1, np.float64), (255, np.uint8)])
def test_two_values_are_bits(rng, top, dtype):
    bits = rng.integers(0, 2, (5, 4, 3))
    found, are_bits = arrays.pixels((bits * top).astype(dtype), "a")
    assert found.dtype == np.uint8 and np.array_equal(found, 255 * bits) and are_bits
    assert not arrays.pixels(bits.astype(np.uint8) * 7, "a")[1]


def test_numbers_that_are_no_pixels_come_with_the_line_that_makes_pixels(rng):
    for wrong, said in (
        (rng.random((3, 4, 4)), "images hold 0."),
        (rng.normal(size=(3, 4, 4)), "images hold "),
        (rng.integers(0, 4096, (3, 4, 4)), "images hold 4"),
        (rng.integers(-128, 128, (3, 4, 4)).astype(np.int8), "images hold -1"),
    ):
        with pytest.raises(DataError, match=said) as error:
            arrays.pixels(wrong, "a")
        line = str(error.value).split("bits, 0 and 1. This makes pixels of them: ")[1]
        mended = eval(line, {"np": np, "images": wrong})
        low, high = (0, 255) if "astype" in line else (255 * wrong.min(), 255 * wrong.max())
        assert mended.min() == round(low) and mended.max() == round(high)
        assert arrays.pixels(mended, "a")[0] is not None
        # in the same order as before
        assert np.corrcoef(mended.reshape(-1), wrong.reshape(-1))[0, 1] > 0.999
    wrong = np.zeros((3, 4, 4))
    wrong[1, 2, 3] = np.nan
    with pytest.raises(DataError, match=r"a: images hold nan, first at \[1, 2, 3\]"):
        arrays.pixels(wrong, "a")
    wrong[0, 1, 1] = np.inf
    with pytest.raises(DataError, match=r"a: images hold inf, first at \[0, 1, 1\]"):
        arrays.pixels(wrong, "a")
    for none in (np.zeros((0, 4, 4)), np.zeros((3, 0, 4), np.uint8)):
        with pytest.raises(DataError, match="there is no pixel in it"):
            arrays.pixels(none, "a")
    with pytest.raises(DataError, match="of dtype <U1; they must be real numbers"):
        arrays.pixels(np.full((2, 3, 3), "x"), "a")


@pytest.mark.parametrize("shape, line, mended", [
    ((5, 64), r"images.reshape\(-1, 8, 8\)", (5, 8, 8)),
    ((5, 60), r"images.reshape\(-1, 1, 60\)", (5, 1, 60)),
    ((5, 3, 8, 7), r"np.moveaxis\(images, 1, 3\)", (5, 8, 7, 3)),
    ((5, 8, 7, 4), r"images\[..., :3\]", (5, 8, 7, 3)),
    ((5, 8, 7, 2), r"images\[..., :1\]", (5, 8, 7, 1)),
])
def test_other_axes_are_refused_with_the_line_that_puts_them_right(shape, line, mended):
    with pytest.raises(DataError, match=line) as error:
        arrays.with_channels(np.zeros(shape), "a")
    way = eval(line.replace("\\", ""), {"np": np, "images": np.zeros(shape)})
    assert way.shape == mended and arrays.with_channels(way, "a").ndim == 4
    assert f"images has shape {shape}" in str(error.value)


def test_labels_that_are_not_one_for_each_image_are_refused():
    ones = np.eye(3, dtype=int)[[0, 2, 1, 2]]
    for labels, said in (
        (np.arange(3), r"labels has shape \(3,\); 4 images need \(4,\), one label each$"),
        (np.zeros((4, 1), int), r"labels.reshape\(-1\)"),
        (ones, r"labels.argmax\(axis=1\)"),
        (np.array(5), r"labels has shape \(\)"),
        (np.zeros(4), "dtype float64; they must be whole numbers. .*: labels.astype"),
        (np.array(list("abca")), "return_inverse=True"),
    ):
        with pytest.raises(DataError, match=said):
            arrays.labels_and_names(labels, None, 4, "a")
    found, names = arrays.labels_and_names(np.array([True, False, True]), None, 3, "a")
    assert found.tolist() == [1, 0, 1] and names == ["0", "1"]


def test_classes_must_be_the_names_of_the_labels():
    labels, names = np.array([0, 2, 1], np.uint8), np.array(["a", "b", "c"])
    found, told = arrays.labels_and_names(labels, names, 3, "a")
    assert found.tolist() == [0, 2, 1] and found.dtype == np.int64 and told == ["a", "b", "c"]
    for classes, said in (
        (names[:2], "labels hold 2; with 2 classes they must be from 0 to 1"),
        (np.arange(3), r"classes has shape \(3,\) and dtype int64"),
        (names[None], r"classes has shape \(1, 3\)"),
        (names.astype("S"), r"np.array\(names, dtype=str\)"),
    ):
        with pytest.raises(DataError, match=said):
            arrays.labels_and_names(labels, classes, 3, "a")
    with pytest.raises(DataError, match="labels hold -1"):
        arrays.labels_and_names(np.array([0, -1]), names, 2, "a")


@pytest.mark.parametrize("name", ["", "  ", "a\n", "\x1b[31mred", "\udcff", "a\u2028", "\u200b"])
def test_names_that_cannot_be_printed_are_refused(name):
    with pytest.raises(DataError, match="class 1 has the name .*can be printed") as error:
        arrays.check_names(["fine", name], "a")
    assert str(error.value).isprintable() and str(error.value).isascii()


def test_names_may_be_of_any_alphabet_but_not_twice_or_endless():
    arrays.check_names(["naïve", "日本", "two words"], "a")
    with pytest.raises(DataError, match="two classes have the name 'b'"):
        arrays.check_names(["b", "a", "b"], "a")
    with pytest.raises(DataError, match="names of classes take 602"):
        arrays.check_names([f"{n:0>1000}" for n in range(60)], "a")


def test_files_that_hold_no_such_arrays_are_refused():
    ragged = np.empty(2, object)
    ragged[:] = [np.zeros((3, 3)), np.zeros((4, 3))]
    for content, said in (
        (b"", "no whole .npy or .npz"), (b"text", "no whole .npy or .npz"),
        (npy(np.zeros((9, 9)))[:-5], "no whole .npy or .npz"),
        (npz(images=np.zeros((9, 9)))[:-5], "no whole .npy or .npz"),
        (npy(ragged, allow_pickle=True), "images of unlike sizes"),
    ):
        with pytest.raises(DataError, match=f"^a.npy: .*{said}"):
            arrays.opened(io.BytesIO(content), "a.npy")
    file = arrays.opened(io.BytesIO(npz(x=np.zeros(2), y=np.zeros(2), images=ragged)), "a.npz")
    with pytest.raises(DataError, match=r"a.npz: .* no array labels, only x, y, images; np.s"):
        arrays.member(file, "labels", "a.npz")
    with pytest.raises(DataError, match="images holds Python objects.*unlike sizes"):
        arrays.member(file, "images", "a.npz")
    file = arrays.opened(io.BytesIO(npz(classes=np.array(["a", "b"], object))), "a.npz")
    with pytest.raises(DataError, match=r"classes are Python objects; .*np.array\(clas"):
        arrays.member(file, "classes", "a.npz")
    # one byte of the compressed numbers is another
    content = bytearray(npz(images=np.random.default_rng(0).integers(0, 255, 5000)))
    content[3000] ^= 255
    with pytest.raises(DataError, match="array images is damaged"):
        arrays.member(arrays.opened(io.BytesIO(content), "a.npz"), "images", "a.npz")


# images for a network that exists


def model(shape, ground="dark", binarize=None):
    return frozen.Frozen([], shape, (), binarize, ground)


def test_a_network_is_asked_about_arrays_that_fit_it(tmp_path, rng):
    grey = rng.integers(0, 100, (12, 4, 6)).astype(np.uint8)
    for name, array, N in (
        ("many.npy", grey, 10), ("one.npy", grey[0], 1), ("channel.npy", grey[:3, :, :, None], 3),
        ("float.npy", grey[:2].astype(float), 2), ("rows.npy", grey.reshape(12, 24), 10),
    ):
        np.save(tmp_path / name, array)
        found, done = images.read(tmp_path / name, model((4, 6, 1)))
        assert np.array_equal(found[..., 0], grey[:N]) and len(found) == N
        assert done == (["the first 10 of 12 images (--first)"] if N == 10 else [])
    np.savez(tmp_path / "both.npz", images=grey, labels=np.zeros(12))
    found, _ = images.read(tmp_path / "both.npz", model((4, 6, 1)), first=7)
    assert np.array_equal(found[..., 0], grey[:7])
    np.save(tmp_path / "flat.npy", grey[:, :4, :4])
    found, _ = images.read(tmp_path / "flat.npy", model((16,)))
    assert np.array_equal(found, grey[:10, :4, :4].reshape(10, 16))


def test_bits_become_pixels_that_give_these_bits(tmp_path, rng):
    bits = rng.integers(0, 2, (3, 4, 4))
    bits[:, [0, -1]] = 0
    np.save(tmp_path / "bits.npy", bits)
    asked = model((4, 4, 1), binarize=127)
    found, done = images.read(tmp_path / "bits.npy", asked)
    assert np.array_equal(asked.first_inputs(found)[..., 0], bits)
    assert done == ["bits: each 1 made a white pixel"]


def test_an_array_is_inverted_like_any_image(tmp_path):
    light = np.full((2, 5, 5), 250, np.uint8)
    light[:, 2, 2] = 10
    np.save(tmp_path / "light.npy", light)
    for invert, inverted in (("auto", True), ("yes", True), ("no", False)):
        found, done = images.read(tmp_path / "light.npy", model((5, 5, 1)), invert=invert)
        assert np.array_equal(found[..., 0], 255 - light if inverted else light) and len(done) == 1


def test_arrays_that_do_not_fit_are_refused(tmp_path):
    for array, said in (
        (np.zeros((2, 5, 4)), r"shape \(2, 5, 4\); .* takes \(N, 4, 4, 1\) or \(N, 4, 4\),"),
        (np.zeros((2, 4, 4, 3)), r"shape \(2, 4, 4, 3\)"),
        (np.full((2, 4, 4), 0.5), "hold 0.5"),
        (np.zeros((0, 4, 4)), "no pixel"),
    ):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(images.ImageError, match=f"a.npy: .*{said}"):
            images.read(tmp_path / "a.npy", model((4, 4, 1)))
    np.savez(tmp_path / "a.npz", pictures=np.zeros((2, 4, 4)))
    with pytest.raises(images.ImageError, match="no array images, only pictures"):
        images.read(tmp_path / "a.npz", model((4, 4, 1)))


def test_announced_sizes_take_no_memory(tmp_path, monkeypatch):
    """A .npy file that announces 2^50 bytes, and a .npz file whose array unpacks to too many."""
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (%d, 4, 4), }\n" % (1 << 46)
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(100)
    (tmp_path / "huge.npy").write_bytes(content)
    with pytest.raises(images.ImageError, match="huge.npy: (it needs more memory|no whole)"):
        images.read(tmp_path / "huge.npy", model((4, 4, 1)))
    bomb = npz(images=np.zeros((1 << 15, 4, 4), np.uint8))
    monkeypatch.setattr(download, "LARGEST", 1 << 15)
    assert len(bomb) < 1 << 15
    (tmp_path / "bomb.npz").write_bytes(bomb)
    with pytest.raises(images.ImageError, match="images have more than 32768 bytes"):
        images.read(tmp_path / "bomb.npz", model((4, 4, 1)))
