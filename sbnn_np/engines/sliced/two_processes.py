"""Engine 4 on two cores: half of the images here, half in a second process.

Two threads would take turns at the interpreter lock, and the steps are so short, a few
microseconds, that passing the lock on takes longer than a step: two threads were measured to be
slower than one, two processes nearly twice as fast. The second process is started when the first
large batch comes. Images and scores pass through a file that both map into memory, and a pipe says
when. A forked child has no part in its parent's second process: it starts its own.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import weakref
from functools import cache
from pathlib import Path

import numpy as np

from sbnn_np.bits import storage
from sbnn_np.engines import common
from sbnn_np.engines.sliced.bit_sliced import Sliced
from sbnn_np.support import threads

SMALL = 512      # images, times places of a convolution, that are not worth a second process


class Duo:
    """A frozen 0/1 network, ready to run on 64 images a word, on two cores.

    Scores are those of `Sliced`, whatever the batch. Threads that use one engine wait for one
    another. Where files that are mapped cannot be removed (Windows), and where a second process
    or the memory that it shares is not to be had, one process computes all; in the second case a
    line on stderr says so, once.

    Parameters
    ----------
    model : frozen.Frozen

    Raises
    ------
    TypeError
        See `Sliced`.

    Examples
    --------
    >>> engine = Duo(storage.EXAMPLE)
    >>> images = np.array([[1, 0, 1, 1]], np.uint8)
    >>> bool((engine.forward(images) == Sliced(storage.EXAMPLE).forward(images)).all())
    True
    """

    def __init__(self, model):
        self.here, self.model, self.second = Sliced(model), model, None
        self.alone, self.lock = os.name == "nt", threads.Lock()
        ENGINES.add(self)

    def forward(self, images):
        """Compute class scores, (N, M) float32; see `Sliced.forward`.

        Raises
        ------
        RuntimeError
            If the second process has ended; the next call starts another one.
        ValueError
            If it cannot be started, for a network that no model file can hold.
        """
        return self.run(common.first_bits(self.model, images))

    def run(self, x):
        """Scores from what `common.first_bits` gives."""
        places = max(block.places for block in self.model.blocks)
        middle = -(-len(x) // 128) * 64                       # of whole words
        if len(x) * places < SMALL or middle >= len(x) or self.alone:
            return self.here.run(x)
        with self.lock:
            try:
                if not self.begin(x[middle:]):
                    return self.here.run(x)
                first = self.here.run(x[:middle])
                return np.concatenate([first, self.second.scores()])
            except BaseException:                             # or what was not heard would answer
                self.end()                                    # the next call
                raise

    def begin(self, x):
        """Hand inputs to the second process; False if there is none, and never will be."""
        try:
            if self.second is None:
                self.second = Second(self.model)
            self.second.begin(x)
        except OSError as error:
            self.end()
            self.alone = True
            say_once(f"sbnn_np: one process instead of two, as one cannot be had: {error.strerror}")
        return not self.alone

    def close(self):
        """End the second process; the next large batch starts another one."""
        with self.lock:
            self.end()

    def end(self):
        """The same, for those who hold the lock."""
        if self.second:
            self.second.close()
            self.second = None


ENGINES = weakref.WeakSet()


def begin_child():
    """Give up, in a forked child, the second processes of the parent."""
    for engine in ENGINES:
        engine.second = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=begin_child)


@cache
def say_once(text):
    """Print a line on stderr, unless the same line was printed before."""
    print(text, file=sys.stderr)


class Second:
    """The other process, as seen from here.

    Parameters
    ----------
    model : frozen.Frozen
    """

    def __init__(self, model):
        self.model, self.classes = model, len(model.classes)
        self.shared = np.empty(0, np.uint8)
        # pixels that only matter as bits are handed over as bits: to compare takes no longer than
        # to copy, and it is done once
        self.as_bits = model.binarize is not None and model.blocks[0].weights != "float"
        paths = [str(Path(__file__).resolve().parents[3]), os.environ.get("PYTHONPATH")]
        content = storage.dumps(model)
        storage.loads(content)                                # it would fail there, too
        # in memory where there is such a folder: what lies on a disk is written there now and then
        folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
        handle, self.path = tempfile.mkstemp(prefix="sbnn_np-", dir=folder)
        os.close(handle)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sbnn_np.engines.sliced.two_processes", self.path],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
                bufsize=0,                                    # a fork would copy what is buffered
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            )
        except OSError:
            os.unlink(self.path)
            raise
        self.close = weakref.finalize(self, end, self.process, self.path, os.getpid())
        self.say({"model": len(content)}, content)
        self.hear()

    def begin(self, x):
        """Hand over inputs, (N, ...) uint8, and come back at once."""
        self.N, self.at = len(x), -(-x.size // 64) * 64        # scores begin behind the inputs
        size = self.at + 4 * self.N * self.classes
        if size > self.shared.size:
            with open(self.path, "ab") as file:               # a hole could not be filled later
                file.write(bytes(size - self.shared.size))
            self.shared = np.asarray(np.memmap(self.path, np.uint8, "r+"))
        into = self.shared[: x.size].reshape(x.shape)
        if self.as_bits:
            np.greater(x, self.model.binarize, out=into.view(bool))
        else:
            into[...] = x
        self.say({
            "shape": x.shape, "size": self.shared.size, "scores": self.at, "bits": self.as_bits,
        })

    def scores(self):
        """Wait for the scores of these inputs: (N, M) float32."""
        self.hear()
        found = self.shared[self.at : self.at + 4 * self.N * self.classes]
        return found.view(np.float32).reshape(self.N, self.classes)

    def say(self, message, content=b""):
        """Send a line of JSON, and bytes behind it."""
        try:
            ahead = memoryview(json.dumps(message).encode() + b"\n" + content)
            while ahead:
                ahead = ahead[self.process.stdin.write(ahead) :]
        except BrokenPipeError:
            self.hear()

    def hear(self):
        """Wait until what was asked for is done."""
        if self.process.stdout.readline() != b"done\n":
            raise RuntimeError(f"the second process has ended, code {self.process.wait()}")


def end(process, path, owner):
    """End the second process and remove the file, if this is the process that made them."""
    if os.getpid() != owner:
        process.returncode = 0                                # not a child of this process
        return
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
    process.wait()
    Path(path).unlink(missing_ok=True)


def serve(path, source, answers):
    """What the second process does: take a model, then batch after batch.

    Parameters
    ----------
    path : str
        Of the file to be mapped.
    source, answers : binary files
    """
    engine, shared = None, np.empty(0, np.uint8)
    for line in source:
        message = json.loads(line)
        if "model" in message:
            engine = Sliced(storage.loads(source.read(message["model"])))
        else:
            if shared.size != message["size"]:
                shared = np.asarray(np.memmap(path, np.uint8, "r+"))
            shape, at = message["shape"], message["scores"]
            x = shared[: np.prod(shape)].reshape(shape)
            scores = engine.through(x, [np.copyto]) if message["bits"] else engine.run(x)
            shared[at : at + scores.nbytes] = scores.reshape(-1).view(np.uint8)
        answers.write(b"done\n")
        answers.flush()


if __name__ == "__main__":
    try:
        serve(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
    finally:
        # nobody else does it if the first process is killed
        Path(sys.argv[1]).unlink(missing_ok=True)
