"""What the other rooms stand on: tools that know nothing of bits.

    atomic      write a file whole, or not at all
    checks      numbers, images and labels that do not fit are refused
    threads     two threads, a half of a batch each
    checkpoint  what a training needs to go on as if it had never stopped
    gradcheck   does a backward pass compute the derivative of its forward pass?
"""
