"""Engine 4 on two cores: this process computes one half of the images, a second one the other.

Two threads would take turns at the interpreter lock. A step takes a few microseconds, and to pass
the lock on takes longer. Two threads were measured to be slower than one, and two processes nearly
twice as fast. The second process starts with the first large batch. Inputs and scores are in a file
that both processes map into memory, and messages on a pipe say when they are complete. A forked
child does not use its parent's second process: it starts its own.
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

MIN_PLACES = 512    # images times places of a convolution; for fewer one process is faster


class TwoProcessSliced:
    """A frozen 0/1 network, ready to run on 64 images a word, on two cores.

    The scores are those of `Sliced`, whatever the size of the batch. Threads that use one engine
    wait for one another. One process computes everything on Windows, where a mapped file cannot be
    removed. It also does so if a second process or shared memory is not available; then a line on
    stderr says so once.

    Parameters
    ----------
    model : frozen.Frozen

    Raises
    ------
    TypeError
        See `Sliced`.

    Examples
    --------
    >>> engine = TwoProcessSliced(storage.EXAMPLE)
    >>> images = np.array([[1, 0, 1, 1]], np.uint8)
    >>> bool((engine.forward(images) == Sliced(storage.EXAMPLE).forward(images)).all())
    True
    """

    def __init__(self, model):
        self.own, self.model, self.second = Sliced(model), model, None
        self.one_process, self.lock = os.name == "nt", threads.Lock()
        ENGINES.add(self)

    def forward(self, images):
        """Compute class scores.

        Parameters
        ----------
        images : see `frozen.Frozen.pixels`

        Returns
        -------
        scores : (N, M) float32

        Raises
        ------
        RuntimeError
            If the second process has ended; the next call starts another one.
        ValueError
            If it cannot be started because no model file can hold the network.
        """
        return self.forward_inputs(common.engine_inputs(self.model, images))

    def forward_inputs(self, x):
        """Compute class scores, (N, M) float32, from inputs x; see `Sliced.forward_inputs`.

        Raises
        ------
        RuntimeError, ValueError
            See `forward`.
        """
        places = max(block.places for block in self.model.blocks)
        middle = -(-len(x) // 128) * 64                       # a whole number of words
        if len(x) * places < MIN_PLACES or middle >= len(x) or self.one_process:
            return self.own.forward_inputs(x)
        with self.lock:
            try:
                if not self.send_to_second(x[middle:]):
                    return self.own.forward_inputs(x)
                scores = self.own.forward_inputs(x[:middle])
                return np.concatenate([scores, self.second.receive_scores()])
            except BaseException:
                # otherwise the next call would receive the scores of this one
                self.close_second()
                raise

    def send_to_second(self, x):
        """Send inputs to the second process, and start it if necessary.

        Parameters
        ----------
        x : (N, ...) uint8

        Returns
        -------
        sent : bool
            False if a second process is not available; from then on one process computes all.
        """
        try:
            if self.second is None:
                self.second = SecondProcess(self.model)
            self.second.send_inputs(x)
        except OSError as error:
            self.close_second()
            self.one_process = True
            warn_once(
                f"sbnn_np: one process instead of two, as one cannot be had: {error.strerror}"
            )
        return not self.one_process

    def close(self):
        """End the second process. The next large batch starts another one."""
        with self.lock:
            self.close_second()

    def close_second(self):
        """End the second process. The caller holds the lock."""
        if self.second:
            self.second.close()
            self.second = None


ENGINES = weakref.WeakSet()


def forget_second_processes():
    """Give up, in a forked child, the second processes of the parent."""
    for engine in ENGINES:
        engine.second = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_second_processes)


@cache
def warn_once(text):
    """Print a line (str) on stderr, unless the same line was printed before."""
    print(text, file=sys.stderr)


class SecondProcess:
    """The second process, as the first one sees it.

    Parameters
    ----------
    model : frozen.Frozen

    Attributes
    ----------
    process : subprocess.Popen
    path : str
        The file that both processes map.
    shared : (n,) uint8
        The content of that file.
    close : function
        Ends the process and removes the file.

    Raises
    ------
    OSError
        If there is no second process, or no room for the file.
    """

    def __init__(self, model):
        self.model, self.classes = model, len(model.classes)
        self.shared = np.empty(0, np.uint8)
        # if only bits of the pixels matter, bits are sent: to compare takes no longer than to
        # copy, and then the second process need not compare
        self.sends_bits = model.binarize is not None and model.blocks[0].weights != "float"
        paths = [str(Path(__file__).resolve().parents[3]), os.environ.get("PYTHONPATH")]
        content = storage.dumps(model)
        storage.loads(content)                                # fails here rather than there
        # in memory if possible: the system writes files on a disk back now and then
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
        self.close = weakref.finalize(self, end_process, self.process, self.path, os.getpid())
        self.send_message({"model": len(content)}, content)
        self.wait_until_done()

    def send_inputs(self, x):
        """Send inputs, without waiting for the scores.

        Parameters
        ----------
        x : (N, ...) uint8
        """
        # scores begin behind the inputs, at a multiple of 64
        self.N, self.scores_start = len(x), -(-x.size // 64) * 64
        size = self.scores_start + 4 * self.N * self.classes
        if size > self.shared.size:
            # bytes are written, so that missing room is an error now, and no signal later
            with open(self.path, "ab") as file:
                file.write(bytes(size - self.shared.size))
            self.shared = np.asarray(np.memmap(self.path, np.uint8, "r+"))
        shared_x = self.shared[: x.size].reshape(x.shape)
        if self.sends_bits:
            np.greater(x, self.model.binarize, out=shared_x.view(bool))
        else:
            shared_x[...] = x
        self.send_message({
            "shape": x.shape, "size": self.shared.size, "scores": self.scores_start,
            "bits": self.sends_bits,
        })

    def receive_scores(self):
        """Wait for the scores of the inputs that were sent.

        Returns
        -------
        scores : (N, M) float32
        """
        self.wait_until_done()
        end = self.scores_start + 4 * self.N * self.classes
        scores = self.shared[self.scores_start : end].view(np.float32)
        return scores.reshape(self.N, self.classes)

    def send_message(self, message, content=b""):
        """Send a message.

        Parameters
        ----------
        message : dict
            Sent as a line of JSON.
        content : bytes
            Sent behind it.
        """
        try:
            left = memoryview(json.dumps(message).encode() + b"\n" + content)
            while left:
                left = left[self.process.stdin.write(left) :]
        except BrokenPipeError:
            self.wait_until_done()

    def wait_until_done(self):
        """Wait until the second process has done what the last message asked for.

        Raises
        ------
        RuntimeError
            If it has ended.
        """
        if self.process.stdout.readline() != b"done\n":
            raise RuntimeError(f"the second process has ended, code {self.process.wait()}")


def end_process(process, path, owner):
    """End a second process and remove its file, if this is the process that made them.

    Parameters
    ----------
    process : subprocess.Popen
    path : str
    owner : int
        Process number of the maker.
    """
    if os.getpid() != owner:
        process.returncode = 0                                # not a child of this process
        return
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
    process.wait()
    Path(path).unlink(missing_ok=True)


def serve(path, messages, answers):
    """Do the work of the second process: take a model, then batch after batch.

    Parameters
    ----------
    path : str
        The file that both processes map.
    messages, answers : binary files
        See `SecondProcess.send_message`.
    """
    engine, shared = None, np.empty(0, np.uint8)
    for line in messages:
        message = json.loads(line)
        if "model" in message:
            engine = Sliced(storage.loads(messages.read(message["model"])))
        else:
            if shared.size != message["size"]:
                shared = np.asarray(np.memmap(path, np.uint8, "r+"))
            shape, start = message["shape"], message["scores"]
            x = shared[: np.prod(shape)].reshape(shape)
            if message["bits"]:
                scores = engine.forward_bits(x, [np.copyto])
            else:
                scores = engine.forward_inputs(x)
            shared[start : start + scores.nbytes] = scores.reshape(-1).view(np.uint8)
        answers.write(b"done\n")
        answers.flush()


if __name__ == "__main__":
    try:
        serve(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
    finally:
        # if the first process was killed, nobody else removes the file
        Path(sys.argv[1]).unlink(missing_ok=True)
