"""The trace of a training, and the page that plays it; what the command will not take."""

from pathlib import Path

import numpy as np
import pytest
from conftest import frozen_example
from test_main import call

from sbnn_np.bits import freeze, storage
from sbnn_np.core import network, optim, sparsity, train
from sbnn_np.datasets import strokes
from sbnn_np.page import page
from sbnn_np.page import trace as traces

EXAMPLES = Path(__file__).resolve().parent.parent / "figures" / "examples"


@pytest.fixture(scope="module")
def trained():
    """A small training with a trace, and the same one without."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 300)
    images = strokes.draw(labels, rng).reshape(300, 784)
    trace, nets, rows = traces.Trace(), [], []
    for hooks in ({"on_step": trace.on_step, "on_epoch": trace.on_epoch}, {}):
        rng = np.random.default_rng(1)
        net = network.mlp([784, 24, 10], "0/1 centred", rng, p0=0.01)
        rule = sparsity.NetBudget(sparsity.Schedule(target=0.05, start=0.01))
        found, _ = train.fit(
            net, (images, labels), (images, labels), rule, optim.NormalizedSGD(net.params()),
            rate=1e-2, epochs=3, rng=rng, batch=50, **hooks,
        )
        nets.append(net)
        rows.append(found)
    return trace, nets, rows


def test_a_trace_changes_nothing_and_notes_every_epoch(trained, tmp_path):
    trace, nets, rows = trained
    for with_trace, without in zip(nets[0].params(), nets[1].params()):
        assert np.array_equal(with_trace, without)
    assert trace.density[1:] == [row["density"] for row in rows[0]]
    assert trace.densities[1:] == [row["layer_densities"] for row in rows[0]]
    assert trace.accuracy == [row["validation_accuracy"] for row in rows[0]]
    assert np.array_equal(trace.bits[-1], nets[0].weight_layers[0].mask[:, :16].T)
    assert abs(trace.density[0] - 0.01) < 0.001 and len(trace.bits) == 4
    trace.save(tmp_path / "trace.npz")
    loaded = traces.load(tmp_path / "trace.npz")
    assert np.array_equal(loaded.bits, trace.bits) and loaded.shape == (28, 28)
    assert np.array_equal(loaded.densities, trace.densities)
    assert loaded.accuracy == trace.accuracy and loaded.density == trace.density
    assert (tmp_path / "trace.npz").stat().st_size < 20_000


def test_the_page_plays_the_training(chromium, trained):
    trace, nets, _ = trained
    model = freeze.freeze(nets[0], classes=("</script>", *"123456789"))
    found = chromium(page.make(model, trace=trace), """
        const wide = () => document.documentElement.scrollWidth - innerWidth, beyond = [wide()];
        const views = element("views").hidden;
        element("see-training").click();
        const frames = [0, 1, 2, 3].map(e => {
          element("epoch").value = e;
          element("epoch").dispatchEvent(new Event("input"));
          return [element("epoch-title").textContent, element("epoch-text").textContent];
        });
        const bits = TRAINING.trace.bits.map(frame => frame.map(neuron => neuron.join("")));
        element("play").click();
        const playing = element("play").textContent;
        element("play").click();
        return {views, frames, bits, playing, paused: element("play").textContent,
                canvases: element("learners").children.length,
                examples: element("examples").children.length, name: MODEL.classes[0],
                beyond: [...beyond, wide()]};
    """, width=500)
    told = np.array([[list(map(int, bits)) for bits in frame] for frame in found["bits"]])
    assert np.array_equal(told, np.array(trace.bits))
    assert [title for title, _ in found["frames"]] == [
        "At the start", "After epoch 1 of 3", "After epoch 2 of 3", "After epoch 3 of 3"
    ]
    assert found["frames"][3][1] == (
        f"{100 * trace.density[3]:.2f}% of all weights are 1. Below are 16 neurons of the first "
        f"layer, each with a place for every pixel. They have {trace.bits[3].sum()} ones. "
        f"Validation accuracy: {100 * trace.accuracy[2]:.1f}%."
    )
    assert (found["playing"], found["paused"]) == ("Pause", "Play")
    assert (found["canvases"], found["examples"], found["name"]) == (16, 0, "</script>")
    assert not found["views"]
    assert max(found["beyond"]) <= 0                      # the screen of a telephone is enough


# what is refused


def test_what_the_command_cannot_do_it_says(tmp_path, trained):
    model, trace = EXAMPLES / "digits.sbnn", tmp_path / "trace.npz"
    storage.save(frozen_example("+-1")[0], tmp_path / "signs.sbnn")
    (tmp_path / "text.npz").write_text("no trace", encoding="utf-8")
    np.savez(tmp_path / "other.npz", shape=np.array([28, 28]))
    fitting = trained[0].bits
    np.savez(
        trace, shape=[28, 28], bits=fitting, densities=trained[0].densities, density=[0.5],
        accuracy=trained[0].accuracy,
    )
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    many = np.zeros((21, 28, 28), np.uint8)
    header = bytes([0, 0, 8, 3]) + np.array(many.shape, ">i4").tobytes()
    (tmp_path / "many").write_bytes(header + many.tobytes() * 2)
    out = ["--out", tmp_path / "page.html"]
    for arguments, message in (
        ([tmp_path / "signs.sbnn", *out], "layer 1 has +-1 weights; the page shows"),
        ([tmp_path / "none.sbnn", *out], "none.sbnn: No such file"),
        ([model, "--out", tmp_path / "file" / "page.html"], "file"),
        ([model, "--out", tmp_path], "Is a directory"),
        ([model, *out, "--images", tmp_path / "text.npz"], "neither a PNG nor an idx file"),
        ([model, *out, "--trace", tmp_path / "none.npz"], "none.npz: No such file"),
        ([model, *out, "--trace", tmp_path / "text.npz"], "text.npz: this is no trace"),
        ([model, *out, "--trace", tmp_path / "other.npz"], "other.npz: this is no trace"),
        ([model, *out, "--trace", trace], "trace.npz: its arrays do not fit one another"),
    ):
        done = call("page", *arguments)
        assert done.returncode == 2 and done.stderr.startswith("error: "), done.stderr
        assert message in done.stderr and "Traceback" not in done.stderr
        assert not (tmp_path / "page.html").exists()


def test_traces_of_other_networks_are_refused(trained):
    trace = traces.Trace()
    net = network.mlp([30, 20, 5], "0/1", np.random.default_rng(0), p0=0.2)
    with pytest.raises(traces.TraceError, match=r"shape \(30,\), not square grey pictures"):
        trace.on_step(0, net)
    net = network.mlp([784, 20, 5], "+-1", np.random.default_rng(0))
    with pytest.raises(traces.TraceError, match="Dense with weights"):
        trace.on_step(0, net)
    with pytest.raises(traces.TraceError, match="goes on with step 7; a trace begins with step 0"):
        trace.on_step(7, net)
    with pytest.raises(traces.TraceError, match="step 0 was not noted"):
        trace.on_epoch({}, net)
    with pytest.raises(traces.TraceError, match="no epoch was noted"):
        trace.save("nowhere.npz")
    trace.shape, trace.bits = (16, 16), [np.zeros((16, 256), bool)]
    with pytest.raises(page.PageError, match="of 16 x 16 pixels; the network takes 28 x 28"):
        page.make(storage.load(EXAMPLES / "digits.sbnn"), trace=trace)
