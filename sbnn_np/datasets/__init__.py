"""Images and labels: start with `data`, which finds them by name.

    data        data sets by name, the validation split, batches, moved and mirrored images
    strokes     a built-in data set: ten digits drawn from pen strokes
    shapes      another one: ten coloured shapes
    mnist       MNIST: its files and the format of images that they are in
    cifar       CIFAR-10: its records, and the archive they come in
    download    files found in folders, or from the network: whole and proven right, or not at all
"""
