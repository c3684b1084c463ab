"""Checkpoints: a resumed training equals an uninterrupted one; damage is noticed and refused."""

import errno
import os

import numpy as np
import pytest

from sbnn_np.core import fast, network, optim, sparsity, train
from sbnn_np.datasets import data, shapes
from sbnn_np.support import checkpoint

EPOCHS = 3
NAMES = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
GENERATORS = [getattr(np.random, name) for name in NAMES]


class PowerCut(Exception):
    """Ends a training at once, as a cut of power would."""


@pytest.fixture(scope="module")
def pictures():
    images, labels, _, _ = shapes.shape_images(train=300, test=0)
    return data.split(images, labels)


def rule_of(kind):
    if kind == "ternary":
        return sparsity.TernaryThreshold(0.2, 0.1)
    if kind == "penalty":
        return sparsity.ConnectionsPenalty(0.05, 0.1)
    budget = sparsity.Schedule(0.1, start=0.3, over=0.7)
    return {"net": sparsity.NetBudget, "even": sparsity.EvenBudget}[kind](budget)


def start(method, optimizer, width=6):
    rng = np.random.default_rng(5)
    net = network.convnet((32, 32, 3), [width, "pool", 8, "pool"], [10], 3, 1, method, rng, p0=0.3)
    return net, optimizer(net.params()), rng


def fit(pictures, path, method="0/1 centred", optimizer=fast.Adam, kind="net", cut=None, **kwargs):
    """Train; `cut` is the epoch whose row is the last thing that happens."""
    net, optimizer, rng = start(method, optimizer)
    lines = []

    def log(line):
        lines.append(line)
        if cut and line.split()[0] == str(cut + 1):
            raise PowerCut

    rows, trace = train.fit(
        net, *pictures, rule_of(kind), optimizer, 1e-2, EPOCHS, rng, batch=50,
        augment=lambda images, rng: data.shifted(data.flipped(images, rng), 2, rng),
        log=log, save_to=path, identity="this one" if path else "", **kwargs,
    )
    for row in rows:
        del row["seconds"]
    return net, rows, trace, lines


@pytest.mark.parametrize("method, optimizer, kind", [
    ("0/1 centred", fast.Adam, "net"),
    ("0/1 centred", fast.NormalizedSGD, "penalty"),
    ("0/1", optim.SGD, "net"),
    ("0/1", fast.Adam, "even"),
    ("+-1", fast.Adam, "net"),
    ("ternary", fast.Adam, "ternary"),
    ("full precision", fast.NormalizedSGD, "net"),
])
@pytest.mark.parametrize("cut", [1, 2])
def test_resumed_equals_uninterrupted_bit_for_bit(tmp_path, pictures, method, optimizer, kind, cut):
    whole, *expected = fit(pictures, None, method, optimizer, kind)[:3]
    path = tmp_path / "deep" / "checkpoint"
    with pytest.raises(PowerCut):
        fit(pictures, path, method, optimizer, kind, cut=cut)
    net, *found, lines = fit(pictures, path, method, optimizer, kind, resume=True)
    assert found == expected
    for a, b in zip(whole.params(), net.params()):
        assert np.array_equal(a, b)
    for a, b in zip(whole.layers, net.layers):
        if hasattr(a, "w"):
            assert np.array_equal(a.w, b.w)
        if hasattr(a, "mean"):
            assert np.array_equal(a.mean, b.mean) and np.array_equal(a.var, b.var)
    # the rows of before the cut are shown again
    assert [line.split()[0] for line in lines] == ["epoch", "1", "2", "3"]


class ByGradient(sparsity.NetBudget):
    """A rule that no latent tells of: ones are where the last gradients were most negative."""

    def choose(self, latents, progress, grads=None):
        if not any(g.any() for g in grads):                    # the first step of an epoch
            return [latent > 0 for latent in latents]
        return super().choose([-g for g in grads], progress)


def test_masks_that_latents_do_not_tell_are_in_the_checkpoint(tmp_path, pictures, monkeypatch):
    monkeypatch.setitem(globals(), "rule_of", lambda kind: ByGradient(sparsity.Schedule(0.1)))
    path = tmp_path / "checkpoint"
    whole, *expected = fit(pictures, None)[:3]
    with pytest.raises(PowerCut):
        fit(pictures, path, cut=1)
    net, *found, _ = fit(pictures, path, resume=True)
    assert found == expected
    again, *_ = fit(pictures, path, resume=True)               # finished: nothing is chosen anew
    for layer in (*net.weight_layers, *again.weight_layers):
        by_latent = layer.params["latent"] > 0
        assert not np.array_equal(layer.mask, by_latent)
    for a, b, c in zip(whole.weight_layers, net.weight_layers, again.weight_layers):
        assert np.array_equal(a.w, b.w) and np.array_equal(a.w, c.w)


def test_without_resume_a_training_begins_anew(tmp_path, pictures, monkeypatch):
    path = tmp_path / "checkpoint"
    with pytest.raises(PowerCut):
        fit(pictures, path, cut=1)
    monkeypatch.setattr(checkpoint, "load", None)              # so that to resume would fail
    assert len(fit(pictures, path)[1]) == EPOCHS


def test_what_resuming_needs_is_asked_for(tmp_path, pictures):
    with pytest.raises(ValueError, match="save_to is None, resume True"):
        fit(pictures, None, resume=True)
    net, optimizer, rng = start("0/1", fast.Adam)
    with pytest.raises(ValueError, match="a checkpoint needs an identity"):
        train.fit(
            net, *pictures, rule_of("net"), optimizer, 1e-2, 1, rng, save_to=tmp_path / "checkpoint"
        )


def test_a_finished_training_resumes_to_its_result(tmp_path, pictures):
    path = tmp_path / "checkpoint"
    first = fit(pictures, path)
    before = path.stat().st_mtime_ns
    again = fit(pictures, path, resume=True)
    assert again[1:3] == first[1:3] and path.stat().st_mtime_ns == before
    assert all(np.array_equal(a, b) for a, b in zip(first[0].params(), again[0].params()))
    for a, b in zip(first[0].weight_layers, again[0].weight_layers):
        assert a.centre == b.centre and np.array_equal(a.w, b.w)
    images = pictures[1][0]
    assert np.array_equal(first[0].forward(images), again[0].forward(images))


@pytest.fixture
def saved(tmp_path):
    net, optimizer, rng = start("0/1 centred", fast.Adam)
    path = tmp_path / "checkpoint"
    checkpoint.save(path, net, optimizer, rng, "this one", {"rows": []})
    return path


def refused(path, message, method="0/1 centred", width=6, identity="this one", kind=fast.Adam,
            generator=np.random.PCG64):
    """Load into another training; it must be refused, and leave everything as it was."""
    net, optimizer, _ = start(method, kind, width)
    rng = np.random.Generator(generator(3))
    for array in checkpoint.state(net, optimizer).values():
        if array.ndim:
            array[...] = 7
    state = checkpoint.state(net, optimizer)
    before = {k: v.copy() for k, v in state.items()}
    drawn = checkpoint.listed(rng.bit_generator.state)
    with pytest.raises(checkpoint.CheckpointError, match=message):
        checkpoint.load(path, net, optimizer, rng, identity)
    state = checkpoint.state(net, optimizer)
    assert all(np.array_equal(before[name], state[name]) for name in before)
    assert checkpoint.listed(rng.bit_generator.state) == drawn


def test_a_checkpoint_of_another_training_is_refused(saved):
    refused(saved, "is of another training:\n    this one\nand not of\n    that", identity="that")
    refused(saved, r"another architecture: 0.latent is \(27, 6\) float32, and \(27, 7\)", width=7)
    refused(saved, "another architecture: optimizer.m.0 is .*, and nothing", kind=optim.SGD)
    refused(saved, "is of fast.Adam, and not of optim.Adam", kind=optim.Adam)
    refused(saved, "random numbers are by PCG64, and by Philox here", generator=np.random.Philox)


@pytest.mark.parametrize("generator", GENERATORS)
def test_any_bit_generator_goes_on_where_it_was(tmp_path, generator):
    net, optimizer, _ = start("0/1", fast.Adam)
    rng = np.random.Generator(generator(8))
    rng.random(3, dtype=np.float32)                # half of a word is left over in most kinds
    checkpoint.save(tmp_path / "checkpoint", net, optimizer, rng, "this one", {})
    expected = rng.random(1000, dtype=np.float32)
    other = np.random.Generator(generator(9))
    checkpoint.load(tmp_path / "checkpoint", net, optimizer, other, "this one")
    assert np.array_equal(other.random(1000, dtype=np.float32), expected)
    different = GENERATORS[GENERATORS.index(generator) - 1]
    refused(
        tmp_path / "checkpoint", f"are by {generator.__name__}, and by {different.__name__} here",
        "0/1", generator=different,
    )


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("damage", [
    lambda state: state.pop("state"),
    lambda state: state["state"].popitem(),
    lambda state: state["state"].update(dict.fromkeys(state["state"], -1)),
    lambda state: state["state"].update(dict.fromkeys(state["state"], [1, 2])),
    lambda state: state["state"].update(dict.fromkeys(state["state"], "x")),
])
def test_no_state_of_a_generator_changes_nothing(tmp_path, monkeypatch, generator, damage):
    net, optimizer, _ = start("0/1 centred", fast.Adam)
    rng = np.random.Generator(generator(8))
    state = checkpoint.listed(rng.bit_generator.state)
    damage(state)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "listed", lambda _: state)
        checkpoint.save(tmp_path / "checkpoint", net, optimizer, rng, "this one", {})
    refused(tmp_path / "checkpoint", f"no state of {generator.__name__}", generator=generator)


def test_an_unknown_optimizer_is_refused_by_name(tmp_path):
    class Mine(optim.SGD):
        pass

    net, _, rng = start("0/1", optim.SGD)
    with pytest.raises(TypeError, match="Mine.*; it must be one of SGD, NormalizedSGD, Adam"):
        checkpoint.save(tmp_path / "checkpoint", net, Mine(net.params()), rng, "this one", {})
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_checkpoint_is_refused(saved, tmp_path):
    content = saved.read_bytes()
    for size in (0, 10, 32, 33, len(content) // 2, len(content) - 1):
        saved.write_bytes(content[:size])
        refused(saved, "truncated or altered")
    saved.write_bytes(content + b"\0")
    refused(saved, "truncated or altered")
    for at in range(0, len(content), 997):
        saved.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        refused(saved, "truncated or altered")
    refused(tmp_path / "nothing", "cannot be read: No such file")


def full_disk(monkeypatch):
    def fsync(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_full_disk_leaves_the_last_good_checkpoint(saved, monkeypatch):
    content = saved.read_bytes()
    net, optimizer, rng = start("0/1 centred", fast.Adam)
    full_disk(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(saved, net, optimizer, rng, "this one", {"rows": [1]})
    assert saved.read_bytes() == content
    assert list(saved.parent.iterdir()) == [saved]


def test_training_goes_on_without_checkpoints_and_says_so(tmp_path, pictures, monkeypatch):
    full_disk(monkeypatch)
    _, rows, _, lines = fit(pictures, tmp_path / "checkpoint")
    assert len(rows) == EPOCHS
    said = [line for line in lines if line.startswith("no checkpoint of epoch")]
    assert len(said) == EPOCHS and "No space left on device" in said[0]
    assert list(tmp_path.iterdir()) == []
