"""What is right in the exercises of chapter 2, and the mistakes that have a name."""

import numpy as np

from sbnn_np.core import pooling, quantize, windows

from .compare import Exercise


def some(seed, *shape):
    """Small whole numbers as floats."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(float)


def places(shape, kernel):
    """How many places there are for a window: images, rows, columns."""
    return shape[0], shape[1] - kernel[0] + 1, shape[2] - kernel[1] + 1


def reordered(order):
    """im2col with the numbers of a row in another order of (kh, kw, c)."""

    def cols(x, kernel):
        right = windows.im2col(x, kernel)
        parts = right.reshape(len(right), *kernel, x.shape[3])
        return parts.transpose(0, *(1 + i for i in order)).reshape(right.shape)

    return cols


def columns_first(x, kernel):
    """im2col with the places from left to right first, then from top to bottom."""
    right = windows.im2col(x, kernel)
    by_place = right.reshape(*places(x.shape, kernel), -1)
    return by_place.transpose(0, 2, 1, 3).reshape(right.shape)


def one_place_too_few(x, kernel):
    """im2col whose loops end one place too early."""
    right = windows.im2col(x, kernel)
    by_place = right.reshape(*places(x.shape, kernel), -1)
    return by_place[:, :-1, :-1].reshape(-1, right.shape[1])


def col2im_mistaken(how):
    """col2im that does something else with each row than to add it."""

    def image(cols, shape, kernel):
        x = np.zeros(shape)
        rows = cols.reshape(*places(shape, kernel), *kernel, shape[3])
        for n, oh, ow in np.ndindex(rows.shape[:3]):
            part = x[n, oh : oh + kernel[0], ow : ow + kernel[1]]
            part[...] = how(part, rows[n, oh, ow])
        return x

    return image


def mean_of_rows(cols, shape, kernel):
    """col2im divided by the number of windows that a pixel is in."""
    return windows.col2im(cols, shape, kernel) / windows.col2im(np.ones_like(cols), shape, kernel)


def channels_before_windows(cols, shape, kernel):
    """col2im that reads a row in the order channel, row, column."""
    rows = cols.reshape(len(cols), shape[3], *kernel).transpose(0, 2, 3, 1)
    return windows.col2im(np.ascontiguousarray(rows).reshape(cols.shape), shape, kernel)


def pooled_bit(sums, limit, scale):
    """Each sum's bit, and the bit of the largest sum, by the functions of the package."""
    squares = sums.reshape(-1, 2, 2, 1)
    largest, _ = pooling.maxpool_forward(squares, 2)
    return tuple(quantize.zero_one(scale * (each - limit)) for each in (sums, largest.reshape(-1)))


EXERCISES = [
    Exercise("2.1", "im2col", ("cols",), [
        {"x": np.arange(9.0).reshape(1, 3, 3, 1), "kernel": (2, 2)},
        {"x": np.arange(40.0).reshape(1, 4, 5, 2), "kernel": (2, 3)},
        {"x": some(1, 2, 5, 4, 3), "kernel": (3, 2)},
    ], windows.im2col, [
        ("cols", "The numbers of a row must be in the order row, column, channel; here the "
                 "channel comes first.", reordered((2, 0, 1))),
        ("cols", "A window must be read row by row; here it is read column by column.",
         reordered((1, 0, 2))),
        ("cols", "The places must go from left to right, and then down; here they go down first.",
         columns_first),
        ("cols", "There is a place too few: there are H - KH + 1 from top to bottom, and "
                 "W - KW + 1 from left to right.", one_place_too_few),
        ("cols", "A row holds windows of several images; each image has rows of its own.",
         lambda x, kernel: np.concatenate(
             np.split(windows.im2col(x, kernel), len(x)), axis=1)),
        ("cols", "cols looks transposed: a window must be a row.",
         lambda x, kernel: windows.im2col(x, kernel).T),
    ]),
    Exercise("2.2", "col2im", ("x",), [
        {"cols": np.ones((4, 4)), "shape": (1, 3, 3, 1), "kernel": (2, 2)},
        {"cols": some(2, 4, 4), "shape": (1, 3, 3, 1), "kernel": (2, 2)},
        {"cols": some(3, 2 * 3 * 3, 18), "shape": (2, 5, 4, 3), "kernel": (3, 2)},
    ], windows.col2im, [
        ("x", "Where windows overlap, only the last row is left: add rows with +=.",
         col2im_mistaken(lambda before, row: row)),
        ("x", "Every window gets the first row of cols: go on to the next row each time.",
         lambda cols, shape, kernel:
         windows.col2im(np.repeat(cols[:1], len(cols), axis=0), shape, kernel)),
        ("x", "A pixel must get the sum of its rows, not their mean.", mean_of_rows),
        ("x", "A pixel must get the sum of its rows, not the largest.",
         col2im_mistaken(np.maximum)),
        ("x", "A row must be read in the order row, column, channel; here the channel comes first.",
         channels_before_windows),
        ("x", "Rows are taken off; they must be added.",
         lambda cols, shape, kernel: -windows.col2im(cols, shape, kernel)),
    ]),
    Exercise("2.3", "pooled_bit", ("bits", "pooled"), [
        {"sums": np.array([[1.0, 5.0, 2.0, 2.0]]), "limit": 3.0, "scale": -1.0},
        {"sums": np.array([[1.0, 5.0, 2.0, 2.0]]), "limit": 3.0, "scale": 1.0},
        {"sums": np.array([[3.0, 3.0, 3.0, 3.0], [1.0, 2.0, 0.0, 1.0]]), "limit": 3.0,
         "scale": -1.0},
        {"sums": some(4, 5, 4), "limit": 1.0, "scale": 1.0},
        {"sums": some(5, 5, 4), "limit": 1.0, "scale": -1.0},
    ], pooled_bit, [
        ("pooled", "This is OR always. With a scale of -1 the largest sum is small only if all "
                   "four are: AND.",
         lambda sums, limit, scale: (scale * (sums - limit) > 0).any(axis=1)),
        ("pooled", "This is AND always. With a scale of +1 one sum above the limit is enough: OR.",
         lambda sums, limit, scale: (scale * (sums - limit) > 0).all(axis=1)),
        ("pooled", "OR and AND are the wrong way round: OR belongs to the scale +1.",
         lambda sums, limit, scale: (scale * (sums - limit) > 0).all(axis=1) if scale > 0
         else (scale * (sums - limit) > 0).any(axis=1)),
        ("bits", "A sum that is exactly the limit must give 0: > 0, not >= 0.",
         lambda sums, limit, scale: scale * (sums - limit) >= 0),
        ("bits", "The scale is not used in the bits.",
         lambda sums, limit, scale: sums > limit),
    ]),
]
