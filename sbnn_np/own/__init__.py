"""Your own images: read them, train a network on them, and ask it. Read in this order:

    arrays          images and labels from files of NumPy
    images          pictures from files, as a network takes them
    own_data        a set of images with labels, checked, for a training
    own_training    how a network is trained on them: what is chosen, and why
    train_command   the command `train`: what it says while it works, and at its end
"""
