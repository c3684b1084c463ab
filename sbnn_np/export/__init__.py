"""From a frozen network to a C program for a small device. Read in this order:

    layouts     what bytes the neurons of a layer become
    plan        the steps of the program, and where each finds its numbers in memory
    c_layers    the C of each kind of step
    c_source    the whole files: header, source, example and README
    account     how much flash and memory the program takes, known before any compiler runs
    exporter    refuses what cannot be exported, and writes the folder
"""
