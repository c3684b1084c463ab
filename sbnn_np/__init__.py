"""Sparse Binary Neural Networks in plain NumPy.

The weights of the networks here are 0 or 1, and nearly all of them are 0. Every
forward and backward pass is written by hand. The rooms, from the ground up; each
imports only from those above it, and says in which order to read it:

    support     threads, whole files, checkpoints, a checker of gradients
    datasets    MNIST, CIFAR-10, and two that are drawn
    core        the idea: quantizer, layers, sparsity, training
    bits        freeze a network, count it, code it, store it
    engines     run it: loops, float32 products, packed words, bit slices
    export      write it as C, for a small device
    page        see it: a page for the browser where bits fire
    own         your own images: read them, and train on them

Notation
--------
Uppercase letters are sizes. These are the same everywhere::

    N batch    D inputs    M neurons    K ones (1 weights)
    H, W, C    height, width and channels of an image, (N, H, W, C)
    KH, KW     height and width of a window      OH, OW   places for it
    F          filters: the neurons of a convolution

Lowercase names are arrays. `latent` is the float that training moves, `mask` is the bit
that it is quantized to, `w` is the value that this bit stands for (0 or 1; -1 or +1;
-centre or 1 - centre). No array is called just "weight"; `Dense.weights` says of which
kind they are. `scale` and `shift` belong to batch norm, `share` to the penalty on ones.
Gradients carry the prefix d: `dy` is the derivative of the loss with respect to
`y`, and has the shape of `y`.
"""

__version__ = "0.1.0"
