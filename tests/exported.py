"""Random networks for the exporter, and a program of many exported networks."""

import shutil
import subprocess

import numpy as np
import pytest

from sbnn_np.bits import freeze
from sbnn_np.core import layers, network
from sbnn_np.engines import packed
from sbnn_np.export import c_scores, exporter, layouts

COMPILER = shutil.which("gcc") or shutil.which("clang")
STRICT = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic"]
FAST = ["-O2", "-march=native", "-ffp-contract=fast"]
SAFE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
needs_compiler = pytest.mark.skipif(
    COMPILER is None, reason="no C compiler; this installs one: apt-get install gcc libc6-dev"
)


def random_network(seed):
    """A frozen network of odd sizes, with flips, empty neurons and constant ones, and images.

    Returns
    -------
    model : frozen.Frozen
    images : (N, ...) uint8
    """
    rng = np.random.default_rng(seed)
    method = rng.choice(["0/1", "0/1 centred"])
    binarize = [None, 99, 99][seed % 3]
    found, is_conv = [], rng.random() < 0.75
    if is_conv:
        shape = (int(rng.integers(5, 14)), int(rng.integers(5, 36)), int(rng.integers(1, 4)))
    else:
        shape = (int(rng.choice([5, 70, 300, 700])),)
    place = shape
    for _ in range(int(rng.integers(1, 3)) * is_conv):
        kernel = tuple(int(min(rng.integers(1, 4), side)) for side in place[:2])
        stride = int(rng.choice([1, 1, 1, 2]))
        padding = int(rng.integers(0, min(kernel)))
        F = int(rng.choice([1, 2, 3, 5, 8, 90]))           # 90 channels have more than 255 inputs
        latent, scale = network.initial(
            (kernel[0] * kernel[1] * place[2], F), method, rng, 0.3, 0.1, np.float32
        )
        conv = layers.Conv(latent, place, kernel, method, not found, stride, padding)
        OH, OW, _ = conv.out_shape
        pool = int(min(rng.choice([1, 2, 3]), OH, OW))
        found += [conv] + [layers.MaxPool(pool)] * (pool > 1)
        found += [layers.BatchNorm(scale), layers.Activation("bit")]
        place = (OH // pool, OW // pool, F)
    sizes = [int(np.prod(place)), *rng.integers(1, 40, int(rng.integers(0, 3))), 4]
    found += [layers.Flatten()] * is_conv
    p0 = rng.choice([0.004, 0.05, 0.5])
    for D, M in zip(sizes, sizes[1:]):
        latent, scale = network.initial((D, M), method, rng, p0, 0.1, np.float32)
        found += [layers.Dense(latent, method), layers.BatchNorm(scale), layers.Activation("bit")]
    net = network.Network(found[:-1], shape)
    for layer in net.sparse_layers:
        mask = layer.mask.copy()
        mask[:, rng.random(mask.shape[1]) < 0.1] = False       # empty neurons
        if rng.random() < 0.1:
            mask[...] = True                                   # a centre of 64/64
        layer.set_mask(mask)
        layer.recentre()
    for layer in net.layers:
        if isinstance(layer, layers.BatchNorm):
            layer.params["scale"] *= rng.choice([-1, 1, 0], len(layer.params["scale"]), p=[
                0.45, 0.45, 0.1,
            ]).astype(np.float32)
            layer.params["shift"] += rng.normal(0, 0.3, len(layer.params["shift"]))
    images = rng.integers(0, 256, (6, *shape)).astype(np.uint8)
    images[0] = 255 * (seed % 2)
    net.forward(images if binarize is None else (images > binarize).astype(np.uint8), train=True)
    return freeze.freeze(net, binarize=binarize), images


def run_together(folder, cases, flags=()):
    """Compile many networks into one program, and run all their images.

    Parameters
    ----------
    folder : Path
    cases : list of (frozen.Frozen, images, dict)
        The last is for `exporter.export`.
    flags : sequence of str
        For the compiler, besides the strict ones.

    Returns
    -------
    answers : list of ((N, M) float32, (N,) int)
        Scores, or None where the program has the class alone; and classes.
    """
    includes, calls, given = [], [], b""
    for i, (model, images, options) in enumerate(cases):
        exporter.export(model, folder, f"n{i}", **options)
        content = layouts.image_bytes(model, images)
        includes.append(f'#include "n{i}.c"\n')
        scores = "" if options.get("class_only") else f"""
        float scores[N{i}_CLASSES];
        n{i}_scores(image, scores);
        fwrite(scores, sizeof scores[0], N{i}_CLASSES, stdout);"""
        calls.append(f"""
    for (i = 0; i < {len(content)}; i++) {{
        static uint8_t image[N{i}_IMAGE_BYTES];
        if (fread(image, 1, sizeof image, stdin) != sizeof image)
            return 1;{scores.replace("        n", "        n", 1)}
        putchar(n{i}_class(image));
    }}""")
        given += content.tobytes()
    (folder / "all.c").write_text(
        f"#include <stdio.h>\n{''.join(includes)}int main(void)\n{{\n    int i;{''.join(calls)}\n"
        "    return 0;\n}\n", encoding="utf-8",
    )
    program = folder / "all"
    subprocess.run([COMPILER, *STRICT, *flags, "-o", program, folder / "all.c"], check=True)
    done = subprocess.run([program], input=given, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    answers, at = [], 0
    for model, images, options in cases:
        floats = 0 if options.get("class_only") else 4 * len(model.classes)
        size = len(images) * (floats + 1)
        rows = np.frombuffer(done.stdout[at : at + size], np.uint8).reshape(len(images), -1)
        scores = rows[:, :floats].copy().view("<f4") if floats else None
        answers.append((scores, rows[:, floats].astype(int)))
        at += size
    assert at == len(done.stdout)
    return answers


def check_answers(cases, answers):
    """Compare what C says with what Python says."""
    for (model, images, _), (scores, classes) in zip(cases, answers):
        expected = packed.Packed(model).forward(images)
        if scores is not None:
            assert np.array_equal(scores, expected)
            assert np.array_equal(classes, expected.argmax(axis=1))
            continue
        lead = -np.diff(np.sort(-expected, axis=1)[:, :2])[:, 0]
        sure = -lead > c_scores.whole_numbers(model)[2]
        assert np.array_equal(classes[sure], expected.argmax(axis=1)[sure])
