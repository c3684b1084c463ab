"""The bit-sliced engine: each bit of a word belongs to another image, so that one logical
operation works for 64 images. Read in this order:

    slicing        numbers by image to words of 64 images, and back
    adders         adding and comparing with AND, OR and XOR
    plain_sliced   the engine in its plain form, a neuron at a time, counting
    shared_sum     what all neurons of a centred layer share
    sliced_layers  the layers of the fast engine
    bit_sliced     the fast engine
    two_processes  the same on two cores
"""
