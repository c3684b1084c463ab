"""Commands for model files.

    python -m sbnn_np show model.sbnn              what is in it, layer by layer, byte by byte
    python -m sbnn_np predict model.sbnn image...  what it takes images for
"""

import argparse
import gzip
import os
import sys
import zlib
from pathlib import Path

import numpy as np

from sbnn_np.bits import freeze, storage, summary
from sbnn_np.datasets import data
from sbnn_np.engines import packed


class ImageError(ValueError):
    """An image that the network cannot be asked about."""


def show(args):
    """Print the summary of a model file and where its bytes go."""
    model = storage.load(args.model)
    parts = storage.parts(model)
    sizes = [sum(len(c) for i, _, c in parts if i == n) for n in range(len(model.blocks))]
    takes = " x ".join(map(str, model.shape))
    if model.binarize is None:
        print(f"{args.model}: takes {takes} pixels from 0 to 255")
    else:
        print(f"{args.model}: takes {takes} pixels, each as the bit [pixel > {model.binarize}]")
    print(f"classes: {', '.join(model.classes)}\n")
    summary.summary(freeze.thaw(model), sizes)
    print()
    total = sum(len(content) for _, _, content in parts)
    for i, name, content in parts:
        where = "" if i is None else f"layer {i}: "
        print(f"{where + name:<26}{len(content):>10,} bytes  {100 * len(content) / total:5.1f}%")
    floats = 4 * sum(block.w.size + block.w.shape[1] for block in model.blocks)
    print(f"{'the whole file':<26}{total:>10,} bytes")
    print(f"{'as float32':<26}{floats:>10,} bytes, {floats / total:.1f} times as many")


def predict(args):
    """Print the class of each image, and the scores."""
    model = storage.load(args.model)
    engine = packed.Packed(model)
    for path in args.image:
        images, done = read_images(path, model, args.first)
        if done:
            print(f"{path}: {'; '.join(done)}")
        for n, scores in enumerate(engine.forward(images)):
            best = np.argsort(-scores, kind="stable")
            name = path if len(images) == 1 else f"{path}[{n}]"
            told = "  ".join(f"{model.classes[m]} {scores[m]:.2f}" for m in best)
            print(f"{name}: {model.classes[best[0]]}   scores {told}")


def read_images(path, model, first):
    """Images of a PNG or idx file as the network takes them.

    Returns
    -------
    images : (N, ...) uint8
    done : list of str
        What was done to them.

    Raises
    ------
    ImageError
        If the file is neither, or of a shape that cannot be made to fit.
    """
    H, W, C = image_shape(model)
    content = Path(path).read_bytes()
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        image, done = read_png(path)
        images = image[None]
    elif content[:2] in (b"\x1f\x8b", b"\0\0"):
        images, done = read_idx(content, path), []
        if len(images) > first:
            done.append(f"the first {first} of {len(images)} images (--first)")
        images = images[:first].astype(float)
    else:
        raise ImageError(f"{path}: neither a PNG nor an idx file")
    if images.shape[3] == 3 and C == 1:
        # luma of ITU-R BT.601
        images = images @ np.array([[0.299], [0.587], [0.114]])
        done.append("colours made grey")
    if images.shape[3] == 1 and C == 3:
        images = np.repeat(images, 3, axis=3)
        done.append("grey made three equal colours")
    if images.shape[1:3] != (H, W):
        h, w = images.shape[1:3]
        if abs(h * W - w * H) > 0.1 * h * W:
            raise ImageError(
                f"{path}: {h} x {w} pixels; the network takes {H} x {W}, and to make one of the "
                "other would change the proportions: crop it first"
            )
        rows, columns = overlap(h, H), overlap(w, W)
        images = np.einsum("ih,nhwc,jw->nijc", rows, images, columns)
        done.append(f"{h} x {w} pixels made {H} x {W}")
    rows, columns = images[:, [0, -1]], images[:, :, [0, -1]]
    light = np.concatenate([x.reshape(len(x), -1) for x in (rows, columns)], axis=1).mean(axis=1)
    if C == 1 and (light > 127.5).any():
        images[light > 127.5] = 255 - images[light > 127.5]
        done.append("dark on light made light on dark")
    return np.rint(images).astype(np.uint8).reshape(-1, *model.shape), done


def read_idx(content, path):
    """Images of an idx file, compressed or not: (N, H, W, 1) uint8."""
    try:
        content = gzip.decompress(content) if content[:1] == b"\x1f" else content
    except (OSError, EOFError, zlib.error) as error:
        raise ImageError(f"{path}: cannot be decompressed: {error}") from None
    images = data.read_idx(content, path)
    if images.ndim != 4:
        raise ImageError(f"{path}: an idx file of labels, not of images")
    if not images.size:
        raise ImageError(f"{path}: an idx file without any pixel")
    return images


def image_shape(model):
    """Height, width and channels of what a model takes; a row of numbers is a square image."""
    if len(model.shape) == 3 and model.shape[2] in (1, 3):
        return model.shape
    if len(model.shape) == 3:
        raise ImageError(f"the network takes {model.shape[2]} channels; images have 1 or 3")
    side = round(model.shape[0] ** 0.5)
    if side * side != model.shape[0]:
        raise ImageError(f"the network takes {model.shape[0]} numbers, which are no square image")
    return side, side, 1


def read_png(path):
    """A PNG as (H, W, 1 or 3) floats from 0 to 255, and what was done to it."""
    # an unknown backend in the environment, such as Jupyter's, would end the import
    os.environ["MPLBACKEND"] = "agg"
    from matplotlib import image

    try:
        pixels = image.imread(path)
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(f"{path}: cannot be read as PNG: {error}") from None
    pixels = pixels * 255.0 if pixels.dtype.kind == "f" else pixels.astype(float)
    done = []
    if pixels.ndim == 2:
        return pixels[:, :, None], done
    if pixels.shape[2] == 4:
        opaque = pixels[:, :, 3:] / 255
        if (opaque < 1).any():
            done.append("what is transparent made white")
        pixels = pixels[:, :, :3] * opaque + 255 * (1 - opaque)
    if pixels.shape[2] == 3 and (pixels == pixels[:, :, :1]).all():
        pixels = pixels[:, :, :1]
    return pixels, done


def overlap(old, new):
    """How much each of `old` pixels has to do with each of `new` ones: (new, old), rows sum to 1.

    Examples
    --------
    >>> overlap(4, 2)
    array([[0.5, 0.5, 0. , 0. ],
           [0. , 0. , 0.5, 0.5]])
    """
    edges = np.linspace(0, old, new + 1)
    pixel = np.arange(old)
    part = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.maximum(part, 0) * new / old


def main():
    """Read the command line, and do what it says; exit code 2 if that cannot be done."""
    parser = argparse.ArgumentParser(
        prog="python -m sbnn_np", description="Look into model files, and use them.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for function, text in (
        (show, "print what is in a model file, and where its bytes go"),
        (predict, "print what a model takes images for"),
    ):
        command = commands.add_parser(
            function.__name__, help=text, description=text.capitalize() + ".",
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        command.add_argument("model", help="a .sbnn file")
        command.set_defaults(function=function)
    command.add_argument("image", nargs="+", help="PNG, or idx file of images (gz or not)")
    command.add_argument("--first", type=positive, default=10, help="images of an idx file")
    args = parser.parse_args()
    try:
        args.function(args)
    except OSError as error:
        sys.exit(complain(f"{error.filename}: {error.strerror}"))
    except (storage.ModelFileError, ImageError, data.DataError) as error:
        sys.exit(complain(error))


def positive(text):
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return int(text)


def complain(error):
    """Print an error and return the exit code 2."""
    print(f"error: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
