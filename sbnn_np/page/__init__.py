"""A page in the browser where a frozen network can be seen at work. Read in this order:

    page        one file of a network, its test images and its training, for a browser
    trace       what a training leaves for the page to play

The page itself is HTML, CSS and JavaScript in files of their own, which `page` joins:

    page.html   what is on the page, and in which order the files below are read
    reader.js   the model file, from bytes to ones
    network.js  from pixels to scores, to the last bit
    digit.js    from a drawing to a picture as MNIST was made
    drawing.js  cells, marks and colours
    neuron.js   the panel of one neuron
    training.js the view that plays a training
    pad.js      drawing with the mouse, a finger or the keys
    wires.js    the lines from its inputs to the chosen neuron
    page.js     what is shown and chosen, and all that is drawn of it
"""
