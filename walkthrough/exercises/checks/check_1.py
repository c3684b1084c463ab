"""What is right in the exercises of chapter 1, and the mistakes that have a name."""

import numpy as np

from sbnn_np.core import losses, ops, reference

from .compare import Exercise


def some(seed, *shape):
    """Small whole numbers as floats: sums and products of them are exact."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(float)


def zero_one(latent):
    """The quantizer of the specification, number by number."""
    return np.reshape([reference.zero_one(value) for value in latent.flat], latent.shape)


def straight_through(dw, da, y):
    """Both estimators of the specification."""
    pairs = zip(da.flat, y.flat)
    return dw, np.reshape([reference.straight_through_clipped(*pair) for pair in pairs], y.shape)


def top_k(latent, k):
    """The budget of the specification."""
    return np.array(reference.top_k(latent.tolist(), k))


def other_ties(case, results):
    """Whether the right numbers were chosen, but not the right ones of equal numbers."""
    (w,), latent = results, case["latent"]
    right = top_k(**case)
    if w.shape != right.shape or set(w) - {0, 1}:
        return ""
    chosen, wanted = (np.sort(latent[mask == 1]) for mask in (w, right))
    if not np.array_equal(chosen, wanted):
        return ""
    return (
        "The right numbers are chosen, but among equal ones the earlier index must go first. "
        "Does argsort have kind=\"stable\", and does it sort -latent?"
    )


def kth(latent, k):
    """The k-th largest latent."""
    return np.sort(latent)[-k]


def dense_backward(dy, x, w):
    """The way back of the specification: loops over lists."""
    return tuple(map(np.array, reference.dense_backward(dy.tolist(), x.tolist(), w.tolist())))


def batchnorm_backward(dy, xhat, scale, inv_std):
    """The way back of the plain pair."""
    return ops.batchnorm_backward(dy, (xhat, scale, inv_std))


# columns of mean 0 and mean square 1; with N = 4 or 8 every mean is exact
XHAT = np.array([[1.0, 1, -1], [-1, 1, -1], [1, -1, 1], [-1, -1, 1]])
UNEVEN = np.array([[2.0, 0], [-2, 0], [0, 2], [0, -2], [0, 0], [0, 0], [0, 0], [0, 0]])


def without(*parts):
    """Batch norm's dx where some of its parts are missing."""

    def dx(dy, xhat, scale, inv_std):
        mean = 0 if "mean" in parts else dy.mean(axis=0)
        along = 0 if "along" in parts else xhat * (dy * xhat).mean(axis=0)
        factor = (1 if "scale" in parts else scale) * (1 if "inv_std" in parts else inv_std)
        return factor * (dy - mean - along)

    return dx


def mistaken_penalty(h_of=lambda ones, total, expected: ones / total - expected, below=1e-4,
                     strength_of=lambda h, share, loss: share * loss / (h * (1 - share))):
    """A function that computes both results of 1.6 with another h, limit or strength."""

    def both(ones, total, expected, share, loss):
        h = h_of(ones, total, expected)
        if h <= below:
            return 0.0, 0.0
        strength = strength_of(h, share, loss)
        return strength * h, strength / total

    return both


EXERCISES = [
    Exercise("1.1", "zero_one", ("w",), [
        {"latent": np.array([-0.5, 0.0, 0.25])}, {"latent": some(1, 3, 4) / 4},
    ], zero_one, [
        ("w", "A latent of exactly 0 must become 0: > 0, not >= 0.",
         lambda latent: latent >= 0),
        ("w", "These are -1 and +1; a weight here is 0 or 1.",
         lambda latent: np.where(latent > 0, 1, -1)),
        ("w", "These are -1, 0 and +1; a weight here is 0 or 1.", lambda latent: np.sign(latent)),
        ("w", "The latents themselves come through; they must become 0 or 1.",
         lambda latent: np.maximum(latent, 0)),
        ("w", "The bits are the wrong way round: 1 is above 0.", lambda latent: latent <= 0),
    ]),
    Exercise("1.2", "straight_through", ("dlatent", "dy"), [
        {
            "dw": np.array([[7.0]]), "da": np.array([[5.0, 5.0, 5.0, 5.0, 5.0]]),
            "y": np.array([[-1.5, -1.0, 0.0, 1.0, 1.5]]),
        },
        {"dw": some(2, 4, 3), "da": some(3, 2, 5), "y": some(4, 2, 5) / 2},
    ], straight_through, [
        ("dlatent", "The slope for latents is 1 everywhere; here some gradients became 0.",
         lambda dw, da, y: dw * (abs(dw) <= 1)),
        ("dlatent", "With a slope of 0 no latent would ever learn: the estimator takes 1.",
         lambda dw, da, y: 0 * dw),
        ("dlatent", "This is the slope; dlatent is dw times the slope.",
         lambda dw, da, y: np.ones_like(dw)),
        ("dlatent", "dw is clipped to -1 and 1; with a slope of 1 it must stay as it is.",
         lambda dw, da, y: np.clip(dw, -1, 1)),
        ("dy", "The window is missing: where y is beyond -1 and 1, dy must be 0.",
         lambda dw, da, y: da),
        ("dy", "-1 and 1 themselves are inside: <= 1, not < 1.",
         lambda dw, da, y: da * (abs(y) < 1)),
        ("dy", "The window is that of y, not of da.", lambda dw, da, y: da * (abs(da) <= 1)),
        ("dy", "da is clipped to -1 and 1; it must stay as it is where y is from -1 to 1, and "
               "become 0 elsewhere.",
         lambda dw, da, y: np.clip(da, -1, 1)),
        ("dy", "Only one side of the window is there: y below -1 counts as inside.",
         lambda dw, da, y: da * (y <= 1)),
        ("dy", "This is the slope; dy is da times the slope.", lambda dw, da, y: abs(y) <= 1),
        ("dy", "This is the slope of ReLU, 1 above 0; the slope here is 1 from -1 to 1.",
         lambda dw, da, y: da * (y > 0)),
    ]),
    Exercise("1.3", "top_k", ("w",), [
        {"latent": np.array([2.0, 3.0, 1.0, 3.0, 3.0]), "k": 2},
        {"latent": np.array([-1.0, -2.0, -0.5]), "k": 1},
        {"latent": some(5, 12), "k": 5},
        {"latent": some(14, 200) % 3, "k": 90},
        {"latent": np.array([1.0, 2.0]), "k": 2},
    ], top_k, [
        ("w", "With ties there are more than k ones; equal latents must not all be chosen.",
         lambda latent, k: latent >= kth(latent, k)),
        ("w", "There are fewer than k ones: the k-th largest latent itself is missing.",
         lambda latent, k: latent > kth(latent, k)),
        ("w", "Ties go to the later index; they must go to the earlier index.",
         lambda latent, k: top_k(latent[::-1], k)[::-1]),
        ("w", "These are the k smallest; the k largest are wanted.",
         lambda latent, k: top_k(-latent, k)),
        ("w", "This is the quantizer without a budget; exactly k weights must be 1.",
         lambda latent, k: latent > 0),
        ("w", "The largest are chosen by size without sign: -2 is smaller than -1.",
         lambda latent, k: top_k(abs(latent), k)),
        ("w", "These are the places of the ones; wanted is an array of 0 and 1, as long as latent.",
         lambda latent, k: np.argsort(-latent, kind="stable")[:k]),
    ], closer=other_ties),
    Exercise("1.4", "dense_backward", ("dx", "dw"), [
        {
            "dy": np.array([[1.0, -1.0]]), "x": np.array([[1.0, 2.0]]),
            "w": np.array([[1.0, 0.0], [1.0, 1.0]]),
        },
        {"dy": some(6, 2, 3), "x": some(7, 2, 4), "w": some(8, 4, 3) % 2},
        {"dy": some(9, 5, 2), "x": some(10, 5, 3), "w": some(11, 3, 2)},
    ], dense_backward, [
        ("dx", "w must be transposed for dx: the sum goes over m, the columns of w.",
         lambda dy, x, w: dy @ w),
        ("dx", "dx looks transposed.", lambda dy, x, w: (dy @ w.T).T),
        ("dw", "dw looks transposed.", lambda dy, x, w: dy.T @ x),
        ("dw", "dw is a mean over the images; it must be the sum over them.",
         lambda dy, x, w: x.T @ dy / len(x)),
        ("dx", "The sign of dx is wrong.", lambda dy, x, w: -dy @ w.T),
        ("dw", "The sign of dw is wrong.", lambda dy, x, w: -x.T @ dy),
        ("dx", "This is dw: are dx and dw in the wrong order?", lambda dy, x, w: x.T @ dy),
        ("dw", "dw goes only where the weight is 1; a weight of 0 has a gradient, too.",
         lambda dy, x, w: x.T @ dy * (w != 0)),
    ]),
    Exercise("1.5", "batchnorm_backward", ("dx", "dscale", "dshift"), [
        {
            "dy": np.array([[3.0], [1.0], [0.0], [0.0]]), "xhat": XHAT[:, :1] * 1.0,
            "scale": np.array([2.0]), "inv_std": np.array([1.0]),
        },
        {
            "dy": some(12, 4, 3), "xhat": XHAT, "scale": np.array([1.0, -2.0, 3.0]),
            "inv_std": np.array([0.5, 1.0, 0.25]),
        },
        {
            "dy": some(13, 8, 2), "xhat": UNEVEN, "scale": np.array([-1.0, 2.0]),
            "inv_std": np.array([2.0, 0.5]),
        },
    ], batchnorm_backward, [
        ("dx", "The mean of dy over the batch is missing in dx.", without("mean")),
        ("dx", "The part of dy along xhat is missing in dx: xhat times the mean of dy xhat.",
         without("along")),
        ("dx", "Mean and variance depend on x, too: both of their parts are missing in dx.",
         without("mean", "along")),
        ("dx", "dx is not multiplied by scale.", without("scale")),
        ("dx", "dx is not multiplied by inv_std.", without("inv_std")),
        ("dx", "The means in dx are sums: divide them by N, the length of dy.",
         lambda dy, xhat, scale, inv_std: scale * inv_std * (
             dy - dy.sum(axis=0) - xhat * (dy * xhat).sum(axis=0))),
        ("dx", "The means in dx are over all columns; each column has its own: axis=0.",
         lambda dy, xhat, scale, inv_std: scale * inv_std * (
             dy - dy.mean() - xhat * (dy * xhat).mean())),
        ("dx", "dx is divided by inv_std; it must be multiplied by it.",
         lambda dy, xhat, scale, inv_std: without("inv_std")(dy, xhat, scale, inv_std) / inv_std),
        ("dscale", "dscale is a mean over the batch; it must be the sum.",
         lambda dy, xhat, scale, inv_std: (dy * xhat).mean(axis=0)),
        ("dshift", "dshift is a mean over the batch; it must be the sum.",
         lambda dy, xhat, scale, inv_std: dy.mean(axis=0)),
        ("dscale", "dscale is dshift: are they in the wrong order, or is xhat missing?",
         lambda dy, xhat, scale, inv_std: dy.sum(axis=0)),
        ("dscale", "dscale is not summed over the batch.",
         lambda dy, xhat, scale, inv_std: dy * xhat),
        ("dshift", "dshift is not summed over the batch.", lambda dy, xhat, scale, inv_std: dy),
        ("dshift", "dshift is dscale: they are in the wrong order.",
         lambda dy, xhat, scale, inv_std: (dy * xhat).sum(axis=0)),
    ]),
    Exercise("1.6", "penalty", ("penalty", "dw"), [
        {"ones": 24, "total": 32, "expected": 0.5, "share": 0.5, "loss": 3.0},
        {"ones": 16, "total": 32, "expected": 0.5, "share": 0.5, "loss": 3.0},
        {"ones": 3, "total": 32, "expected": 0.5, "share": 0.5, "loss": 3.0},
        {"ones": 48, "total": 64, "expected": 0.25, "share": 0.75, "loss": 2.0},
        {"ones": 8193, "total": 16384, "expected": 0.5, "share": 0.5, "loss": 1.0},
    ], losses.expected_connections, [
        ("penalty", "Where h is 0.0001 or less, as in cases 2, 3 and 5, the penalty must be 0.",
         lambda ones, total, expected, share, loss: share * loss / (1 - share)),
        ("all", "h must compare two fractions: ones / total - expected, not ones - expected.",
         mistaken_penalty(h_of=lambda ones, total, expected: ones - expected)),
        ("all", "h must be a fraction of all weights, ones / total - expected; here it is a count.",
         mistaken_penalty(h_of=lambda ones, total, expected: ones - total * expected)),
        ("all", "Brackets are missing: share * loss must be divided by all of h * (1 - share).",
         mistaken_penalty(strength_of=lambda h, share, loss: share * loss / h * (1 - share))),
        ("all", "The factor 1 - share is missing below the line.",
         mistaken_penalty(strength_of=lambda h, share, loss: share * loss / h)),
        ("all", "Both results must be 0 where h is 0.0001 or less, not only where it is 0 or less.",
         mistaken_penalty(below=0)),
        ("dw", "dw is 0 everywhere; where there is a penalty, it is strength / total.",
         lambda ones, total, expected, share, loss: 0),
        ("dw", "This is the strength; one weight is only 1 / total of the fraction of ones.",
         lambda ones, total, expected, share, loss:
         total * losses.expected_connections(ones, total, expected, share, loss)[1]),
    ], tolerance=1e-12, before_division="h is 0 in this case, and nothing can be divided by 0. "
       "Return 0 for both results where h is 0.0001 or less, before you divide by h."),
]
