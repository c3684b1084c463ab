"""The page for the browser: in Chromium it gives Python's scores, to the last bit."""

import base64
import json
import re
import tempfile
import tomllib
from pathlib import Path

import numpy as np
import pytest
from conftest import frozen_example
from test_main import call

from sbnn_np.bits import bitops, freeze, storage
from sbnn_np.core import network
from sbnn_np.datasets import strokes
from sbnn_np.engines import floats
from sbnn_np.own import images as pictures
from sbnn_np.page import page

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "figures" / "examples"


@pytest.fixture(scope="module")
def digits():
    """The committed network, and the page that the command makes of it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "page.html"
        done = call("page", EXAMPLES / "digits.sbnn", "--out", out)
        assert done.returncode == 0, done.stderr
        assert "10 test images; open it in a browser" in done.stdout
        return storage.load(EXAMPLES / "digits.sbnn"), out.read_text(encoding="utf-8")


# scores


def random_model(sizes, method, p0, seed, binarize=None):
    """A frozen network whose batch norm has measured strokes; `sizes` begins with 784."""
    rng = np.random.default_rng(seed)
    net = network.mlp(sizes, method, rng, p0=p0)
    images = strokes.draw(np.arange(10).repeat(4), rng).reshape(40, 784)
    net.forward(images if binarize is None else images > binarize, train=True)
    return freeze.freeze(net, binarize=binarize)


def random_convolutions(convs, kernel, padding, method, seed):
    """A frozen convolutional network whose batch norm has measured strokes."""
    rng = np.random.default_rng(seed)
    net = network.convnet((28, 28, 1), convs, [12, 10], kernel, padding, method, rng, p0=0.2)
    net.forward(strokes.draw(np.arange(10).repeat(4), rng), train=True)
    return freeze.freeze(net)


MODELS = {
    "centred, of pixels": random_model([784, 60, 30, 10], "0/1 centred", 0.05, 0),
    "plain, of bits": random_model([784, 33, 10], "0/1", 0.02, 1, binarize=127),
    "mostly ones": random_model([784, 20, 7, 5, 10], "0/1 centred", 0.9, 2),
    "too dense for a code": random_model([784, 20, 10], "0/1", 0.5, 3, binarize=0),
    "nearly without ones": random_model([784, 20, 10], "0/1 centred", 1e-4, 4),
    "convolutions": random_convolutions([3, "pool", 4, "pool"], 5, 0, "0/1", 5),
    "with padding and a rest": random_convolutions([2, "pool", 5, "pool"], 4, 1, "0/1 centred", 6),
}


def adds_of(model):
    """Additions for one image, by the count that other tests hold to the loops."""
    bits = 8 if model.binarize is None else 1
    return sum(each["adds"] for each in bitops.operations(freeze.thaw(model), bits))


def hidden_bits(model, images):
    """The bits of each hidden layer, by whole numbers of NumPy; of dense networks alone."""
    if any(block.kernel for block in model.blocks):
        return []
    x, found = model.first_inputs(images.reshape(len(images), -1)).astype(np.int64), []
    for block in model.blocks[:-1]:
        Z = block.unit * (x @ block.w) - block.centre * x.sum(axis=1, keepdims=True)
        x = ((Z >= block.threshold) ^ block.flip).astype(np.int64)
        found.append(x)
    return found


def test_scores_bits_and_additions_are_pythons(chromium, digits):
    model, content = digits
    rng = np.random.default_rng(0)
    images = strokes.draw(rng.integers(0, 10, 200), rng).reshape(200, 784)
    images[190:] = rng.integers(0, 256, (10, 784))
    images[199] = 0
    models = {"committed": model, **MODELS}
    files = {name: page.text_of(storage.dumps(each)) for name, each in models.items()}
    answers = chromium(content, f"""
        const files = {json.dumps(files)}, images = bytesOf("{page.text_of(images.tobytes())}");
        return Object.fromEntries(Object.entries(files).map(([name, file]) => {{
          const model = readModel(bytesOf(file)), answers = [];
          for (let n = name === "committed" ? 0 : 160; n < 200; n++) {{
            const result = forward(model, images.subarray(784 * n, 784 * (n + 1)));
            const scores = [...new Uint32Array(result.scores.buffer)];
            const dense = model.blocks.every(block => !block.kernel);
            const hidden = dense ? result.layers.slice(0, -1) : [];
            const bits = hidden.map(layer => layer.bits.join(""));
            const {{ones, firsts, totals, subtractions}} = partsOfAdds(model);
            const parts = ones - firsts + totals + subtractions;
            answers.push({{scores, adds: result.adds, parts, bits}});
          }}
          return [name, answers];
        }}));
    """)
    for name, each in models.items():
        asked = images if name == "committed" else images[160:]
        expected = floats.Floats(each).forward(asked)
        found = np.array([answer["scores"] for answer in answers[name]], np.uint32)
        assert np.array_equal(found, expected.view(np.uint32)), name
        for count in ("adds", "parts"):
            assert {answer[count] for answer in answers[name]} == {adds_of(each)}, name
        for layer, bits in enumerate(hidden_bits(each, asked)):
            told = [[int(bit) for bit in answer["bits"][layer]] for answer in answers[name]]
            assert np.array_equal(told, bits), (name, layer)


def test_a_score_off_by_one_bit_would_be_seen(chromium, digits):
    """Without one rounding to float32, some of the scores change: the test above can fail."""
    model, content = digits
    rounds = "Math.fround(Math.fround(sums[m] / layer.unit) * layer.factor[m])"
    assert content.count(rounds) == 1
    images = np.stack([strokes.draw(np.array([d]), np.random.default_rng(d)) for d in range(10)])
    scores = chromium(content.replace(rounds, rounds[len("Math.fround(") : -1]), f"""
        const images = bytesOf("{page.text_of(images.tobytes())}"), scores = [];
        for (let n = 0; n < 10; n++) {{
          const result = forward(MODEL, images.subarray(784 * n, 784 * (n + 1)));
          scores.push([...new Uint32Array(result.scores.buffer)]);
        }}
        return scores;
    """)
    expected = floats.Floats(model).forward(images.reshape(10, 784)).view(np.uint32)
    assert 0 < (np.array(scores, np.uint32) != expected).sum() < 60


# drawing


def picture_of(ink, side=28):
    """The picture of a drawing, (280, 280) bool, as the makers of MNIST describe it."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    size, n = max(height, width), round(side * 20 / 28)
    square = np.zeros((size, size), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = (
        ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    )
    # means over areas, in whole numbers: n * n times the part of each pixel that has ink
    parts = np.rint(pictures.overlap(size, n) * size).astype(np.int64)
    area = parts @ square @ parts.T
    box = (510 * area + size * size) // (2 * size * size)
    assert np.abs(box - 255 * pictures.resized(square, n, n)).max() <= 0.5 + 1e-9
    picture = np.zeros((3 * side, 3 * side), np.int64)
    mass = box.sum()
    middle = [
        side // 2 - int(np.floor((box.sum(axis=1 - axis) * np.arange(n)).sum() / mass + 0.5))
        for axis in (0, 1)
    ]
    picture[side + middle[0] :, side + middle[1] :][:n, :n] = box
    return picture[side : 2 * side, side : 2 * side]


STROKES = [                              # a 4, a dot at the edge, a line to the corner, a small 7
    [[[150, 40], [70, 160], [210, 160]], [[170, 90], [165, 250]]],
    [[[0, 140], [0, 141]]],
    [[[20, 25], [279, 279]]],
    [[[100, 100], [140, 100], [115, 150]]],
]


def test_a_drawing_becomes_a_picture_as_mnist_was_made(chromium, digits):
    _, content = digits
    answers = chromium(content, f"""
        const pad = element("pad");
        function send(type, [x, y]) {{
          const box = pad.getBoundingClientRect();
          pad.dispatchEvent(new PointerEvent(type, {{
            clientX: box.left + x * box.width / PAD, clientY: box.top + y * box.height / PAD,
            buttons: 1, pointerId: 1, bubbles: true,
          }}));
        }}
        return {json.dumps(STROKES)}.map(strokes => {{
          element("clear").click();
          for (const stroke of strokes) {{
            send("pointerdown", stroke[0]);
            stroke.slice(1).forEach(point => send("pointermove", point));
            send("pointerup", stroke[stroke.length - 1]);
          }}
          update();
          const answer = element("answer").textContent;
          return {{ink: state.ink.join(""), pixels: [...state.pixels], answer}};
        }});
    """)
    for answer, drawn in zip(answers, STROKES):
        ink = np.array([bit == "1" for bit in answer["ink"]]).reshape(280, 280)
        for stroke in drawn:
            assert all(ink[y, x] for x, y in stroke)
        pixels = np.array(answer["pixels"]).reshape(28, 28)
        assert np.array_equal(pixels, picture_of(ink))
        if ink.sum() > 5000:             # not cut off by the shift
            at = (pixels.sum(axis=1) @ np.arange(28)) / pixels.sum()
            assert 13.5 <= at < 14.5
    assert answers[0]["answer"] == "The network reads 4"


def test_pictures_of_another_size_and_a_light_ground(chromium):
    rng = np.random.default_rng(0)
    net = network.mlp([256, 20, 3], "0/1", rng, p0=0.1)
    net.forward(rng.integers(0, 256, (20, 256)), train=True)
    model = freeze.freeze(net, classes=("one", "two", "three"), ground="light")
    images = rng.integers(0, 256, (2, 256), dtype=np.uint8)
    found = chromium(page.make(model, images, ["a", "b"]), """
        element("examples").children[1].click();
        const second = [...state.result.scores], words = element("neuron-text").textContent;
        element("clear").click();
        const cleared = [Math.min(...state.pixels), element("answer").textContent];
        drawLine(state.ink, 60, 60, 200, 250);
        update();
        return {second, cleared, words, ink: state.ink.join(""), pixels: [...state.pixels]};
    """)
    assert found["second"] == floats.Floats(model).forward(images)[1].tolist()
    assert "have brightness now" in found["words"]
    assert found["cleared"] == [255, "Blank: there is nothing to read."]
    ink = np.array([bit == "1" for bit in found["ink"]]).reshape(280, 280)
    assert np.array_equal(np.reshape(found["pixels"], (16, 16)), 255 - picture_of(ink, 16))


# what can be clicked, and the keys


def test_clicks_and_keys(chromium, digits):
    model, content = digits
    images = np.concatenate([
        pictures.read(EXAMPLES / f"digit_{d}.png", model)[0] for d in range(10)
    ])
    found = chromium(content, """
        const key = (id, name) => {
          const target = typeof id === "string" ? element(id) : id;
          target.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true}));
        };
        const text = id => element(id).textContent, found = {};
        found.examples = [...element("examples").children].map(button => {
          button.click();
          return [[...state.pixels], text("answer")];
        });
        const [first, second] = [...element("layers").children].map(stage => stage.children[1]);
        key(first, "ArrowRight");
        key(first, "ArrowDown");
        found.first = [state.chosen, text("neuron-title"), text("neuron-text"), text("exactly")];
        const box = second.getBoundingClientRect(), grid = layerGrid(MODEL.layers[1]);
        second.dispatchEvent(new PointerEvent("pointerdown", {
          clientX: box.left + MARGIN + 2.5 * grid.cell, clientY: box.top + MARGIN + 1.5 * grid.cell,
          bubbles: true,
        }));
        found.second = [state.chosen, grid.columns, text("account"), text("exactly")];
        element("previous").click();
        found.previous = state.chosen;
        element("scores").children[9].click();
        found.score = [state.chosen, text("neuron-title"), text("account")];
        key("pad", "ArrowLeft");
        key("pad", " ");
        for (let i = 0; i < 6; i++) key("pad", "ArrowDown");
        key("pad", " ");
        key("pad", "ArrowUp");
        found.keys = [state.ink.join("").lastIndexOf("1"), state.pixels.some(pixel => pixel > 0)];
        key("pad", "Delete");
        found.cleared = [state.ink.includes(1), text("answer")];
        found.costs = text("costs");
        found.views = element("views").hidden;            // without a trace there is one view
        found.ready = Number(document.body.dataset.ready);
        return found;
    """)
    scores = floats.Floats(model).forward(images)
    for d, (pixels, answer) in enumerate(found["examples"]):
        assert np.array_equal(pixels, images[d])
        told = f"The network reads {scores[d].argmax()}"
        assert answer == (told if scores[d].argmax() == d else f"{told} \u2717 it is a {d}")
    bits, columns = hidden_bits(model, images[9:]), found["second"][1]
    chosen, title, text, exactly = found["first"]
    m, first = chosen["i"], model.blocks[0]
    assert chosen == {"l": 0, "i": 1 + columns} and columns == 16
    state = "fires (1)" if bits[0][0, m] else "is silent (0)"
    assert title == f"Neuron {m + 1} of layer 1 {state}"
    assert text.startswith(f"{first.w[:, m].sum()} of its 784 weights are 1.")
    assert f"subtracts {first.centre}/64 of the total ink" in text
    assert f"the sum is {'below' if first.flip[m] else 'at or above'} its threshold" in text
    assert f"{first.threshold[m]:,}" in exactly and exactly.endswith(f"the bit is {bits[0][0, m]}.")
    m = 2 + columns
    chosen, _, account, exactly = found["second"]
    z = bits[0][0] @ model.blocks[1].w[:, m]
    assert chosen == {"l": 1, "i": m} and f"ones that meet a 1{z}" in account
    assert exactly.endswith(f"the bit is {bits[1][0, m]}.")
    assert found["previous"] == {"l": 1, "i": m - 1}
    assert found["score"][:2] == [{"l": 2, "i": 9}, "Class 9"]
    factor, offset = model.blocks[2].factor[9], model.blocks[2].offset[9]
    assert f"the ones argue {'against' if factor < 0 else 'for'} it" in found["score"][2]
    for value in (f"{abs(factor):.4f}", f"{abs(offset):.4f}", f"{abs(scores[9, 9]):.2f}"):
        assert value.rstrip("0") in found["score"][2]
    assert found["keys"] == [212 * 280 + 130, True]
    assert found["cleared"] == [False, "Blank: there is nothing to read."]
    assert f"{adds_of(model):,}" in found["costs"]
    parts = "33,433 ones \u2212 1,032 (", " + 1,805 (", " + 1,034 ("
    for value in (*parts, "5.28% of the 667,638", "26,123", "0.98% of the 2,678,824"):
        assert value in found["costs"]
    assert found["views"]
    assert found["ready"] < 1000


def test_a_blank_picture_moves_nothing_and_wrong_readings_are_marked(chromium, digits):
    """Clear leaves all stages in their places, greys the scores, and a wrong answer is told."""
    model, content = digits
    images = np.concatenate([
        pictures.read(EXAMPLES / f"digit_{d}.png", model)[0] for d in range(10)
    ])
    script = """
        const ids = ["pad", "clear", "examples", "picture", "layers", "scores"], found = {};
        const grey = () => getComputedStyle(element("scores")).opacity < 1;
        const places = () => ids.map(id => {
          const {left, top, width} = element(id).getBoundingClientRect();
          return [left, top, width];
        }).concat([document.querySelector(".below").getBoundingClientRect().top]);
        found.full = [places(), grey()];
        element("clear").click();
        found.blank = [places(), grey()];
        found.marks = [...element("examples").children].map(button => (
          [button.title, getComputedStyle(button, "::after").content !== "none"]
        ));
        found.misread = element("misread").textContent;
        element("examples").firstChild.click();
        element("scores").children[7].click();
        const wires = element("wires");
        const points = wires.getContext("2d").getImageData(0, 0, wires.width, wires.height).data;
        found.wires = points.filter((value, i) => i % 4 === 3 && value).length;
        return found;
    """
    read = floats.Floats(model).forward(images).argmax(axis=1)
    wrong = {d: f"a {d}, read as {read[d]}" for d in range(10) if read[d] != d}
    assert wrong[7] == "a 7, read as 3"
    for width in (1200, 900, 500):
        found = chromium(content, script, width)
        (full, grey), (blank, greyed) = found["full"], found["blank"]
        assert full == blank and (grey, greyed) == (False, True)
        assert found["wires"] > 1000                      # points of the lines to a class
        assert found["marks"] == [[wrong.get(d, str(d)), d in wrong] for d in range(10)]
        assert found["misread"] == ", ".join(f"\u2717 {told}" for told in wrong.values())


def test_a_neuron_of_a_convolution_shows_its_window(chromium):
    """Its sum, from what the panel says, is that of the largest of four windows of the picture."""
    model = MODELS["with padding and a rest"]
    image = strokes.draw(np.array([3]), np.random.default_rng(0))
    found = chromium(page.make(model, image, ["3"]), """
        choose(0, (6 * 13 + 5) * 2 + 1);                   // row 7, column 6, neuron 2
        const layer = MODEL.layers[0], here = state.result.layers[0], {i} = state.chosen;
        const found = {
          title: element("neuron-title").textContent, exactly: element("exactly").textContent,
          place: here.places[i], inputs: inputsOf(layer, here, i), Z: here.sums[i],
        };
        const canvas = element("layers").children[0].children[1];
        const box = canvas.getBoundingClientRect(), [x, y] = placeOf(layerGrid(layer), i);
        canvas.dispatchEvent(new PointerEvent("pointerdown", {
          clientX: box.left + MARGIN + x + 1, clientY: box.top + MARGIN + y + 1, bubbles: true,
        }));
        found.clicked = state.chosen.i;
        for (let n = 0; n < 9; n++) {                      // beyond the gap, to the other map
          canvas.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowUp", bubbles: true}));
        }
        found.up = [state.chosen.i % 2, Math.floor(state.chosen.i / 2)];
        return found;
    """)
    block, padded = model.blocks[0], np.pad(image[0, :, :, 0].astype(int), 1)
    w = block.w[:, 1].reshape(4, 4)
    sums = {}
    for oh in (12, 13):
        for ow in (10, 11):
            window = padded[oh : oh + 4, ow : ow + 4]
            sums[oh * 27 + ow] = 64 * window[w].sum() - block.centre * window.sum()
    place = max(sums, key=sums.get)
    assert (found["place"], found["Z"]) == (place, sums[place])
    oh, ow = divmod(place, 27)
    rows, columns = np.nonzero(w)
    assert found["inputs"] == ((rows + oh - 1) * 28 + columns + ow - 1).tolist()
    bit = (sums[place] >= block.threshold[1]) ^ block.flip[1]
    assert found["title"].startswith("Neuron 2 of layer 1, row 7, column 6, ")
    assert found["exactly"].endswith(f"the bit is {int(bit)}.")
    assert found["clicked"] == (6 * 13 + 5) * 2 + 1
    assert found["up"] == [0, 10 * 13 + 5]                # 6 steps to row 0, then 12, 11, 10


# the file


def test_the_page_is_small_and_needs_nothing_else(digits):
    model, content = digits
    assert len(content.encode()) < 300_000
    data = json.loads(re.search(r'id="data">(.*?)</script>', content)[1])
    assert base64.b64decode(data["file"]) == (EXAMPLES / "digits.sbnn").read_bytes()
    assert [name for name, _ in data["examples"]] == list("0123456789")
    assert set(re.findall(r"https?://[\w./]*", content)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|src=|@import|url\(|fetch\(|XMLHttp|import\(", content)
    assert "default-src 'none'" in content


def test_an_installed_package_has_the_sources_of_the_page():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tools = project["tool"]["setuptools"]
    assert "sbnn_np.page" in tools["packages"]
    folder = ROOT / "sbnn_np" / "page"
    taken = {path for end in tools["package-data"]["sbnn_np.page"] for path in folder.glob(end)}
    others = {path for path in folder.iterdir() if path.is_file() and path.suffix != ".py"}
    assert taken == others and len(others) >= 3
    html = (folder / "page.html").read_text(encoding="utf-8")
    named = set(re.findall(r'(?:src|href)="([\w.]+)"', html))
    assert named == {path.name for path in others} - {"page.html"}
    for path in others:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert max(map(len, lines)) <= 100, path


# what is refused


def test_networks_that_the_page_cannot_show_are_refused():
    for kind, message in (
        ("float first", "layer 1 has float weights; the page shows networks whose weights are all"),
        ("conv", "the network takes 9 x 8 x 2 numbers; the page needs square grey pictures"),
        ("+-1", r"layer 1 has \+-1 weights; the page shows networks whose weights are all 0 or 1"),
    ):
        with pytest.raises(page.PageError, match=message):
            page.make(frozen_example(kind)[0])
    rng = np.random.default_rng(0)
    net = network.mlp([30, 20, 5], "0/1", rng, p0=0.2)
    net.forward(rng.integers(0, 256, (20, 30)), train=True)
    with pytest.raises(page.PageError, match="takes 30 numbers; the page needs square grey"):
        page.make(freeze.freeze(net))
    net = network.mlp([784, 5], "0/1", rng, p0=0.2)
    net.forward(rng.integers(0, 256, (20, 784)), train=True)
    with pytest.raises(page.PageError, match="has 1 layers; the page shows 2 to 8"):
        page.make(freeze.freeze(net))
    net = network.convnet((28, 28, 1), [11], [3], 3, 1, "0/1", rng, 0.2)
    net.forward(rng.integers(0, 256, (20, 28, 28, 1)), train=True)
    with pytest.raises(page.PageError, match="layer 1 has 8624 outputs; the page shows 8192"):
        page.make(freeze.freeze(net))
