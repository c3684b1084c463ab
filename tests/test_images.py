"""Images from files: every kind of PNG gives the same pixels, and hostile ones take no memory."""

import gzip
import itertools
import os
import struct
import threading
import time
import tracemalloc
import zlib

import numpy as np
import pytest

from sbnn_np.bits import frozen
from sbnn_np.datasets import download, strokes
from sbnn_np.own import images

pytestmark = pytest.mark.container

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
WHITE, BLACK = "what is transparent made white", "what is transparent made black"


def net(shape=(784,), ground=None, binarize=None):
    """What `images` asks of a model."""
    return frozen.Frozen([], shape, (), binarize, ground)


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(
        ">I", zlib.crc32(name + content)
    )


def png(samples, colour, depth, interlaced=False, **chunks):
    """A PNG file, written here by the standard: samples (h, w, n) as whole numbers of depth bits.

    Other chunks are given by name, as bytes.
    """
    h, w, _ = samples.shape
    whole = [(0, 0, 1, 1)]
    adam7 = [
        (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    lines = bytearray()
    for y, x, dy, dx in adam7 if interlaced else whole:
        part = samples[y::dy, x::dx]
        for row in part if part.size else ():
            bits = row.reshape(-1, 1) >> np.arange(depth)[::-1] & 1
            lines += b"\0" + np.packbits(bits.reshape(-1).astype(np.uint8)).tobytes()
    header = struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlaced)
    extra = b"".join(chunk(name.encode(), content) for name, content in chunks.items())
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
        + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    )


def read(tmp_path, content, model=None, **kwargs):
    (tmp_path / "a.png").write_bytes(content)
    return images.read(tmp_path / "a.png", model or net(), **kwargs)


@pytest.fixture(scope="module")
def digit():
    """A three of 28 x 28 pixels, light on dark, of four levels from 0 to 255."""
    image = strokes.draw(np.array([3]), np.random.default_rng(1))[0, :, :, 0]
    return np.rint(image / 85).astype(np.uint8) * 85


# every kind of PNG


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("colour, depth", [
    *itertools.product([GREY], [1, 2, 4, 8, 16]), *itertools.product([PALETTE], [1, 2, 4, 8]),
    *itertools.product([RGB, GREY_ALPHA, RGBA], [8, 16]),
])
def test_every_kind_of_png_gives_the_same_pixels(tmp_path, digit, colour, depth, interlaced):
    levels = 2 if depth == 1 else 4
    index = (digit // 85 >= 2).astype(int) if depth == 1 else digit.astype(int) // 85
    expected = index * 255 // (levels - 1)
    largest, chunks = (1 << depth) - 1, {}
    samples = (expected * largest // 255)[:, :, None]
    if colour == PALETTE:
        # backwards, so that an index taken for a level is noticed
        samples = levels - 1 - index[:, :, None]
        greys = [255 - 255 * i // (levels - 1) for i in range(levels)]
        chunks["PLTE"] = bytes(np.repeat(greys, 3).tolist())
    if colour in (RGB, RGBA):
        samples = np.repeat(samples, 3, axis=2)
    if colour in (GREY_ALPHA, RGBA):
        samples = np.dstack([samples, np.full_like(samples[:, :, :1], largest)])
    found, done = read(tmp_path, png(samples, colour, depth, interlaced, **chunks))
    assert np.array_equal(found, expected.reshape(1, 784)) and done == []


@pytest.mark.parametrize("colour, depth", [
    (GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (GREY, 16), (RGB, 8), (RGB, 16), (PALETTE, 1),
    (PALETTE, 4), (PALETTE, 8), (GREY_ALPHA, 8), (GREY_ALPHA, 16), (RGBA, 8), (RGBA, 16),
])
@pytest.mark.parametrize("ink", ["black", "white"])
def test_ink_on_a_transparent_ground_stays_ink(tmp_path, digit, colour, depth, ink):
    """The same digit, cut out of black or of white paper, in every way that a PNG has for it."""
    on = digit >= 128
    largest = (1 << depth) - 1
    level = 0 if ink == "black" else largest
    samples, chunks = np.where(on, level, largest - level)[:, :, None], {}
    if colour == PALETTE:
        samples = on[:, :, None].astype(int)
        chunks = {"PLTE": bytes([9, 9, 9] + [0 if ink == "black" else 255] * 3), "tRNS": b"\0"}
    elif colour == GREY:
        chunks["tRNS"] = struct.pack(">H", largest - level)
    elif colour == RGB:
        samples = np.repeat(samples, 3, axis=2)
        chunks["tRNS"] = struct.pack(">HHH", *[largest - level] * 3)
    else:
        # what is transparent has the colour of the ink
        samples = np.full((28, 28, 1 if colour == GREY_ALPHA else 3), level)
        samples = np.dstack([samples, on * largest])
    found, done = read(tmp_path, png(samples, colour, depth, **chunks), net(ground="dark"))
    assert np.array_equal(found.reshape(28, 28), on * 255)
    if ink == "white":
        assert done == [BLACK]
    else:
        assert done == [
            WHITE, "dark on light made light on dark, the ground that the network knows",
        ]


def test_a_palette_may_be_partly_transparent(tmp_path, digit):
    index = digit[:, :, None].astype(int) // 85
    content = png(index, PALETTE, 2, PLTE=bytes(12), tRNS=bytes([0, 85, 170]))
    found, done = read(tmp_path, content)
    assert np.array_equal(found, digit.reshape(1, 784)) and done[0] == WHITE


def rgba(grey, opaque):
    return png(np.dstack([grey, grey, grey, opaque]).astype(int), RGBA, 8)


def test_yellow_ink_stays_ink(tmp_path, digit):
    colour = np.full((28, 28, 3), (255, 255, 0))
    found, done = read(tmp_path, png(np.dstack([colour, digit]).astype(int), RGBA, 8))
    assert done == [BLACK, "colours made grey"]
    assert np.abs(found.reshape(28, 28) - digit * 0.886).max() <= 0.5 + 1e-6


def test_a_card_with_round_corners_stays_white(tmp_path, digit):
    y, x = np.indices((28, 28)) - 13.5
    corners = np.hypot(y, x) < 18
    found, done = read(tmp_path, rgba(255 - digit, 255 * corners))
    assert done[0] == WHITE and np.array_equal(found.reshape(28, 28), np.where(corners, digit, 0))


def test_a_stencil_shows_its_digit(tmp_path, digit):
    for paper, ground in ((255, BLACK), (0, WHITE)):
        found, done = read(tmp_path, rgba(np.full((28, 28), paper), 255 - digit))
        assert done[0] == ground and np.array_equal(found.reshape(28, 28), digit)


@pytest.mark.parametrize("content", [
    rgba(np.zeros((28, 28)), np.zeros((28, 28))),
    rgba(np.full((28, 28), 255), np.zeros((28, 28))),
    png(np.full((28, 28, 1), 255), GREY, 8),
    png(np.full((28, 28, 1), 255) - np.eye(28, dtype=int)[:, :, None] * 7, GREY, 8),
])
def test_an_image_without_ink_is_blank(tmp_path, content):
    found, _ = read(tmp_path, content)
    assert images.is_blank(found)


def test_what_a_model_sees_may_be_blank_too(tmp_path, digit):
    faint = digit // 3
    assert not images.is_blank(faint) and not images.is_blank(faint, net())
    assert images.is_blank(faint, net(binarize=127))
    assert not images.is_blank(digit, net(binarize=127))


# whence


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_pipe_is_read(tmp_path, digit):
    os.mkfifo(tmp_path / "pipe")
    content = png(digit[:, :, None].astype(int), GREY, 8)
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content])
    writer.start()
    found, _ = images.read(tmp_path / "pipe", net())
    writer.join()
    assert np.array_equal(found, digit.reshape(1, 784))


def test_idx_files_are_read_compressed_or_not(tmp_path):
    drawn = strokes.draw(np.arange(10), np.random.default_rng(1))
    content = struct.pack(">IIII", 2051, 10, 28, 28) + drawn.tobytes()
    (tmp_path / "images").write_bytes(content)
    (tmp_path / "images.gz").write_bytes(gzip.compress(content))
    for name in ("images", "images.gz"):
        found, done = images.read(tmp_path / name, net(), 4)
        assert np.array_equal(found, drawn[:4].reshape(4, 784))
        assert done == ["the first 4 of 10 images (--first)"]


# what is done to images


def test_what_is_done_to_an_image_is_said(tmp_path, digit):
    # dark on light, twice as large
    large = np.kron(255 - digit.astype(int), np.ones((2, 2), int))[:, :, None]
    found, done = read(tmp_path, png(large, GREY, 8))
    assert done == [
        "56 x 56 pixels made 28 x 28",
        "dark on light made light on dark, a guess, for the model does not say its ground "
        "(--invert no leaves it)",
    ]
    assert np.array_equal(found, digit.reshape(1, 784))
    coloured = np.repeat(digit[:, :, None], 3, axis=2).astype(int)
    coloured[:, :, 0] //= 2
    found, done = read(tmp_path, png(coloured, RGB, 8))
    assert done == ["colours made grey"]
    expected = coloured @ np.array([0.299, 0.587, 0.114])
    assert np.abs(found.reshape(28, 28) - expected).max() <= 0.5 + 1e-6
    found, done = read(tmp_path, png(coloured, RGB, 8), net((28, 28, 3)))
    assert np.array_equal(found[0], coloured) and done == []
    found, done = read(tmp_path, png(large, GREY, 8), net((28, 28, 3), "light"))
    assert np.array_equal(found[0], np.repeat(255 - digit[:, :, None], 3, axis=2))
    assert done == ["56 x 56 pixels made 28 x 28", "grey made three equal colours"]


@pytest.mark.parametrize("ground, light, invert, change, word", [
    # ground of the network, whether the image's is light, --invert, whether it inverts, a word
    ("dark", True, "auto", True, "dark on light made light on dark, the ground"),
    ("dark", False, "auto", False, None),
    ("light", True, "auto", False, None),
    ("light", False, "auto", True, "light on dark made dark on light, the ground"),
    (None, True, "auto", True, "dark on light made light on dark, a guess"),
    (None, False, "auto", False, None),
    ("dark", True, "no", False, "dark on light, and left so (--invert no)"),
    ("light", False, "no", False, "light on dark, and left so (--invert no)"),
    ("light", True, "no", False, None),
    ("light", True, "yes", True, "inverted (--invert yes)"),
    (None, False, "yes", True, "inverted (--invert yes)"),
])
def test_images_are_inverted_to_match_the_model(
    tmp_path, digit, ground, light, invert, change, word
):
    image = 255 - digit if light else digit
    content = png(image[:, :, None].astype(int), GREY, 8)
    found, done = read(tmp_path, content, net(ground=ground), invert=invert)
    assert np.array_equal(found.reshape(28, 28), 255 - image if change else image)
    assert len(done) == (word is not None)
    assert word is None or done[0].startswith(word)


def test_colours_are_inverted_only_when_asked(tmp_path, digit):
    image = np.stack([255 - digit, 255 - digit, 255 - digit // 2], axis=2).astype(int)
    for ground, invert, change, word in (
        ("dark", "auto", False, "for the colours' sake"), ("light", "auto", False, None),
        (None, "auto", False, None), ("dark", "yes", True, "inverted"),
    ):
        found, done = read(tmp_path, png(image, RGB, 8), net((28, 28, 3), ground), invert=invert)
        assert np.array_equal(found[0], 255 - image if change else image)
        assert word in done[0] if word else done == []


def test_of_several_images_those_are_inverted_that_need_it(tmp_path, digit):
    three = np.stack([digit, 255 - digit, digit])
    path = tmp_path / "three"
    path.write_bytes(struct.pack(">IIII", 2051, 3, 28, 28) + three.tobytes())
    found, done = images.read(path, net(ground="dark"))
    assert np.array_equal(found, np.stack([digit] * 3).reshape(3, 784))
    assert done[0].startswith("1 of 3 images: dark on light made light on dark")


# sizes


def test_overlap_keeps_the_mean():
    for old, new in ((28, 28), (56, 28), (30, 28), (10, 28)):
        parts = images.overlap(old, new)
        assert parts.shape == (new, old) and np.allclose(parts.sum(axis=1), 1)
        assert np.allclose(parts.sum(axis=0), new / old)


def test_a_photo_shrinks_axis_by_axis(rng):
    photo = rng.integers(0, 256, (600, 590)).astype(np.uint8)
    expected = np.einsum(
        "ih,hw,jw->ij", images.overlap(600, 28), photo, images.overlap(590, 28), optimize=True
    )
    # sums of 12,000 products of float64, in another order
    assert np.allclose(images.resized(photo, 28, 28), expected, rtol=1e-12)
    squares = np.arange(16).reshape(4, 4)
    assert np.array_equal(images.resized(np.kron(squares, np.ones((512, 512))), 4, 4), squares)
    assert np.array_equal(images.resized(squares, 8, 8), np.kron(squares, np.ones((2, 2))))


def test_a_photo_of_four_million_pixels_takes_no_time(tmp_path, digit):
    large = np.kron(digit, np.ones((72, 72), np.uint8))
    content = png(large[:, :, None], GREY, 8)
    start = time.perf_counter()
    found, done = read(tmp_path, content)
    assert time.perf_counter() - start < 1                     # 0.05 s, where nothing else runs
    assert np.array_equal(found, digit.reshape(1, 784)) and "2016 x 2016 pixels" in done[0]


def header_of(h, w, depth=8, colour=RGB):
    """A PNG of h x w pixels, all of which are missing."""
    return b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, 0)
    ) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("content, message", [
    (header_of(14200, 14200), "14200 x 14200 pixels; at most 33554432 in all are allowed"),
    (header_of(5793, 5793, 1, GREY), "at most 33554432"),
    (header_of(2**31 - 1, 2**31 - 1), "at most 33554432"),
    (header_of(1, 1 << 25, 1, GREY), "change the proportions"),
    (struct.pack(">IIII", 2051, 1, 6000, 6000) + bytes(36000000), "at most 33554432"),
])
def test_a_hostile_image_is_refused_before_memory_is_taken(tmp_path, content, message):
    (tmp_path / "a.png").write_bytes(content)
    size = len(content)
    del content
    tracemalloc.start()
    try:
        with pytest.raises(images.ImageError, match=f"a.png: .*{message}"):
            images.read(tmp_path / "a.png", net())
        # the file's bytes, twice while they are joined; and no pixel
        assert tracemalloc.get_traced_memory()[1] < 2 * size + (4 << 20)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_without_an_end_is_refused(tmp_path, monkeypatch, zipped):
    monkeypatch.setattr(download, "LARGEST", 3 << 20)
    content = b"\0\0\x08\x03" + bytes(100 << 20)
    (tmp_path / "bomb").write_bytes(gzip.compress(content, 1) if zipped else content)
    del content
    tracemalloc.start()
    try:
        with pytest.raises(images.ImageError, match="bomb: more than 3145728 bytes"):
            images.read(tmp_path / "bomb", net())
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


def test_want_of_memory_is_said(tmp_path, digit, monkeypatch):
    def none_left(*args):
        raise MemoryError

    monkeypatch.setattr(images, "planes_of", none_left)
    with pytest.raises(images.ImageError, match="a.png: it needs more memory than there is"):
        read(tmp_path, png(digit[:, :, None].astype(int), GREY, 8))


def test_a_damaged_png_is_an_error_with_a_name(tmp_path, digit):
    """Every byte in turn is altered: the image is read, or refused by name."""
    content = png(digit[:, :, None].astype(int) // 85, PALETTE, 2, PLTE=bytes(12), tRNS=b"\0\1")
    for at in range(8, len(content)):
        for value in (0, 255, content[at] ^ 1):
            damaged = content[:at] + bytes([value]) + content[at + 1 :]
            try:
                read(tmp_path, damaged)
            except images.ImageError as error:
                assert "a.png: " in str(error)
    # what is behind the last pixel, 20 bytes of checksums and an end, may be missing
    for size in range(8, len(content) - 20):
        with pytest.raises(images.ImageError, match="a.png: cannot be read as PNG: [^<]*$"):
            read(tmp_path, content[:size])


@pytest.mark.parametrize("shape, message", [
    ((28, 28, 2), "takes 2 channels; images have 1 or 3"),
    ((783,), "takes 783 numbers, which are no square image"),
])
def test_a_model_that_takes_no_images_is_said(shape, message):
    with pytest.raises(images.ImageError, match=message):
        images.image_shape(net(shape))
