"""From a trained network to a small file. Read in this order:

    frozen      what a frozen network holds, and which networks can be run
    freeze      a trained network becomes bits and whole-number thresholds, exactly
    bitops      operations and bytes of a network, each counted under a named convention
    rans        a code for bits that are mostly 0, close to their entropy
    storage     the model file: small, exact, and safe to read
    reading     the checks of a reader that trusts no number of a file
    summary     a table of a network's layers
"""
