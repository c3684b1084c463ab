"""The small examples of chapter 1 show what they say."""

import doctest

import numpy as np
from lab import teaching

from sbnn_np.core import losses, ops
from sbnn_np.support import gradcheck


def test_the_numbers_of_the_way_are_those_of_the_functions():
    found = teaching.way()
    assert found["w"].tolist() == [1, 0, 1, 0, 1] and found["z"].tolist() == [3, 1, 2, 0]
    assert found["a"].tolist() == [1, 0, 1, 0]
    # the far ones stop at the threshold, and the near ones pass
    assert found["dy"].tolist() == [0, 1, -0.5, 0]

    def norm(z):
        return ops.batchnorm_forward(z, np.ones(1), np.zeros(1))[0]

    gradcheck.check(
        found["dz"][:, None], norm, found["z"][:, None], found["dy"][:, None], 1e-5, 1e-8
    )
    assert np.array_equal(found["dlatent"], found["dw"]) and found["dw"].all()


def test_a_thicker_pen_raises_plain_sums_alone():
    found = teaching.pen()
    thin, thick = found["images"]
    assert (thick >= thin).all() and found["ink"][1] > 1.5 * found["ink"][0]
    plain, centred = (np.diff(found[kind].mean(axis=1))[0] for kind in ("plain", "centred"))
    assert plain > 3 and abs(centred) < 0.3
    assert np.allclose(
        found["plain"] - found["centred"], (found["centre"] * found["ink"])[:, None]
    )


def test_the_penalty_moves_one_latent_below_0_and_not_the_other():
    found = teaching.falling()
    assert found["useless"][0] == found["useful"][0] > 0
    assert found["useless"][-1] < 0 < min(found["useful"])
    assert found["density"][0] > 0.4 and found["density"][-1] <= 0.05
    # the share is kept, so the push grows as the excess shrinks, and then ends
    pushes = np.array(found["push"])
    end = int(np.argmax(pushes == 0))
    assert (np.diff(pushes[:end]) >= 0).all() and not pushes[end:].any()
    penalty, _ = losses.expected_connections(400, 1000, 0.05, 0.2, 1.0)
    assert np.isclose(penalty / (1 + penalty), 0.2)


def test_the_examples():
    assert doctest.testmod(teaching).failed == 0
