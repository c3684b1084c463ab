"""The idea: networks whose weights are 0 or 1, and how they are trained. Read in this order:

    quantize     latents to bits: the quantizer and its straight-through estimator
    ops          dense layers, batch norm, thresholds: forward, and right below it backward
    windows      windows of images as rows of a matrix: im2col and its adjoint
    convolution  a convolution is im2col and a matrix product
    pooling      the largest of each square of pixels
    losses       softmax cross-entropy, and the penalty on expected connections
    optim        SGD, NormalizedSGD and Adam; the cosine schedule
    fast         tuned twins of what stands above: threads, pieces that stay in cache
    sparsity     which weights are 1: a budget, or a penalty
    layers       thin objects that hold arrays and hand them to the files above
    network      a list of layers, run forwards and backwards
    train        the training loop, evaluation, one row of numbers an epoch
    reference    the same mathematics as loops over lists: what all of the above is tested against
"""
