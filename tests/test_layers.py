"""Layers hold arrays and hand them to ops."""

import numpy as np
import pytest

from sbnn_np.core import layers, windows
from sbnn_np.support import gradcheck


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="weights is 'bits'; it must be one of float, "):
        layers.Dense(np.zeros((2, 3)), "bits")
    with pytest.raises(ValueError, match="kind is 'tanh'; it must be one of relu"):
        layers.Activation("tanh")


def test_what_w_is():
    latent = np.array([[-0.5, 0.0], [0.25, 2.0]])
    assert layers.Dense(latent, "float").w is latent
    assert layers.Dense(latent, "+-1").w.tolist() == [[-1, -1], [1, 1]]
    assert layers.Dense(latent, "0/1").w.tolist() == [[0, 0], [1, 1]]
    assert layers.Dense(latent, "0/1 centred").w.tolist() == [[-0.5, -0.5], [0.5, 0.5]]


def test_the_centre_is_the_nearest_64th_of_the_density():
    latent = np.full((10, 10), -1.0)
    latent.reshape(-1)[:7] = 1
    layer = layers.Dense(latent, "0/1 centred")
    assert layer.ones == 7
    assert layer.centre == 4 / 64                         # 0.07 * 64 = 4.48
    assert set(np.unique(layer.w)) == {-4 / 64, 60 / 64}
    assert layers.Dense(latent, "0/1").centre == 0


@pytest.mark.parametrize("weights", ["+-1", "0/1", "0/1 centred"])
def test_a_mask_is_written_into_w_flip_by_flip(weights, rng):
    layer = layers.Dense(rng.standard_normal((6, 5)), weights)
    low, high = layer.values
    for _ in range(5):
        mask = rng.random((6, 5)) < 0.4
        layer.set_mask(mask)
        assert np.array_equal(layer.w, np.where(mask, high, low)) and layer.ones == mask.sum()
    layer.recentre()
    assert np.array_equal(layer.w, np.where(mask, *layer.values[::-1]))
    assert (layer.centre > 0) == (weights == "0/1 centred")


def test_ternary_weights_follow_the_mask_and_the_signs(rng):
    latent = rng.standard_normal((6, 5))
    layer = layers.Dense(latent, "ternary")
    for _ in range(5):
        latent += rng.standard_normal((6, 5))
        mask = rng.random((6, 5)) < 0.4
        layer.set_mask(mask)
        assert np.array_equal(layer.w, np.where(mask, np.sign(latent), 0))
        assert layer.ones == mask.sum() == np.count_nonzero(layer.w)


def test_a_penalty_pushes_bits_down_and_signs_towards_zero(rng):
    for weights in ("0/1", "0/1 centred", "ternary"):
        layer = layers.Dense(np.array([[1.0, -1.0, 0.5]]), weights)
        layer.set_mask(np.array([[True, True, False]]))
        layer.penalize(0.25)
        expected = [[0.25, -0.25, 0]] if weights == "ternary" else [[0.25] * 3]
        assert layer.grads["latent"].tolist() == expected


def test_latents_in_another_memory_order_work_too(rng):
    layer = layers.Dense(np.asfortranarray(rng.standard_normal((6, 5))), "0/1")
    mask = rng.random((6, 5)) < 0.4
    layer.set_mask(mask)
    assert np.array_equal(layer.w, mask)


def test_the_latent_gets_the_gradient_of_its_bit(integers, rng):
    layer = layers.Dense(rng.standard_normal((5, 4)), "0/1 centred")
    x, dy = integers(3, 5), integers(3, 4)
    layer.forward(x, train=True)
    dx = layer.backward(dy)

    # 1/64 steps of the centre, small integers: exact
    gradcheck.check(dx, lambda x: x @ layer.w, x, dy)
    gradcheck.check(layer.grads["latent"], lambda w: x @ w, layer.w, dy)


@pytest.mark.parametrize("layer, shape", [
    (layers.Dense(np.ones((5, 4)), "0/1"), (3, 5)),
    (layers.Conv(np.ones((9, 2)), (4, 4, 1), (3, 3)), (3, 4, 4, 1)),
    (layers.MaxPool(2), (3, 4, 4, 1)), (layers.Flatten(), (3, 4, 4, 1)),
    (layers.BatchNorm(np.ones(4)), (3, 4)), (layers.Activation("relu"), (3, 4)),
], ids=lambda value: type(value).__name__)
def test_backward_is_of_the_last_training_step_whatever_is_evaluated_between(layer, shape, rng):
    x = rng.standard_normal(shape)
    y = layer.forward(x, train=True)
    dy = rng.standard_normal(y.shape)
    expected = layer.backward(dy)
    layer.forward(x, train=True)
    layer.forward(rng.standard_normal((7, *shape[1:])))
    assert np.array_equal(layer.backward(dy), expected)


def test_the_first_layer_returns_no_dx(integers):
    layer = layers.Dense(np.ones((5, 4)), "0/1", first=True)
    layer.forward(integers(3, 5), train=True)
    assert layer.backward(integers(3, 4)) is None


def test_batchnorm_evaluates_with_the_mean_of_what_it_saw(rng):
    layer = layers.BatchNorm(np.array([1.0, -2.0]))
    batches = rng.standard_normal((10, 50, 2)) * 3 + 7
    for x in batches:
        layer.forward(x, train=True)
    # the first twenty steps are averaged evenly
    np.testing.assert_allclose(layer.mean, batches.mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(layer.var, batches.var(axis=1).mean(axis=0), rtol=1e-12)
    factor, offset = layer.fold()
    assert np.array_equal(layer.forward(batches[0]), batches[0] * factor + offset)


def test_evaluation_leaves_the_statistics_alone(rng):
    layer = layers.BatchNorm(np.ones(2))
    layer.forward(rng.standard_normal((9, 2)), train=True)
    before = layer.mean.copy(), layer.var.copy(), layer.steps
    layer.forward(rng.standard_normal((9, 2)))
    assert np.array_equal(layer.mean, before[0]) and np.array_equal(layer.var, before[1])
    assert layer.steps == before[2]


def test_a_layer_without_ones_trains_without_nan():
    dense = layers.Dense(np.full((6, 3), -1.0, np.float32), "0/1 centred")
    norm = layers.BatchNorm(np.ones(3, np.float32))
    x = np.arange(24, dtype=np.float32).reshape(4, 6)
    for _ in range(3):
        y = norm.forward(dense.forward(x, True), True)
        assert np.array_equal(y, np.zeros((4, 3)))
        dense.backward(norm.backward(np.ones((4, 3), np.float32)))
        assert np.isfinite(dense.grads["latent"]).all()
    assert np.array_equal(norm.forward(dense.forward(x)), np.zeros((4, 3)))


# convolution


@pytest.mark.parametrize("weights", layers.WEIGHTS)
def test_conv_is_dense_on_windows(weights, rng):
    x = rng.integers(0, 2, (2, 5, 4, 3)).astype(np.float64)
    latent = rng.standard_normal((27, 6))
    conv = layers.Conv(latent, (5, 4, 3), (3, 3), weights, padding=1)
    dense = layers.Dense(latent.copy(), weights)
    cols = windows.im2col(x, (3, 3), padding=1, pad=-1.0 if weights == "+-1" else 0.0)
    # float64 sums of 54 numbers at most, in any order: errors of 54 * 1e-16 of their size
    def close(a, b):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)

    close(conv.forward(x, True).reshape(-1, 6), dense.forward(cols, True))
    dy = rng.standard_normal((2, 5, 4, 6))
    dx = conv.backward(dy)
    dcols = dense.backward(dy.reshape(-1, 6))
    close(conv.grads["latent"], dense.grads["latent"])
    close(dx, windows.col2im(dcols, x.shape, (3, 3), padding=1))
    assert conv.out_shape == (5, 4, 6) and conv.places == 20 and dense.places == 1


def test_a_first_layer_pads_pixels_with_0_and_returns_no_gradient(rng):
    conv = layers.Conv(rng.standard_normal((9, 2)), (4, 4, 1), (3, 3), "+-1", True, padding=1)
    assert conv.pad == 0
    conv.forward(rng.random((1, 4, 4, 1)), True)
    assert conv.backward(rng.random((1, 4, 4, 2))) is None and conv.grads["latent"].any()


def test_a_conv_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="latent has 8 rows; windows of 3 x 3 pixels of 1"):
        layers.Conv(np.zeros((8, 2)), (4, 4, 1), (3, 3))
    with pytest.raises(ValueError, match="kernel is 5; an image of 4 pixels"):
        layers.Conv(np.zeros((25, 2)), (4, 9, 1), (5, 5))


def test_batch_norm_of_images_is_that_of_their_pixels(rng):
    x, dy = rng.standard_normal((2, 3, 4, 5, 6))
    image, flat = (layers.BatchNorm(np.array([1.0, -2, 3, 1, 1, 1])) for _ in range(2))
    rows, drows = x.reshape(-1, 6), dy.reshape(-1, 6)
    assert np.array_equal(image.forward(x, True).reshape(-1, 6), flat.forward(rows, True))
    assert np.array_equal(image.backward(dy).reshape(-1, 6), flat.backward(drows))
    assert np.array_equal(image.forward(x).reshape(-1, 6), flat.forward(rows))


def test_flatten_and_pool_give_back_the_shape(rng):
    x = rng.standard_normal((2, 5, 4, 3))
    pool, flat = layers.MaxPool(2), layers.Flatten()
    y = flat.forward(pool.forward(x, True), True)
    assert y.shape == (2, 2 * 2 * 3)
    assert pool.backward(flat.backward(y)).shape == x.shape
