"""From a trained network to a small file. Read in this order:

    frozen      what a frozen network holds, and which of them can be run
    freeze      a trained network as bits and whole-number thresholds, exactly
    bitops      operations and bytes, each under a named convention
    rans        coding bits that are mostly 0, close to their entropy
    storage     the model file: small, exact, and safe to read
    summary     a table of a network's layers
    design      the density that fits a budget of bytes or additions
"""
