"""Sparse Binary Neural Networks in plain NumPy.

The weights of the networks here are 0 or 1, and nearly all of them are 0. Every
forward and backward pass is written by hand. One concept lives in one file:

    reference   the same mathematics as loops over lists: the specification
    quantize    from latent weights to 0/1, +-1 and ternary ones; the estimators
    losses      softmax cross-entropy, the expected-connections penalty
    gradcheck   exact and numerical checks of a backward pass
    optim       SGD with momentum, NormalizedSGD, Adam, the cosine schedule
    windows     windows of images as rows of a matrix: im2col and its adjoint
    threads     two threads, a half of a batch each
    strokes     a built-in data set: ten digits drawn from pen strokes
    shapes      another one: ten coloured shapes
    download    files from the network, whole and proven right, or not at all
    cifar       CIFAR-10: its records, and the archive they come in
    ops         dense layers, batch norm and thresholds: pairs of forward and backward
    convolution the same for convolutions
    pooling     and for max pooling
    data        data sets by name, the validation split, batches
    sparsity    which weights are 1: a penalty, or a budget that follows a schedule
    layers      thin objects around ops
    network     a list of layers, run forwards and backwards
    checkpoint  what a training needs to go on as if it had never stopped
    train       the training loop, evaluation, one row of numbers an epoch
    bitops      operations and bytes, each under a named convention
    whole       write a file whole, or not at all
    frozen      what a frozen network holds, and which of them can be run
    freeze      a trained network as bits and integer thresholds, exactly
    floats      engine: the frozen network with float32 products
    loops       engine: the same as loops over single neurons, counting
    packed      engine: rows of bits in words, AND (or XNOR) and popcount
    adders      adding with AND, OR and XOR, for 64 images at a time
    slices      numbers by image to words of 64 images, and back
    shared      what all neurons of a centred layer share, sliced
    neurons     layers of the sliced engine
    sliced      engine: 64 images a word, added bit by bit
    duo         the same on two cores: a second process takes half of the images
    counted     the sliced engine in its plain form, counting
    rans        bits that are mostly 0, coded close to their entropy
    storage     model files: small, exact, and safe to read
    summary     a table of a network's layers
    design      the density that fits a budget of bytes or additions
    plots       the figures, drawn from the JSON that a walkthrough wrote

Notation
--------
Uppercase letters are sizes, the same everywhere::

    N batch    D inputs    M neurons    K ones (1 weights)
    H, W, C    height, width and channels of an image, (N, H, W, C)
    KH, KW     height and width of a window      OH, OW   places for it
    F          filters: the neurons of a convolution

Lowercase names are arrays. `latent` is the float that training moves, `mask` is the bit
that it is quantized to, `w` is the value that this bit stands for (0 or 1; -1 or +1;
-centre or 1 - centre), and the bare word "weight" never names an array. `scale` and
`shift` belong to batch norm, `share` to the expected-connections penalty.
Gradients carry the prefix d: `dy` is the derivative of the loss with respect to
`y`, and has the shape of `y`.
"""

__version__ = "0.1.0"
