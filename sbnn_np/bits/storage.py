"""Model files: a frozen network in as few bytes as its entropy allows, and safe to read.

A ``.sbnn`` file, little endian throughout:

    magic       4 bytes   "SBNN"
    version     uint16    1 or 2
    header      uint32 n, then n bytes of JSON in UTF-8, an object of
                    shape      of an input, [D] or [H, W, C]
                    binarize   null: inputs are pixels from 0 to 255; or a number b from 0 to 254:
                               inputs are bits, [pixel > b]
                    ground     version 2 alone: "dark", "light" or null, see `frozen.Frozen`
                    classes    their names, a list of strings
                    blocks     a list of objects of
                        weights    "0/1", "+-1" or "float"
                        neurons    M
                        kernel     null in a dense block, else [KH, KW]
                        stride, padding, pool: 1, 0 and 1 in a dense block
                        centre     c, from 0 to 64; 0 unless weights are "0/1"
    sections    uint32 n, then n bytes, for each block in turn
                    weights    (D, M): bits neuron by neuron, so the D of the first neuron come
                               first, coded together as `rans` says; floats input by input, so the
                               M of the first input come first, as float32
                    flips      hidden blocks of bits: M bits
                    thresholds the same blocks: int32, the smallest; uint8, a number b of bits; then
                               M numbers of b bits, each with its highest bit first: what each
                               threshold is above the smallest
                    scores     float blocks and the last: factor (M,) float32, offset (M,) float32
    checksum    uint32    CRC-32 (of zlib) of all that stands before

Bits are eight to a byte, the first in the lowest place, and the rest of the last byte is 0. A
writer takes version 1 where ground is null: so files are as they were before there was a version 2.

What comes in. A dense block takes all D numbers of what comes in as one row. A convolution takes
(H, W, C), and D = KH KW C inputs for each neuron and place. Its windows begin at -padding and lie
stride apart, OH = floor((H + 2 padding - KH) / stride) + 1 of them one below the other, and OW
likewise side by side. Pooling by s makes of (OH, OW, M) floor(OH / s) x floor(OW / s) squares;
rows and columns that are left over are dropped. In a window, in a row, and where a dense block
follows a convolution, the order is rows, then columns, then channels: the channel changes first.
What padding adds is 0, but -1 where activations are -1 and +1.

What is computed. Bits of weight w are 0 and 1, or -1 and +1 where weights are "+-1". With x for the
inputs of a neuron, z = sum(w x), and Z = z, or Z = 64 z - c sum(x) if c is not 0. So the thresholds
and sums of a centred block are in 64ths. In a hidden block of bits

    bit = [the largest Z of the square >= threshold] xor flip,

and in a float block bit = [factor * z + offset > 0], for the largest z of the square; z is in
float32 there, and the order of its additions is not laid down. A bit goes on as 0 or 1; if the last
block's weights are "+-1", as -1 or +1. The last block is dense. Its scores are, in float32,
factor * z + offset, where z is Z, or Z / 64 if c is not 0; the product is rounded, then the sum.

Limits: a network has at most 2^24 weights, a block at most 2^24 activations and 2^18 neurons. A
header has at most 2^16 bytes, a file at most 2^27. Float weights are for the first of several
blocks alone; all others have those of the last. Sums Z are below 2^24 in size, thresholds are sums
that the neuron can have, and scores are finite. A reader believes nothing: no array is made before
its size is known to be within the limits and to fit the bytes that are there. Damage is found by
the checksum; a file made to pass it still loads only as a network that every engine can run.
"""

import json
import math
import operator
import struct
import zlib

import numpy as np

from sbnn_np.bits import frozen, rans
from sbnn_np.support import atomic

MAGIC, VERSIONS = b"SBNN", (1, 2)
MOST = 1 << 24     # weights of a network, and activations of a block
NEURONS = 1 << 18  # of a block
HEADER = 1 << 16   # bytes of a header
LARGEST = 1 << 27  # bytes of a file
PIECE = 1 << 20    # bytes that are read in one go
WIDEST = 26        # bits of a threshold; sums are below 2^24 in size
KEYS = {"weights", "neurons", "kernel", "stride", "padding", "pool", "centre"}


class ModelFileError(ValueError):
    """A model file is damaged, or is no model file."""


def save(model, path):
    """Write a frozen network to a file, all or nothing.

    Parameters
    ----------
    model : frozen.Frozen
    path : str or Path

    Returns
    -------
    size : int
        Bytes of the file.

    Raises
    ------
    ValueError
        If the network is larger than a file may tell of, or cannot be run; see `frozen.check`.
    """
    content = dumps(model)
    loads(content)                                            # what cannot be read is not written
    atomic.write(path, content)
    return len(content)


def load(path):
    """Read a frozen network from a file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    model : frozen.Frozen

    Raises
    ------
    ModelFileError
        If the file is damaged or is no model; the message names it and what is wrong.
    OSError
        If it cannot be read.
    """
    content = bytearray()
    with open(path, "rb") as file:
        # in pieces: to ask for all that is allowed would take so much memory
        while len(content) <= LARGEST and (piece := file.read(PIECE)):
            content += piece
    try:
        return loads(content)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None


def dumps(model):
    """The bytes of a model file.

    Examples
    --------
    >>> model = loads(dumps(EXAMPLE))
    >>> model.blocks[0].w.shape, dumps(model) == dumps(EXAMPLE)
    ((4, 2), True)
    """
    frozen.check(model)
    return b"".join(content for _, _, content in parts(model))


def parts(model):
    """The parts of a file in order: (block number or None, name, bytes), a list."""
    header = {
        "shape": list(model.shape),
        "binarize": model.binarize,
        **({} if model.ground is None else {"ground": model.ground}),
        "classes": list(model.classes),
        "blocks": [
            {
                "weights": block.weights,
                "neurons": block.w.shape[1],
                "kernel": block.kernel and list(block.kernel),
                "stride": block.stride,
                "padding": block.padding,
                "pool": block.pool,
                "centre": block.centre,
            }
            for block in model.blocks
        ],
    }
    version = 1 if model.ground is None else 2
    text = json.dumps(
        header, separators=(",", ":"), ensure_ascii=False, default=operator.index
    ).encode()
    if len(text) > HEADER:
        raise ValueError(f"the header has {len(text)} bytes; at most {HEADER} are allowed")
    found = [(None, "magic and version", MAGIC + struct.pack("<H", version))]
    found.append((None, "header", sized(text)))
    for i, block in enumerate(model.blocks):
        if block.weights == "float":
            found.append((i, "weights", sized(block.w.astype("<f4").tobytes())))
        else:
            found.append((i, "weights", sized(rans.encode(block.w.T.reshape(-1)))))
        if block.threshold is not None:
            found.append((i, "flips", sized(np.packbits(block.flip, bitorder="little").tobytes())))
            found.append((i, "thresholds", sized(coded_thresholds(block.threshold))))
        if block.factor is not None:
            scores = np.concatenate([block.factor, block.offset])
            found.append((i, "scores", sized(scores.astype("<f4").tobytes())))
    checksum = zlib.crc32(b"".join(content for _, _, content in found))
    return [*found, (None, "checksum", struct.pack("<I", checksum))]


def sized(content):
    """Bytes behind their number."""
    return struct.pack("<I", len(content)) + content


def coded_thresholds(threshold):
    """Integers, (M,), as the smallest and what each is above it, in as few bits as will do."""
    smallest = int(threshold.min())
    above = threshold.astype(np.int64) - smallest
    width = int(above.max()).bit_length()
    places = np.arange(width - 1, -1, -1)
    bits = (above[:, None] >> places & 1).astype(np.uint8)
    return struct.pack("<iB", smallest, width) + np.packbits(bits, bitorder="little").tobytes()


class Reader:
    """Takes bytes from the front; says what is missing when there are too few."""

    def __init__(self, content):
        self.content, self.at = content, 0

    def take(self, n, name):
        if n > len(self.content) - self.at:
            raise ModelFileError(
                f"{name}: {n} bytes are told of, {len(self.content) - self.at} are there"
            )
        self.at += n
        return self.content[self.at - n : self.at]

    def sized(self, name):
        return self.take(struct.unpack("<I", self.take(4, name))[0], name)


def loads(content):
    """Read a frozen network from the bytes of a model file; see `load`."""
    if content[:4] != MAGIC:
        raise ModelFileError("magic: this is no .sbnn file")
    if len(content) > LARGEST:
        raise ModelFileError(f"magic: the file has more than {LARGEST} bytes")
    content = memoryview(content)                             # slices are no copies
    if len(content) < 10 or zlib.crc32(content[:-4]) != struct.unpack("<I", content[-4:])[0]:
        raise ModelFileError("checksum: the file is damaged or cut off")
    reader = Reader(content[4:-4])
    (version,) = struct.unpack("<H", reader.take(2, "version"))
    if version not in VERSIONS:
        raise ModelFileError(f"version: it is {version}; this reads 1 and 2")
    text = reader.sized("header")
    if len(text) > HEADER:
        raise ModelFileError(f"header: it has {len(text)} bytes; at most {HEADER} are allowed")
    try:
        header = json.loads(bytes(text))
    except (ValueError, RecursionError):
        raise ModelFileError("header: this is no JSON") from None
    model = read_header(header, version)
    try:
        for i, block in enumerate(model.blocks):
            read_sections(reader, block, i, i == len(model.blocks) - 1)
        if reader.at != len(reader.content):
            raise ModelFileError("checksum: there are bytes between the sections and it")
        frozen.check(model)
    except ModelFileError:
        raise
    except ValueError as error:
        raise ModelFileError(str(error)) from None
    return model


def read_header(header, version):
    """A model whose blocks have shapes, and weights yet to be read."""
    wanted = {"shape", "binarize", "classes", "blocks"} | ({"ground"} if version > 1 else set())
    if not isinstance(header, dict) or header.keys() != wanted:
        raise ModelFileError(f"header: it must have {', '.join(sorted(wanted))}")
    shape = whole_numbers(header["shape"], "shape", 1, MOST)
    if len(shape) not in (1, 3) or math.prod(shape) > MOST:
        raise ModelFileError(f"shape: {shape} is neither (D,) nor (H, W, C) of up to {MOST}")
    binarize = header["binarize"]
    if binarize is not None:
        (binarize,) = whole_numbers([binarize], "binarize", 0, 254)
    ground = header.get("ground")
    if ground not in frozen.GROUNDS:
        raise ModelFileError(f"ground: it is {ground!r}, not dark, light or null")
    classes = header["classes"]
    if not isinstance(classes, list) or not all(
        isinstance(name, str) and name.isprintable() for name in classes
    ):
        raise ModelFileError("classes: they must be a list of names that can be printed")
    if not isinstance(header["blocks"], list) or not header["blocks"]:
        raise ModelFileError("blocks: there must be at least one")
    model = frozen.Frozen([], shape, tuple(classes), binarize, ground)
    weights = 0
    for i, told in enumerate(header["blocks"]):
        block = read_block(told, shape, f"block {i}")
        shape, weights = block.out_shape, weights + block.w.size
        if weights > MOST or math.prod(block.sums_shape) > MOST:
            raise ModelFileError(f"block {i}: more than {MOST} weights or activations")
        model.blocks.append(block)
    return model


def read_block(told, shape, name):
    """A block as the header tells of it; its w has a shape, but no memory yet."""
    if not isinstance(told, dict) or told.keys() != KEYS:
        raise ModelFileError(f"{name}: it must have {', '.join(sorted(KEYS))}")
    if told["weights"] not in ("0/1", "+-1", "float"):
        raise ModelFileError(f"{name}: weights are {told['weights']!r}, not 0/1, +-1 or float")
    (M,) = whole_numbers([told["neurons"]], f"{name}: neurons", 1, NEURONS)
    stride, pool = whole_numbers(
        [told["stride"], told["pool"]], f"{name}: stride, pool", 1, MOST
    )
    padding, centre = whole_numbers(
        [told["padding"], told["centre"]], f"{name}: padding, centre", 0, MOST
    )
    if centre > (frozen.UNIT if told["weights"] == "0/1" else 0):
        raise ModelFileError(f"{name}: centre is {centre}")
    kernel = told["kernel"]
    if kernel is None:
        shape, D = (math.prod(shape),), math.prod(shape)
    else:
        kernel = whole_numbers(kernel, f"{name}: kernel", 1, MOST)
        if len(kernel) != 2 or len(shape) != 3 or padding >= min(kernel):
            raise ModelFileError(f"{name}: kernel {kernel}, padding {padding} on {shape}")
        D = kernel[0] * kernel[1] * shape[2]
    if D * M > MOST:
        raise ModelFileError(f"{name}: it has {D * M} weights; at most {MOST} are allowed")
    w = np.broadcast_to(np.zeros((), bool), (D, M))
    block = frozen.Block(told["weights"], w, shape, kernel, stride, padding, pool, centre)
    try:
        smallest = min(block.out_shape)
    except ValueError as error:
        raise ModelFileError(f"{name}: {error}") from None
    if smallest < 1:
        raise ModelFileError(f"{name}: pool is {pool}; sums have shape {block.sums_shape}")
    return block


def whole_numbers(values, name, low, high):
    """A tuple of the values, if they are a list of whole numbers from low to high."""
    if not isinstance(values, list) or not all(
        type(value) is int and low <= value <= high for value in values
    ):
        raise ModelFileError(f"{name}: {values!r} are not whole numbers from {low} to {high}")
    return tuple(values)


def read_sections(reader, block, i, last):
    """Read what belongs to a block."""
    D, M = block.w.shape
    name = f"block {i}: weights"
    content = reader.sized(name)
    if block.weights == "float":
        block.w = floats(content, D * M, name).reshape(D, M)
    else:
        try:
            bits = rans.decode(content, D * M)
        except ValueError as error:
            raise ModelFileError(f"{name}: {error}") from None
        block.w = np.ascontiguousarray(bits.reshape(M, D).T)
    if block.weights != "float" and not last:
        flips = reader.sized(f"block {i}: flips")
        block.flip = packed(flips, M, f"block {i}: flips").view(bool)
        block.threshold = read_thresholds(reader.sized(f"block {i}: thresholds"), M, i)
    else:
        both = floats(reader.sized(f"block {i}: scores"), 2 * M, f"block {i}: scores")
        block.factor, block.offset = both[:M], both[M:]


def read_thresholds(content, M, i):
    """The integers that `coded_thresholds` wrote, (M,) int32."""
    name = f"block {i}: thresholds"
    if len(content) < 5:
        raise ModelFileError(f"{name}: {len(content)} bytes are too few")
    smallest, width = struct.unpack_from("<iB", content)
    if width > WIDEST:
        raise ModelFileError(f"{name}: they have {width} bits; at most {WIDEST} are allowed")
    threshold = np.zeros(M, np.int64)
    for column in packed(content[5:], M * width, name).reshape(M, width).T:
        threshold = threshold << 1 | column
    threshold += smallest
    if threshold.max() >= 1 << 31:
        raise ModelFileError(f"{name}: {threshold.max()} is too large")
    return threshold.astype(np.int32)


def packed(content, n, name):
    """n bits from bytes, (n,) uint8."""
    if len(content) != -(-n // 8):
        raise ModelFileError(f"{name}: {len(content)} bytes are not {n} bits")
    bits = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
    if bits[n:].any():
        raise ModelFileError(f"{name}: bits behind the last one are not 0")
    return bits[:n]


def floats(content, n, name):
    """n float32 from bytes; finite ones."""
    if len(content) != 4 * n:
        raise ModelFileError(f"{name}: {len(content)} bytes are not {n} float32")
    values = np.frombuffer(content, "<f4").astype(np.float32)
    if not np.isfinite(values).all():
        raise ModelFileError(f"{name}: not all are finite")
    return values


EXAMPLE = frozen.Frozen(
    [frozen.Block(
        "0/1", np.eye(4, 2, dtype=bool), (4,),
        factor=np.ones(2, np.float32), offset=np.zeros(2, np.float32),
    )],
    (4,), ("first", "second"),
)
