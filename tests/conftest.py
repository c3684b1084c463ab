"""Hypothesis profiles, and what several test files share."""

import html
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from sbnn_np.bits import freeze, storage
from sbnn_np.core import network

ROOT = Path(__file__).resolve().parent.parent
# the chapters import their neighbours
sys.path.insert(0, str(ROOT / "walkthrough"))

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("deep", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture
def rng():
    return np.random.default_rng(1234)


@pytest.fixture
def integers(rng):
    """Draw arrays of small integers as float64: sums and products of them are exact."""

    def draw(*shape, low=-4, high=5):
        return rng.integers(low, high, shape).astype(np.float64)

    return draw


# model files


def frozen_example(kind, seed=0):
    """A frozen network whose batch norm has measured 20 random images, and these images.

    Parameters
    ----------
    kind : "dense", "conv", "float first" or "+-1"
    seed : int
    """
    rng = np.random.default_rng(seed)
    if kind == "dense":
        shape, net = (400,), network.mlp([400, 80, 10], "0/1 centred", rng, p0=0.05)
    elif kind == "conv":
        shape = (9, 8, 2)
        net = network.convnet(shape, [5, "pool", 6], [12, 4], 3, 1, "0/1", rng, 0.2)
    elif kind == "float first":
        shape = (8, 8, 3)
        net = network.convnet(
            shape, [4, "pool", 6], [4], 3, 1, "0/1 centred", rng, 0.2, float_first=True
        )
    else:
        shape, net = (30,), network.mlp([30, 20, 5], "+-1", rng)
    images = rng.integers(0, 256, (20, *shape)).astype(np.uint8)
    net.forward(images, train=True)
    return freeze.freeze(net), images


def forged(content):
    """The bytes of a model file with the checksum corrected."""
    return content[:-4] + struct.pack("<I", zlib.crc32(content[:-4]))


def rebuilt(model, block, name, change):
    """The bytes of a model file in which a function has changed one section; checksum corrected.

    Parameters
    ----------
    model : frozen.Frozen
    block : int
    name : str
        Of the section; see `storage.sections`.
    change : function
        Takes the bytes of the section, without their number, and returns others.
    """
    found = b""
    for i, section, content in storage.sections(model):
        if (i, section) == (block, name):
            body = change(content[4:])
            content = struct.pack("<I", len(body)) + body
        found += content
    return forged(found)


def limit_memory():
    """Forbid this process to take more than 100 MiB beyond what it has; for Linux."""
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    limit = pages * resource.getpagesize() + (100 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


# chapters and their results

FIGURES = ROOT / "figures"
ROW_KEYS = {
    "method", "architecture", "target_density", "density", "schedule", "validation_accuracy",
    "test_accuracy", "ones", "weights", "mask_bytes", "entropy_bytes",
    "compression_weights_entropy", "epochs", "seconds", "seed",
}
TOP_KEYS = {"command", "seed", "data", "date", "versions", "seconds", "sources_digest", "rows"}


def environment(cache):
    """Of a machine without data and network, whose cache is a folder of ours."""
    kept = {k: v for k, v in os.environ.items() if k != "SBNN_DATA" and "proxy" not in k.lower()}
    # nobody listens at port 9, so no download can work or take long
    return kept | {"https_proxy": "http://127.0.0.1:9", "XDG_CACHE_HOME": str(cache)}


def committed(name):
    """A committed result."""
    return json.loads((FIGURES / f"{name}.json").read_text(encoding="utf-8"))


def fresh(content, folder=FIGURES):
    """Whether a result is of the sources of now, or some of its runs were reproduced with them."""
    from lab import reproduce

    digests = {content["sources_digest"], content.get("reproduced", {}).get("sources_digest")}
    return reproduce.digest_of(reproduce.runs_of(content, folder)) in digests


def pytest_terminal_summary(terminalreporter):
    """Print what installs the compilers and simulators for lack of which tests were skipped."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = {report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)}
    for reason in sorted(reasons):
        if "apt-get install" in reason:
            terminalreporter.write_line(reason)


# the page for the browser

INSTALL = "the page is tested in Chromium, which is not here: apt-get install -y chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium():
    """Opens a page, lets a script of the test answer in it, and returns what it answered."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next(filter(None, map(shutil.which, names)), None)
    if not browser:
        warnings.warn(INSTALL, stacklevel=1)             # pytest prints warnings even with -q
        pytest.skip(INSTALL)

    def ask(content, script, width=1200):
        """The JSON that `script`, the body of a function behind the whole page, returns."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "page.html"
            path.write_text(
                f"{content}<pre id=told></pre><script>(() => {{ let told; try {{ "
                f"told = (() => {{ {script} }})(); }} catch (error) {{ told = error.stack; }} "
                "element('told').textContent = JSON.stringify(told); })()</script>",
                encoding="utf-8",
            )
            done = subprocess.run(
                [browser, *FLAGS, f"--user-data-dir={folder}/profile",
                 f"--window-size={width},900", "--dump-dom", path.as_uri()],
                capture_output=True, timeout=120,
            )
        found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout.decode("utf-8"), re.DOTALL)
        assert found and found[1], done.stderr.decode("utf-8", "replace")[-2000:]
        told = json.loads(html.unescape(found[1]))
        assert not isinstance(told, str), told            # the text of an error
        return told

    return ask
