"""The columns of results.csv: where each value comes from, and what it means."""

from collections.abc import Callable
from typing import NamedTuple


class Column(NamedTuple):
    """One column of results.csv.

    Attributes
    ----------
    name : str
    value : function
        From a run, as `csv_of_results.runs` gives it, to a value or None.
    meaning : str
    spread : bool
        Whether results_means.csv has, beside the mean, the lowest and the highest of the seeds.
    """

    name: str
    value: Callable
    meaning: str
    spread: bool = False


def of_row(name, meaning, spread=False):
    """A column that result files have in their rows."""
    return Column(name, lambda run: run["row"].get(name), meaning, spread)


def of_recipe(name, meaning, field=None):
    """A column that is a setting of a run's recipe."""
    def value(run):
        return None if run["recipe"] is None else getattr(run["recipe"], field or name)

    return Column(name, value, meaning)


def of_last_epoch(name, key, meaning):
    """A column that the last epoch of a run has."""
    return Column(name, lambda run: run["epochs"] and run["epochs"][-1][key], meaning)


def of_operations(key, meaning):
    """A column of the operations for one image, which chapter 4 counts in its runs."""
    return Column(
        f"operations_{key}", lambda run: run["row"].get("operations", {}).get(key),
        f"{meaning}; see sbnn_np/bits/bitops.py",
    )


# Where a run is shown, and what decides it but for the seed: runs that agree in all of these
# differ in their seed alone. (Chapter 4 has trained a run of chapter 2 again.)
SETTINGS = [
    Column("results", lambda run: "; ".join(run["results"]), "result files that show the run"),
    of_row("data", "the data set"),
    of_row("method", "the kind of weights"),
    of_row(
        "architecture", "neurons of each layer; with p (max pooling) in it, numbers before the "
        "last p are filters of convolutions",
    ),
    Column(
        "test_was_read", lambda run: run["row"].get("test_accuracy") is not None,
        "False for runs that served to choose something, on validation images",
    ),
    of_row("target_density", "the part of the weights that were to be ones"),
    of_row("schedule", "how the network comes to its ones; empty where weights cannot be 0"),
    of_row("optimizer", "how latents are moved; see sbnn_np/core/optim.py"),
    of_row("rate", "learning rate at the start; it falls along half a cosine to 0"),
    of_row("epochs", "times through the training images"),
    of_recipe("images", "training images, where not all were used"),
    of_recipe("batch", "images of a step"),
    of_recipe("every", "steps from one choice of the bits to the next"),
    of_recipe("shift", "pixels that training images are moved by at the most"),
    of_recipe("flip", "whether half of the training images are mirrored"),
    of_recipe("start_density", "part of ones at step 0, where it differs from the target", "start"),
    of_recipe("over", "part of the training in which a growing or shrinking density changes"),
    of_recipe("penalty_share", "share of the penalty on ones in the loss", "share"),
    of_recipe("even", "whether each layer has a budget of its own, and not the net as a whole"),
    of_recipe("kernel", "height and width of the windows of convolutions; 0 without any"),
    of_recipe("padding", "pixels of padding around the input of a convolution"),
    of_recipe("float_first", "whether the first convolution keeps float weights"),
    of_recipe("eps", "added to the variance in batch norm"),
    of_recipe("beta2", "memory of Adam for squares of gradients; no other optimizer uses it"),
    of_recipe("fade", "part, times the rate, that latents lose in a step; empty: what is usual"),
    of_recipe("variant", "idea of the trials that it was trained with; plain: none"),
]
# what was measured of a run
NUMBERS = [
    of_row("validation_accuracy", "part of the validation images that are right at the end", True),
    of_row("test_accuracy", "part of the test images that are right at the end", True),
    of_last_epoch("train_loss", "loss", "mean loss over the last epoch"),
    of_last_epoch("train_accuracy", "train_accuracy", "mean over the batches of the last epoch"),
    of_last_epoch("flips", "flips", "part of the bits that flipped in the last epoch"),
    of_row("density", "part of the weights that are ones (ternary: not 0); see layer_densities"),
    of_row("weights", "number of weights"),
    of_row("ones", "number of weights that are ones (ternary: not 0)"),
    of_row("adds", "additions for one image; a centred layer pays for its shared sum"),
    of_row("dense_adds", "additions for one image if no weight were 0"),
    of_row("mask_bytes", "bytes of the bits, at one bit a weight"),
    of_row("entropy_bytes", "bytes of the bits in an ideal code that knows each layer's density"),
    of_row("float_bytes", "bytes of float weights in a network of bits or ternary weights"),
    of_row("compression_weights_entropy", "4 bytes a weight over entropy_bytes + float_bytes"),
    of_row("file_bytes", "bytes of the whole model file"),
    of_row("coded_bytes", "file_bytes, or what a file would hold where none exists"),
    of_row("float32_bytes", "4 bytes for each weight and one bias a neuron"),
    of_row("compression", "float32_bytes over coded_bytes"),
    of_row("compression_file", "float32_bytes over file_bytes, in chapter 3"),
    Column(
        "adds_in_training", lambda run: run.get("adds_in_training"),
        "additions of all forward passes in training, of weights that are not 0",
    ),
    of_operations("dense_macs", "products of a weight and an input, zeros included"),
    of_operations("adds", "additions; layers whose centre is 0 have no shared sum"),
    of_operations("xnors", "products of two signs"),
    of_operations("and_words", "ANDs (or XNORs) of words of 64 bits"),
    of_operations("popcount_words", "counts of the ones of a word of 64 bits"),
    of_operations("word_ops", "operations on words of the bit-sliced engine"),
    of_operations("compares", "comparisons of a sum with a threshold"),
    of_operations("float_macs", "products and additions of floats"),
    of_operations("reactnet_ops", "float_macs and a 64th of those of bits"),
    of_operations("micronet_ops", "operations, each times its bits over 32"),
    of_row("seconds", "of training"),
]
PLACE = [
    Column("file", lambda run: run["file"], "the JSON file, in this folder"),
    Column("parts", lambda run: "; ".join(run["parts"]), "parts of these; both: curves and growth"),
    of_row("seed", "of all that is random"),
    of_row("layer_densities", "density of each layer whose weights can be 0, first layer first"),
    Column("date", lambda run: run["date"], "of the training"),
    Column("python", lambda run: run["versions"]["python"], "version of Python"),
    Column("numpy", lambda run: run["versions"]["numpy"], "version of NumPy"),
    Column(
        "simd", lambda run: run["versions"].get("simd"), "instructions that NumPy found; on others "
        "sums are rounded in another way, and a run ends with other bits",
    ),
]
COLUMNS = [*PLACE[:3], *SETTINGS, *NUMBERS, *PLACE[3:]]
