"""The bit-sliced engine: each bit of a word belongs to another image, so one logical operation
serves 64 images. Read in this order:

    slicing        bring numbers into words of 64 images, and back
    adders         add and compare numbers with AND, OR and XOR
    plain_sliced   the engine in its plain form, one neuron at a time, with counts
    shared_sum     the sum that all neurons of a centred layer share
    sliced_layers  the layers of the fast engine
    bit_sliced     the fast engine
    two_processes  the fast engine on two cores
"""
