"""Four ways to run a frozen network, with the same scores to the last bit. Read in this order:

    common      the steps that all engines share: from images to inputs, from sums to scores
    loops       loops over single neurons, which count operations; it specifies the other engines
    floats      float32 matrix products
    packed      rows of bits in 64-bit words: AND (or XNOR) and popcount
    sliced      a folder of its own: 64 images a word, added bit by bit
"""
