"""Reading the header and the sections of a model file; `storage` describes the format.

A file may be damaged, or made to do harm. So each number is compared with its limits before it is
used, and a length with the bytes that are there before an array is made.
"""

import math
import struct

import numpy as np

from sbnn_np.bits import frozen, rans

MAX_WEIGHTS = 1 << 24         # of a network; also the most activations of a block
MAX_NEURONS = 1 << 18         # of a block
MAX_THRESHOLD_BITS = 26       # sums are below 2^24 in size
BLOCK_KEYS = {"weights", "neurons", "kernel", "stride", "padding", "pool", "centre"}


class ModelFileError(ValueError):
    """A model file is damaged, or is no model file."""


class Reader:
    """Reads bytes from the front, and raises an error if too few are left.

    Parameters
    ----------
    content : memoryview

    Attributes
    ----------
    position : int
        How many bytes have been read.
    """

    def __init__(self, content):
        self.content, self.position = content, 0

    def read(self, n, name):
        """Read n bytes.

        Parameters
        ----------
        n : int
        name : str
            The name that an error message gives them.

        Returns
        -------
        content : memoryview

        Raises
        ------
        ModelFileError
            If fewer are left.
        """
        left = len(self.content) - self.position
        if n > left:
            raise ModelFileError(f"{name}: {n} bytes are announced, {left} are there")
        self.position += n
        return self.content[self.position - n : self.position]

    def read_section(self, name):
        """Read a uint32 n, and return the n bytes behind it; see `read`."""
        return self.read(struct.unpack("<I", self.read(4, name))[0], name)


def model_of_header(header, version):
    """Make a model from a header. Its blocks have shapes, but their weights are not read yet.

    Parameters
    ----------
    header : object of JSON
    version : int

    Returns
    -------
    model : frozen.Frozen

    Raises
    ------
    ModelFileError
        If an entry is missing, is not known, or lies outside its limits.
    """
    keys = {"shape", "binarize", "classes", "blocks"} | ({"ground"} if version > 1 else set())
    if not isinstance(header, dict) or header.keys() != keys:
        raise ModelFileError(f"header: it must have {', '.join(sorted(keys))}")
    shape = whole_numbers(header["shape"], "shape", 1, MAX_WEIGHTS)
    if len(shape) not in (1, 3) or math.prod(shape) > MAX_WEIGHTS:
        raise ModelFileError(f"shape: {shape} is neither (D,) nor (H, W, C) of up to {MAX_WEIGHTS}")
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
    for i, entries in enumerate(header["blocks"]):
        block = block_of_header(entries, shape, f"block {i}")
        shape, weights = block.out_shape, weights + block.w.size
        if weights > MAX_WEIGHTS or math.prod(block.sums_shape) > MAX_WEIGHTS:
            raise ModelFileError(f"block {i}: more than {MAX_WEIGHTS} weights or activations")
        model.blocks.append(block)
    return model


def block_of_header(entries, shape, name):
    """Make a block from its entries in the header. Its w has a shape, but no memory yet.

    Parameters
    ----------
    entries : object of JSON
    shape : (D,) or (H, W, C)
        Shape of one input of the block.
    name : str
        The name that an error message gives the block.

    Returns
    -------
    block : frozen.Block

    Raises
    ------
    ModelFileError
        See `model_of_header`.
    """
    if not isinstance(entries, dict) or entries.keys() != BLOCK_KEYS:
        raise ModelFileError(f"{name}: it must have {', '.join(sorted(BLOCK_KEYS))}")
    weights = entries["weights"]
    if weights not in ("0/1", "+-1", "float"):
        raise ModelFileError(f"{name}: weights are {weights!r}, not 0/1, +-1 or float")
    (M,) = whole_numbers([entries["neurons"]], f"{name}: neurons", 1, MAX_NEURONS)
    stride, pool = whole_numbers(
        [entries["stride"], entries["pool"]], f"{name}: stride, pool", 1, MAX_WEIGHTS
    )
    padding, centre = whole_numbers(
        [entries["padding"], entries["centre"]], f"{name}: padding, centre", 0, MAX_WEIGHTS
    )
    if centre > (frozen.UNIT if weights == "0/1" else 0):
        raise ModelFileError(f"{name}: centre is {centre}")
    kernel = entries["kernel"]
    if kernel is None:
        shape, D = (math.prod(shape),), math.prod(shape)
    else:
        kernel = whole_numbers(kernel, f"{name}: kernel", 1, MAX_WEIGHTS)
        if len(kernel) != 2 or len(shape) != 3 or padding >= min(kernel):
            raise ModelFileError(f"{name}: kernel {kernel}, padding {padding} on {shape}")
        D = kernel[0] * kernel[1] * shape[2]
    if D * M > MAX_WEIGHTS:
        raise ModelFileError(f"{name}: it has {D * M} weights; at most {MAX_WEIGHTS} are allowed")
    w = np.broadcast_to(np.zeros((), bool), (D, M))
    block = frozen.Block(weights, w, shape, kernel, stride, padding, pool, centre)
    try:
        smallest = min(block.out_shape)
    except ValueError as error:
        raise ModelFileError(f"{name}: {error}") from None
    if smallest < 1:
        raise ModelFileError(f"{name}: pool is {pool}; sums have shape {block.sums_shape}")
    return block


def whole_numbers(values, name, low, high):
    """Return values as a tuple, if they are a list of whole numbers from low to high.

    Parameters
    ----------
    values : object of JSON
    name : str
        The name that an error message gives them.
    low, high : int

    Returns
    -------
    numbers : tuple of int

    Raises
    ------
    ModelFileError
        If they are anything else.
    """
    if not isinstance(values, list) or not all(
        type(value) is int and low <= value <= high for value in values
    ):
        raise ModelFileError(f"{name}: {values!r} are not whole numbers from {low} to {high}")
    return tuple(values)


def read_block_sections(reader, block, i, last):
    """Read the sections of a block into it.

    Parameters
    ----------
    reader : Reader
    block : frozen.Block
        Its arrays are set.
    i : int
        Number of the block.
    last : bool
        Whether this is the last block.

    Raises
    ------
    ModelFileError
        If a section has another length, or holds other numbers, than the header implies.
    """
    D, M = block.w.shape
    name = f"block {i}: weights"
    content = reader.read_section(name)
    if block.weights == "float":
        block.w = unpack_floats(content, D * M, name).reshape(D, M)
    else:
        try:
            bits = rans.decode(content, D * M)
        except ValueError as error:
            raise ModelFileError(f"{name}: {error}") from None
        block.w = np.ascontiguousarray(bits.reshape(M, D).T)
    if block.weights != "float" and not last:
        name = f"block {i}: flips"
        block.flip = unpack_bits(reader.read_section(name), M, name).view(bool)
        name = f"block {i}: thresholds"
        block.threshold = decode_thresholds(reader.read_section(name), M, name)
    else:
        name = f"block {i}: scores"
        factor_and_offset = unpack_floats(reader.read_section(name), 2 * M, name)
        block.factor, block.offset = factor_and_offset[:M], factor_and_offset[M:]


def decode_thresholds(content, M, name):
    """Read the M thresholds, (M,) int32, that `storage.encode_thresholds` wrote.

    Parameters
    ----------
    content, M, name : see `unpack_bits`

    Raises
    ------
    ModelFileError
        If the bytes are too few or too many, or a threshold is too large.
    """
    if len(content) < 5:
        raise ModelFileError(f"{name}: {len(content)} bytes are too few")
    smallest, width = struct.unpack_from("<iB", content)
    if width > MAX_THRESHOLD_BITS:
        raise ModelFileError(
            f"{name}: they have {width} bits; at most {MAX_THRESHOLD_BITS} are allowed"
        )
    threshold = np.zeros(M, np.int64)
    for column in unpack_bits(content[5:], M * width, name).reshape(M, width).T:
        threshold = threshold << 1 | column
    threshold += smallest
    if threshold.max() >= 1 << 31:
        raise ModelFileError(f"{name}: {threshold.max()} is too large")
    return threshold.astype(np.int32)


def unpack_bits(content, n, name):
    """Turn bytes into n bits.

    Parameters
    ----------
    content : bytes
    n : int
    name : str
        The name that an error message gives them.

    Returns
    -------
    bits : (n,) uint8

    Raises
    ------
    ModelFileError
        If the bytes are too few or too many, or the bits behind the last one are not 0.
    """
    if len(content) != -(-n // 8):
        raise ModelFileError(f"{name}: {len(content)} bytes are not {n} bits")
    bits = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
    if bits[n:].any():
        raise ModelFileError(f"{name}: bits behind the last one are not 0")
    return bits[:n]


def unpack_floats(content, n, name):
    """Turn bytes into n finite numbers, (n,) float32.

    Parameters
    ----------
    content, n, name : see `unpack_bits`

    Raises
    ------
    ModelFileError
        If the bytes are too few or too many, or a number is not finite.
    """
    if len(content) != 4 * n:
        raise ModelFileError(f"{name}: {len(content)} bytes are not {n} float32")
    values = np.frombuffer(content, "<f4").astype(np.float32)
    if not np.isfinite(values).all():
        raise ModelFileError(f"{name}: not all are finite")
    return values
