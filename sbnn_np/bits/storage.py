"""Model files: a frozen network in nearly as few bytes as its entropy allows, and safe to read.

A ``.sbnn`` file, little endian throughout:

    magic       4 bytes   "SBNN"
    version     uint16    1 or 2
    header      uint32 n, then n bytes of JSON in UTF-8, an object of
                    shape      of one image, [D] or [H, W, C]
                    binarize   the scale of the inputs. null: pixels, whole numbers from 0 to 255.
                               A number b from 0 to 254: bits, [pixel > b] with the threshold b
                    ground     in version 2 alone: the background, "dark", "light" or null; see
                               `frozen.Frozen`
                    classes    the class names, a list of strings
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
                    thresholds the same blocks: int32, the smallest threshold; uint8, a number b;
                               then for each of M thresholds, in b bits with the highest bit first,
                               how far it is above the smallest
                    scores     float blocks and the last: factor (M,) float32, offset (M,) float32
    checksum    uint32    CRC-32 (of zlib) of all bytes before it

Bits are eight to a byte, the first in the lowest place, and the rest of the last byte is 0.

A writer uses version 1 if ground is null, and version 2 otherwise: so a network without a known
background has the same bytes as before version 2 existed, and published file sizes stay true.

The inputs of a block. A dense block takes all D numbers of its input as one row. A convolution
takes (H, W, C), and each neuron has D = KH KW C inputs at each place. Its windows begin at -padding
and lie stride apart: OH = floor((H + 2 padding - KH) / stride) + 1 of them one below the other, and
OW likewise side by side. Pooling by s divides (OH, OW, M) into floor(OH / s) x floor(OW / s)
squares, and drops the rows and columns that are left over. The order within a window, within a row,
and from a convolution to a dense block is rows, then columns, then channels: the channel changes
first. Padding adds 0, or -1 where activations are -1 and +1.

The sums of a block. A bit of weight w is 0 or 1; in a "+-1" block it is -1 or +1. With x for the
inputs of a neuron, z = sum(w x). If c is 0, Z = z; otherwise Z = 64 z - c sum(x), so the sums and
the thresholds of a centred block are in 64ths. A hidden block of bits computes

    bit = [the largest Z of the square >= threshold] xor flip,

and a float block bit = [factor * z + offset > 0] for the largest z of the square. This z is in
float32, and the order of its additions is not specified. A bit goes on as 0 or 1, or, if the last
block has "+-1" weights, as -1 or +1. The last block is dense. Its scores are, in float32,
factor * z + offset, where z is Z, or Z / 64 if c is not 0; the product is rounded, then the sum.

Limits: a network has at most 2^24 weights, a block at most 2^24 activations and 2^18 neurons, a
header at most 2^16 bytes, and a file at most 2^27. Only the first of several blocks may have float
weights; all others have the kind of weights that the last block has. Sums Z are below 2^24 in size.
A threshold is a sum that its neuron can have, and scores are finite. A reader trusts no number: it
makes an array only after it has compared the size with the limits and with the bytes that are
there. The checksum reveals damage. A file that was forged to pass it still loads only as a network
that every engine can run.
"""

import json
import operator
import struct
import zlib

import numpy as np

from sbnn_np.bits import frozen, rans
from sbnn_np.bits.reading import ModelFileError, Reader, model_of_header, read_block_sections
from sbnn_np.support import atomic

MAGIC, VERSIONS = b"SBNN", (1, 2)
MAX_HEADER_BYTES = 1 << 16
MAX_FILE_BYTES = 1 << 27
BYTES_AT_ONCE = 1 << 20       # `load` reads so many bytes at a time


def save(model, path):
    """Write a frozen network to a file. A failure leaves no part of a file.

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
        If the network exceeds the limits of a file, or cannot be run; see `frozen.check`.
    """
    content = dumps(model)
    loads(content)                            # a file that cannot be read is not written
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
        If the file is damaged or is no model file; the message names it and says what is wrong.
    OSError
        If it cannot be read.
    """
    content = bytearray()
    with open(path, "rb") as file:
        # in chunks, because one read of MAX_FILE_BYTES would take so much memory at once
        while len(content) <= MAX_FILE_BYTES and (chunk := file.read(BYTES_AT_ONCE)):
            content += chunk
    try:
        return loads(content)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None


def dumps(model):
    """Make the bytes of a model file.

    Parameters
    ----------
    model : frozen.Frozen

    Returns
    -------
    content : bytes

    Raises
    ------
    ValueError
        See `save`.

    Examples
    --------
    >>> model = loads(dumps(EXAMPLE))
    >>> model.blocks[0].w.shape, dumps(model) == dumps(EXAMPLE)
    ((4, 2), True)
    """
    frozen.check(model)
    return b"".join(content for _, _, content in sections(model))


def sections(model):
    """Cut the bytes of a model file into its sections.

    Parameters
    ----------
    model : frozen.Frozen

    Returns
    -------
    sections : list of (int or None, str, bytes)
        Block number (None outside of the blocks), name and bytes, in the order of the file. Joined,
        the bytes are the whole file.
    """
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
    if len(text) > MAX_HEADER_BYTES:
        raise ValueError(
            f"the header has {len(text)} bytes; at most {MAX_HEADER_BYTES} are allowed"
        )
    result = [(None, "magic and version", MAGIC + struct.pack("<H", version))]
    result.append((None, "header", length_prefixed(text)))
    for i, block in enumerate(model.blocks):
        if block.weights == "float":
            weights = block.w.astype("<f4").tobytes()
        else:
            weights = rans.encode(block.w.T.reshape(-1))
        result.append((i, "weights", length_prefixed(weights)))
        if block.threshold is not None:
            flips = np.packbits(block.flip, bitorder="little").tobytes()
            result.append((i, "flips", length_prefixed(flips)))
            thresholds = encode_thresholds(block.threshold)
            result.append((i, "thresholds", length_prefixed(thresholds)))
        if block.factor is not None:
            scores = np.concatenate([block.factor, block.offset]).astype("<f4").tobytes()
            result.append((i, "scores", length_prefixed(scores)))
    checksum = zlib.crc32(b"".join(content for _, _, content in result))
    return [*result, (None, "checksum", struct.pack("<I", checksum))]


def length_prefixed(content):
    """The number of some bytes, as uint32, and then the bytes."""
    return struct.pack("<I", len(content)) + content


def encode_thresholds(threshold):
    """Write thresholds, (M,) int32, as the smallest and their distances from it, in few bits.

    Examples
    --------
    >>> encode_thresholds(np.array([7, 10, 8])).hex(" ")      # 7; two bits each; 00 11 01
    '07 00 00 00 02 2c'
    """
    smallest = int(threshold.min())
    distance = threshold.astype(np.int64) - smallest
    width = int(distance.max()).bit_length()
    places = np.arange(width - 1, -1, -1)
    bits = (distance[:, None] >> places & 1).astype(np.uint8)
    return struct.pack("<iB", smallest, width) + np.packbits(bits, bitorder="little").tobytes()


def loads(content):
    """Read a frozen network from the bytes of a model file.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    model : frozen.Frozen

    Raises
    ------
    ModelFileError
        See `load`.
    """
    if content[:4] != MAGIC:
        raise ModelFileError("magic: this is no .sbnn file")
    if len(content) > MAX_FILE_BYTES:
        raise ModelFileError(f"magic: the file has more than {MAX_FILE_BYTES} bytes")
    content = memoryview(content)             # its slices are no copies
    if len(content) < 10 or zlib.crc32(content[:-4]) != struct.unpack("<I", content[-4:])[0]:
        raise ModelFileError("checksum: the file is damaged or cut off")
    reader = Reader(content[4:-4])
    (version,) = struct.unpack("<H", reader.read(2, "version"))
    if version not in VERSIONS:
        raise ModelFileError(f"version: it is {version}; this reads 1 and 2")
    text = reader.read_section("header")
    if len(text) > MAX_HEADER_BYTES:
        raise ModelFileError(
            f"header: it has {len(text)} bytes; at most {MAX_HEADER_BYTES} are allowed"
        )
    try:
        header = json.loads(bytes(text))
    except (ValueError, RecursionError):
        raise ModelFileError("header: this is no JSON") from None
    model = model_of_header(header, version)
    try:
        for i, block in enumerate(model.blocks):
            read_block_sections(reader, block, i, i == len(model.blocks) - 1)
        if reader.position != len(reader.content):
            raise ModelFileError("checksum: there are bytes between the sections and it")
        frozen.check(model)
    except ModelFileError:
        raise
    except ValueError as error:
        raise ModelFileError(str(error)) from None
    return model


EXAMPLE = frozen.Frozen(
    [frozen.Block(
        "0/1", np.eye(4, 2, dtype=bool), (4,),
        factor=np.ones(2, np.float32), offset=np.zeros(2, np.float32),
    )],
    (4,), ("first", "second"),
)
