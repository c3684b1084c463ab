"""All engines, the loops and the trained network agree bit for bit; counts equal closed forms."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import fields

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from sbnn_np.bits import bitops, freeze, frozen, storage
from sbnn_np.core import layers, network
from sbnn_np.engines import floats, loops, packed
from sbnn_np.engines.sliced import (
    adders,
    bit_sliced,
    plain_sliced,
    sliced_layers,
    slicing,
    two_processes,
)

METHODS = ("0/1", "0/1 centred", "+-1")


def odd_convnet(rng, method, p0, float_first):
    """A network with strides, kernels that are no squares, and pools of 3 that leave rows over."""
    weights, activation = network.METHODS[method]

    def latent_and_norm(D, M, weights):
        latent, scale = network.initial((D, M), weights, rng, p0, 0.1, np.float32)
        return latent, layers.BatchNorm(scale)

    first = "float" if float_first else weights
    shape, found = (11, 10, 2), []
    for conv_weights, kernel, F, stride, padding, pool in (
        (first, (3, 2), 4, 1, 1, 3), (weights, (2, 3), 5, 2, 1, 1),
    ):
        latent, norm = latent_and_norm(kernel[0] * kernel[1] * shape[2], F, conv_weights)
        conv = layers.Conv(latent, shape, kernel, conv_weights, not found, stride, padding)
        found += [conv] + [layers.MaxPool(pool)] * (pool > 1)
        found += [norm, layers.Activation(activation)]
        shape = (conv.out_shape[0] // pool, conv.out_shape[1] // pool, F)
    latent, norm = latent_and_norm(int(np.prod(shape)), 4, weights)
    found += [layers.Flatten(), layers.Dense(latent, weights), norm]
    return network.Network(found, (11, 10, 2))


def trained_network(seed, method, conv, binarize=None, float_first=False, N=3):
    """A random network whose batch norm has measured images. All sizes are odd ones.

    Returns
    -------
    net : Network
    model : frozen.Frozen
    images : (N, ...) uint8
        The pixels that the frozen network takes.
    x : (N, ...) uint8
        The same for the trained network: bits, if `binarize` is given.
    """
    rng = np.random.default_rng(seed)
    p0 = float(rng.choice([0.05, 0.2, 0.5]))
    if conv and seed % 4 == 0:
        shape, net = (11, 10, 2), odd_convnet(rng, method, p0, float_first)
    elif conv:
        shape = (int(rng.integers(8, 11)), int(rng.integers(8, 11)), int(rng.integers(1, 4)))
        convs = [3, "pool", 5] if seed % 2 else [4, 3, "pool"]
        net = network.convnet(
            shape, convs, [7, 4], 3, int(seed % 3 > 0), method, rng, p0, float_first=float_first
        )
    else:
        shape = (int(rng.integers(3, 140)),)
        net = network.mlp([*shape, int(rng.integers(1, 70)), 9, 4], method, rng, p0)
    images = rng.integers(0, 256, (N, *shape)).astype(np.uint8)
    if seed % 5 == 0:
        images[0] = 255 * (seed % 2)
    x = images if binarize is None else (images > binarize).astype(np.uint8)
    for layer in net.sparse_layers:
        mask = layer.mask.copy()
        mask[:, rng.random(mask.shape[1]) < 0.1] = False       # empty neurons
        if seed % 7 == 0:
            mask[...] = True                                   # a centre of 64 / 64
        layer.set_mask(mask)
        layer.recentre()
    for layer in net.layers:
        if "scale" in layer.params:
            layer.params["scale"] *= rng.choice([-1, 1, 0], len(layer.params["scale"]), p=[
                0.45, 0.45, 0.1,
            ]).astype(np.float32)
            layer.params["shift"] += rng.normal(0, 0.3, len(layer.params["shift"]))
    net.forward(rng.permuted(np.concatenate([x, x[::-1]]), axis=1), train=True)
    return net, freeze.freeze(net, binarize=binarize), images, x


networks = given(
    seed=st.integers(0, 2**32 - 1), method=st.sampled_from(METHODS), conv=st.booleans(),
    binarize=st.sampled_from([None, 99]), float_first=st.booleans(),
)


@networks
def test_all_engines_agree_with_the_trained_network(seed, method, conv, binarize, float_first):
    net, model, images, x = trained_network(seed, method, conv, binarize, float_first)
    expected = net.forward(x)
    assert np.array_equal(floats.Floats(model).forward(images), expected)
    assert np.array_equal(packed.Packed(model).forward(images), expected)
    assert np.array_equal(loops.forward(model, images), expected)
    if method != "+-1":
        assert np.array_equal(bit_sliced.Sliced(model).forward(images), expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("conv", [False, True])
@pytest.mark.parametrize("N", [1, 63, 64, 65, 200])
def test_batches_of_any_size_agree(method, conv, N):
    net, model, images, x = trained_network(7 + N, method, conv, N=N)
    expected = net.forward(x)
    engines = [floats.Floats, packed.Packed] + [bit_sliced.Sliced] * (method != "+-1")
    for engine in engines:
        assert np.array_equal(engine(model).forward(images), expected)


def test_wide_layers_in_many_groups_agree():
    rng = np.random.default_rng(3)
    net = network.mlp([100, 512, 10], "0/1 centred", rng, p0=0.05)
    x = rng.integers(0, 256, (17000, 100)).astype(np.uint8)
    net.forward(x[:500], train=True)
    model = freeze.freeze(net)
    expected, engine = floats.Floats(model).forward(x), bit_sliced.Sliced(model)
    # 72 words by 171 neurons are a few more than are added together
    for n in (64, 64 * 24, 64 * 72, 64 * 73 - 5, 17000):
        assert np.array_equal(engine.forward(x[:n]), expected[:n])


@pytest.fixture(scope="module")
def large():
    """A trained network of bits, enough images for a second process, and their scores."""
    rng = np.random.default_rng(5)
    net = network.mlp([50, 40, 10], "0/1 centred", rng, p0=0.1)
    x = rng.integers(0, 256, (1501, 50)).astype(np.uint8)
    net.forward(x, train=True)
    model = freeze.freeze(net)
    return model, x, floats.Floats(model).forward(x)


def test_an_engine_keeps_programs_for_some_sizes_only(large):
    model, x, expected = large
    engine = bit_sliced.Sliced(model)
    engine.max_words = 8
    for n in (10, 100, 200, 300, 400, 500, 1501, 100, 10):
        assert np.array_equal(engine.forward(x[:n]), expected[:n])
        assert sum(words for _, words in engine.programs) <= 16
    assert {(8, 1), (8, 2)} <= engine.programs.keys()              # the last ones are there


# adders


def rows_of(x):
    """Bits, (N, D), as words of 64 images."""
    rows = np.empty((x.shape[1], -(-len(x) // 64)), np.uint64)
    slicing.Slicer(*rows.shape).slice(x, np.copyto, rows)
    return rows


@given(seed=st.integers(0, 2**32 - 1), input_bits=st.integers(1, 3), most=st.integers(0, 40))
def test_sums_of_any_fan_ins(seed, input_bits, most):
    rng = np.random.default_rng(seed)
    G, D, N = int(rng.integers(1, 9)), int(rng.integers(1, 30)), int(rng.integers(1, 200))
    x = rng.integers(0, 1 << input_bits, (N, D)).astype(np.uint8)
    inputs = np.stack([rows_of(x >> i & 1) for i in range(input_bits)])
    fan_in = np.sort(rng.integers(0, most + 1, G))[::-1]
    sources = rng.integers(0, D, (fan_in[0], G))
    addend = rng.integers(0, 4, (N, 1)).astype(np.uint8)       # a number below 4
    buffers = np.empty((40, G, inputs.shape[-1]), np.uint64)
    steps, planes = adders.neuron_sum_steps(
        inputs, sources, fan_in, buffers, [rows_of(addend >> i & 1)[0] for i in range(2)]
    )
    expected = np.array([x[:, sources[: fan_in[g], g]].sum(axis=1, dtype=int) for g in range(G)])
    expected += addend.T
    for _ in range(2):                                         # steps can be done again
        adders.run_steps(steps)
        assert np.array_equal(slicing.unslice(planes)[:, :N], expected)
    threshold = rng.integers(0, expected.max() + 3, G)
    enough = rng.integers(0, 2, (N, G)).astype(np.uint8)       # else one more is needed
    passed = rows_of(enough)
    for given_passed, more in ((passed, 1 - enough.T), (None, 0)):
        compare, result = adders.at_least_steps(planes, threshold, buffers[0], given_passed)
        adders.run_steps(compare)
        bits = slicing.unslice([result])[:, :N]
        assert np.array_equal(bits, expected >= threshold[:, None] + more)


@pytest.mark.parametrize("shape", [(1, 1), (8, 3), (64, 8), (65, 9), (130, 16), (512, 5)])
def test_slicing_loses_nothing(rng, shape):
    x = rng.integers(0, 2, shape).astype(np.uint8)
    rows = rows_of(x)
    assert rows.shape == (shape[1], -(-shape[0] // 64)) and rows.dtype == np.uint64
    assert np.array_equal(slicing.unslice([rows])[:, : len(x)], x.T)


# two processes


@pytest.mark.container
def test_a_second_process_gives_the_same_scores(large):
    model, x, expected = large
    engine = two_processes.TwoProcessSliced(model)
    for n in (3, 511, 1501, 700, 640, 1):                      # it grows, and it is left out
        assert np.array_equal(engine.forward(x[:n]), expected[:n])
    assert engine.second.process.poll() is None
    process, path = engine.second.process, engine.second.path
    engine.close()
    assert process.poll() is not None and not os.path.exists(path)
    assert np.array_equal(engine.forward(x), expected)         # another one is started
    process = engine.second.process
    del engine
    assert process.poll() is not None


@pytest.mark.parametrize("float_first", [False, True])
def test_convolutions_on_two_processes(float_first):
    net, model, images, x = trained_network(12, "0/1 centred", True, 99, float_first, N=150)
    engine = two_processes.TwoProcessSliced(model)
    assert np.array_equal(engine.forward(images), floats.Floats(model).forward(images))
    assert engine.second is not None
    engine.close()


def test_the_end_of_the_second_process_raises_and_the_next_call_works(large):
    model, x, expected = large
    engine = two_processes.TwoProcessSliced(model)
    engine.forward(x)
    engine.second.process.kill()
    engine.second.process.wait()
    with pytest.raises(RuntimeError, match="has ended, code -9"):
        engine.forward(x)
    assert np.array_equal(engine.forward(x), expected)
    engine.close()


@pytest.mark.parametrize("where", ["send_inputs", "forward_inputs", "receive_scores"])
def test_an_interrupt_leaves_no_old_scores_behind(large, monkeypatch, where):
    model, x, expected = large
    engine = two_processes.TwoProcessSliced(model)
    engine.forward(x)

    def interrupt(*args):
        raise KeyboardInterrupt

    owner = engine.own if where == "forward_inputs" else engine.second
    with monkeypatch.context() as patched:
        patched.setattr(owner, where, interrupt)
        with pytest.raises(KeyboardInterrupt):
            engine.forward(x)
    assert np.array_equal(engine.forward(x[::-1].copy()), expected[::-1])
    engine.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_neither_holds_nor_removes_what_is_not_its_own(large):
    model, x, expected = large
    engine = two_processes.TwoProcessSliced(model)
    engine.forward(x[:700])
    child = os.fork()
    if not child:
        engine.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(engine.forward(x), expected)
    engine.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_parent_and_forked_child_each_get_their_own_answers(large):
    model, x, expected = large
    engine = two_processes.TwoProcessSliced(model)
    engine.forward(x)
    child = os.fork()
    # 20 answers each, of other images: the child sees them the other way round
    step = -1 if child == 0 else 1
    shown, wanted = np.ascontiguousarray(x[::step]), expected[::step]
    right = sum(np.array_equal(engine.forward(shown), wanted) for _ in range(20))
    if not child:
        other = engine.second.process
        engine.close()
        os._exit(0 if right == 20 and other.poll() is not None else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert right == 20 and engine.second.process.poll() is None
    engine.close()


@pytest.mark.container
@pytest.mark.parametrize("engine", [bit_sliced.Sliced, two_processes.TwoProcessSliced])
def test_threads_that_share_an_engine_get_their_own_answers(large, engine):
    model, x, expected = large
    shared, right = engine(model), []

    def ask(start):
        for _ in range(10):
            scores = shared.forward(x[start : start + 1200])
            right.append(np.array_equal(scores, expected[start : start + 1200]))

    asking = [threading.Thread(target=ask, args=(start,)) for start in (0, 100, 200, 300)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert right == [True] * 40


def no_room(self, *args):
    raise OSError(28, "No space left on device")


@pytest.mark.container
@pytest.mark.parametrize("where", ["__init__", "send_inputs"])
def test_without_shared_memory_one_process_gives_the_same_scores(
    large, monkeypatch, capsys, where
):
    model, x, expected = large
    two_processes.warn_once.cache_clear()
    monkeypatch.setattr(two_processes.SecondProcess, where, no_room)
    for engine in (two_processes.TwoProcessSliced(model), two_processes.TwoProcessSliced(model)):
        for _ in range(2):
            assert np.array_equal(engine.forward(x), expected)
        assert engine.second is None
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "No space left on device" in said


def test_a_killed_process_leaves_no_file(tmp_path):
    script = (
        "import numpy as np, os, signal\n"
        "from sbnn_np.bits import storage\n"
        "from sbnn_np.engines.sliced import two_processes\n"
        "engine = two_processes.TwoProcessSliced(storage.EXAMPLE)\n"
        "engine.forward(np.zeros((2000, 4), np.uint8))\n"
        "print(engine.second.path, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # from a folder with files of names that Python knows
    (tmp_path / "json.py").write_text("raise RuntimeError", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    path = done.stdout.strip()
    for _ in range(100):
        if not os.path.exists(path):
            break
        time.sleep(0.1)
    assert path and not os.path.exists(path)


def test_the_largest_centre_and_many_inputs():
    D = 30_000
    rng = np.random.default_rng(0)
    hidden = frozen.Block(
        "0/1", np.ones((D, 3), bool), (D,), centre=64, threshold=np.zeros(3, np.int32),
        flip=np.zeros(3, bool),
    )
    last = frozen.Block(
        "0/1", np.eye(3, dtype=bool), (3,), factor=np.ones(3, np.float32),
        offset=np.arange(3, dtype=np.float32),
    )
    model = frozen.Frozen([hidden, last], (D,), ("a", "b", "c"))
    frozen.check(model)
    x = rng.integers(200, 256, (70, D)).astype(np.uint8)
    assert np.array_equal(bit_sliced.Sliced(model).forward(x), floats.Floats(model).forward(x))


def test_a_centre_of_one_and_sums_beyond_32_bits():
    """64 times a count is above 2^31 here, and what is left of it after the centre is small."""
    D = 140_000
    assert 64 * 255 * D > 1 << 31
    w = np.ones((D, 1), bool)
    w[:3] = False
    hidden = frozen.Block(
        "0/1", w, (D,), centre=64, threshold=np.array([-20_000], np.int32), flip=np.zeros(1, bool),
    )
    last = frozen.Block(
        "0/1", np.ones((1, 1), bool), (1,), factor=np.ones(1, np.float32),
        offset=np.zeros(1, np.float32),
    )
    model = frozen.Frozen([hidden, last], (D,), ("a",))
    frozen.check(model)
    x = np.full((2, D), 255, np.uint8)
    x[1, 1:3] = 0
    # 64 z - 64 sum(x) = -64 * 765 = -48960, and -64 * 255 = -16320
    expected = np.array([[0], [1]], np.float32)
    for engine in (floats.Floats, packed.Packed, bit_sliced.Sliced):
        assert np.array_equal(engine(model).forward(x), expected)
    assert np.array_equal(loops.forward(model, x), expected)


# counts


@networks
def test_counts_equal_closed_forms(seed, method, conv, binarize, float_first):
    net, model, images, x = trained_network(seed, method, conv, binarize, float_first, N=2)
    closed_forms = bitops.operations(net, input_bits=8 if binarize is None else 1)

    def closed(name):
        return 2 * sum(layer[name] for layer in closed_forms)

    count = bitops.Count()
    loops.forward(model, images, count)
    for name in ("xnors", "and_words", "popcount_words", "compares", "float_macs"):
        assert getattr(count, name) == closed(name), name
    # the loops skip the additions of a float layer, whose sum all engines share
    adds = sum(layer["adds"] for layer in closed_forms if layer["binary"])
    assert count.adds == 2 * adds
    count = bitops.Count()
    packed.Packed(model).forward(images, count)
    assert count.and_words == closed("and_words")
    assert count.popcount_words == closed("popcount_words")
    if method != "+-1":
        count = bitops.Count()
        assert np.array_equal(plain_sliced.forward(model, images, count), net.forward(x))
        assert count.word_ops == 64 * sum(layer["word_ops"] for layer in closed_forms)


@pytest.mark.parametrize("method, p0", [
    ("trained", None), ("0/1", 0.01), ("0/1", 0.1), ("0/1 centred", 0.01), ("0/1 centred", 0.1),
])
def test_the_fast_engine_does_about_as_many_operations(rng, monkeypatch, method, p0):
    x = rng.integers(0, 256, (4096, 784)).astype(np.uint8)
    if method == "trained":
        model = storage.load(ROOT / "figures/examples/digits.sbnn")
    else:
        net = network.mlp([784, 512, 512, 10], method, rng, p0)
        net.forward((x[:500] > 127).astype(np.uint8), train=True)
        model = freeze.freeze(net, binarize=127)
    count = bitops.Count()
    for module in (bit_sliced, sliced_layers):
        monkeypatch.setattr(module, "run_steps", lambda steps: adders.run_steps(steps, count))
    bit_sliced.Sliced(model).forward(x)
    input_bits = 8 if model.binarize is None else 1
    closed_forms = bitops.operations(freeze.thaw(model), input_bits)
    ratio = count.word_ops / len(x) / sum(layer["word_ops"] for layer in closed_forms)
    assert 0.7 < ratio < 1.25                                  # what bitops says


def test_a_planted_off_by_one_is_noticed(rng):
    net, model, images, _ = trained_network(1, "0/1", True, N=1)
    adds = sum(layer["adds"] for layer in bitops.operations(net))
    block = model.blocks[-1]
    m = int(block.w.sum(axis=0).argmax())
    block.w[np.flatnonzero(block.w[:, m])[0], m] = False       # the loops now do one less
    count = bitops.Count()
    loops.forward(model, images, count)
    assert count.adds == adds - 1


def test_every_number_of_a_count_has_a_closed_form(rng):
    layer = bitops.operations(network.mlp([4, 3], "0/1", rng, p0=0.5))[0]
    assert {field.name for field in fields(bitops.Count)} <= layer.keys()


def test_an_empty_filter_costs_nothing(rng):
    net = network.convnet((6, 6, 2), [3, "pool"], [4], 3, 1, "0/1", rng, 0.3)
    conv = net.weight_layers[0]
    conv.set_mask(np.zeros_like(conv.mask))
    counted = bitops.operations(net)[0]
    assert counted["adds"] == counted["micronet_ops"] == 0
    ors_and_flips = 9 * 3 * 4                      # of 3 x 3 squares of 3 filters
    assert counted["word_ops"] == ors_and_flips / 64


def test_lenet_300_100_by_hand(rng):
    net = network.mlp([784, 300, 100, 10], "0/1 centred", rng, p0=0.05)
    for layer in net.sparse_layers:                # 40, 15 and 5 ones a neuron
        K = round(0.05 * len(layer.mask)) + 1 if len(layer.mask) > 100 else 5
        layer.set_mask(np.arange(len(layer.mask))[:, None] < np.full(layer.mask.shape[1], K))
        layer.recentre()
    assert [int(layer.mask[:, 0].sum()) for layer in net.sparse_layers] == [40, 16, 5]
    first, second, third = bitops.operations(net)
    assert first["dense_macs"] == 784 * 300 == 235_200
    assert second["dense_macs"] + third["dense_macs"] == 31_000
    assert first["adds"] == 300 * 39 + 783 + 300 == 12_783
    assert second["adds"] == 100 * 15 + 299 + 100 == 1_899
    assert third["adds"] == 10 * 4 + 99 + 10 == 149
    # 13 words of 64 for 784 pixels of eight bits; 5 for 300 bits; 2 for 100; a row for the sum
    assert first["and_words"] == 8 * 13 * 300 and first["popcount_words"] == 8 * 13 * 301
    assert (second["and_words"], third["popcount_words"]) == (500, 22)
    assert (first["compares"], second["compares"], third["compares"]) == (300, 100, 0)
    assert third["float_macs"] == 10
    assert first["reactnet_ops"] == 235_200 * 8 / 64 and second["reactnet_ops"] == 30_000 / 64
    # sums of 784 pixels need 18 bits, those of 300 bits 9
    assert first["micronet_ops"] == (300 * 40 * 8 + 12_783 * 18) / 32
    assert second["micronet_ops"] == (100 * 16 * 1 + 1_899 * 9) / 32
