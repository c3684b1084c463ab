"""From a frozen network to a C program for a small device. Read in this order:

    layouts     what bytes the neurons of a layer become
    row_words   the same for convolutions that compute whole rows of places at once
    plan        the steps of the program, and where each finds its numbers in memory
    account     how much flash and memory the program takes, known before any compiler runs
    c_common    pieces of C that several steps need
    c_dense     the C of dense layers
    c_places    of convolutions that compute place by place
    c_planes    of adding words of bits
    c_shared    of the sum that all filters of a centred layer share
    c_rows      of convolutions that compute whole rows of places at once
    c_scores    of the scores
    c_header    the header
    c_source    the source, an example and a README
    exporter    refuses what cannot be exported, and writes the folder
    design      the density and the width at which a network keeps to budgets
"""
