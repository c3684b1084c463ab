"""Frozen networks run in four ways, with the same scores to the last bit. Read in this order:

    common      the way in and the way out, which all engines share
    loops       loops over single neurons, counting as they go
    floats      float32 matrix products
    packed      rows of bits in 64-bit words: AND (or XNOR) and popcount
    sliced      a room of its own: 64 images a word, added bit by bit
"""
