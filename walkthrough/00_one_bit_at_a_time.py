"""Chapter 0. Four neurons, nine bits: the whole idea in twenty lines.

You will watch a network learn XOR ("one of the two, but not both"). All its weights are
bits, 0 or 1, and it has nine of them. Every number of every step is printed: the answers,
the gradients, and the bits that flip. All of them are small enough to check by hand.

At its end you will know what a latent is, how a bit learns although it cannot move a
little, what goes forward and backward through a neuron of bits, and what a flip is.

    python walkthrough/00_one_bit_at_a_time.py     ten minutes of reading, a second to run

It needs nothing but NumPy, and no other file of this project.
"""

# %% 1. The task and the network
#
# There are two inputs, a and b, and so four cases. The answer wanted is a XOR b.
#
# A neuron adds those inputs whose weight is 1. It compares the sum with its limit, and
# gives 1 or 0. There are three neurons between input and answer:
#
#     A  gives 1 if its sum is 1 or more
#     B  gives 1 if its sum is *below* 2: it is turned round, and its direction is -1
#     C  gives 1 if its sum is 2
#
# Each is connected to a and b by one bit each. The fourth neuron gives the answer. It adds
# A, B and C, by one bit each, and gives 1 if its sum is 2 or more. That makes nine bits.
# Sums are whole numbers, so a limit of 0.5 means "1 or more", and 1.5 means "2 or more".
#
# B is needed: a sum of inputs can only grow when an input becomes 1. Without a neuron that
# is turned round, the answer to (1, 1) could not be below the answer to (0, 1).

import numpy as np

inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])           # (4 cases, 2 inputs)
wanted = np.array([[0], [1], [1], [0]])                       # (4 cases, 1 answer)
limit, direction = np.array([0.5, 1.5, 1.5]), np.array([1, -1, 1])          # of A, B, C
answer_limit = 1.5

# %% 2. Twenty lines
#
# A bit can only flip, so it cannot learn in small steps. Beside each bit stands a whole
# number that can: its *latent*. The bit is 1 where the latent is above 0. (In later
# chapters latents are floats.)
#
# Forward: each neuron has a sum; then y, how far the sum is above the limit (how far below it,
# for B); then a bit, 1 where y is above 0. The loss is half the sum of the squared errors.
# So its derivative with respect to an answer is answer - wanted: -1, 0 or 1.
#
# Backward: a name with a d before it, such as dw, is the derivative of the loss with respect
# to w. The chain rule needs the slope of each step on the way. Of a sum it is easy: with
# respect to an input the slope is the weight, and with respect to a weight it is the input.
# Of a threshold the slope is 0, and would stop every gradient. The *straight-through
# estimator* takes another slope in its place:
#
#     at a neuron's bit    1 where its y is from -1 to 1, and 0 where y is farther off, because
#                          such a bit will not flip soon
#     at a weight's bit    always 1: the latent takes the gradient of its bit as its own


def step(latent, answer_latent):
    """Do one step: quantize, forward, backward, move. Return all that was computed."""
    # quantize: a weight is 1 where its latent is above 0
    w = 1 * (latent > 0)                                      # (2, 3), from a, b to A, B, C
    answer_w = 1 * (answer_latent > 0)                        # (3, 1), from A, B, C
    # forward: sums, distance from the limit, bits; then the same for the answer
    sums = inputs @ w                                         # (4, 3)
    y = direction * (sums - limit)                            # (4, 3)
    bits = 1 * (y > 0)                                        # (4, 3)
    answer_sum = bits @ answer_w                              # (4, 1)
    answer_y = answer_sum - answer_limit                      # (4, 1)
    answer = 1 * (answer_y > 0)                               # (4, 1)
    # backward: the same way, from the last line to the first
    danswer = answer - wanted                                 # (4, 1)
    danswer_y = danswer * (abs(answer_y) <= 1)                # (4, 1), straight through
    danswer_w = bits.T @ danswer_y                            # (3, 1)
    dbits = danswer_y @ answer_w.T                            # (4, 3)
    dy = dbits * (abs(y) <= 1)                                # (4, 3), straight through
    dw = inputs.T @ (direction * dy)                          # (2, 3)
    # move: each latent takes the gradient of its bit; the learning rate is 1
    new_latent, new_answer_latent = latent - dw, answer_latent - danswer_w
    return locals()


# %% 3. One step, number by number
#
# The start is nearly empty: three of nine bits are 1. Read the first table from left to
# right, one case a line. Case (1, 0): A and B each sum to 1. For A that is 0.5 above its
# limit, and A's bit is 1. B is turned round, so for B it is 0.5 on the good side, too. The
# answer adds A alone (B's bit counts for nothing yet), 1, and that is 0.5 too little.
#
# The second table goes back. The answer is 0 and should be 1, so danswer is -1: more would
# be better. It passes the threshold, since -0.5 is within -1 and 1. In case (0, 1) the
# answer is wrong as well, but its y is -1.5: too far off, and the gradient stops.
#
# The third table has one line a weight. dw adds up what all four cases say; at B the sign is
# turned round, as B is. The latent moves against dw, and where it crosses 0, the bit flips.
# Here the bit from B to the answer flips to 1: its latent was 0, and one push was enough.


def show(number, s):
    """Print one step, all of it."""
    wrong = np.count_nonzero(s["danswer"])
    print(f"Step {number}. Wrong answers: {wrong} of 4. Forward:")
    print("    a b    sums    distance y        bits     sum     y  answer  wanted")
    print("           A B C      A    B    C    A B C")
    for n in range(4):
        print(
            f"    {row(inputs[n])}    {row(s['sums'][n])}   {row(s['y'][n], '4.1f')}    "
            f"{row(s['bits'][n])}       {s['answer_sum'][n, 0]}  {s['answer_y'][n, 0]:4.1f}"
            f"       {s['answer'][n, 0]}       {wanted[n, 0]}"
        )
    if not wrong:
        return
    print("Backward, from left to right:")
    print("    a b   danswer    dy    dbits       dy")
    print("                            A  B  C    A  B  C")
    for n in range(4):
        print(
            f"    {row(inputs[n])}        {s['danswer'][n, 0]:2d}    "
            f"{s['danswer_y'][n, 0]:2d}   {row(s['dbits'][n], '2d')}   {row(s['dy'][n], '2d')}"
        )
    print("The weights:")
    print("    from to       latent  bit    dw  new latent  new bit")
    for name, part in (("", "ab"), ("answer_", "ABC")):
        latent, w, dw = s[f"{name}latent"], s[f"{name}w"], s[f"d{name}w"]
        new = s[f"new_{name}latent"]
        for m, d in np.ndindex(latent.T.shape):
            to = "answer" if name else "ABC"[m]
            bit, new_bit = w[d, m], int(new[d, m] > 0)
            print(
                f"    {part[d]}    {to:<6}   {latent[d, m]:6d}  {bit:3d}  {dw[d, m]:4d}  "
                f"{new[d, m]:10d}  {new_bit:7d}{'   flips' if bit != new_bit else ''}"
            )
    print()


def row(numbers, form="d"):
    """Some numbers in a row."""
    return " ".join(format(number, form) for number in numbers)


latent = np.array([[2, 1, -2], [0, 0, -4]])                   # from a, b to A, B, C
answer_latent = np.array([[2], [0], [-2]])                    # from A, B, C to the answer
s = step(latent, answer_latent)
show(1, s)

# %% 4. All other steps
#
# In step 2 two cases are wrong. B's weight from b flips to 1, and that mends case (1, 1).
#
# In step 3 case (0, 1) asks for more, from A and from B. A's weight from b flips to 1, which
# is right. B's bit is 1 already and cannot be more, but the estimator does not know that: it
# pushes B's weight from b back to 0. So a flip is a bet. It jumps by 1, and a slope cannot say
# where the jump leads. This bet is lost: case (1, 1) is wrong again. But every step bets anew.
# In step 4 case (1, 1) pushes the bit back to 1, and then all answers are right. From there on
# every gradient is 0, and nothing moves any more.

number, flips = 1, 0
while s["danswer"].any() and number < 50:
    before = s
    s = step(s["new_latent"], s["new_answer_latent"])
    number += 1
    flips += np.count_nonzero(s["w"] != before["w"])
    flips += np.count_nonzero(s["answer_w"] != before["answer_w"])
    show(number, s)

# %% 5. What is kept
#
# The latents have done their work. What is kept is nine bits, and of each neuron its limit
# and its direction. A and B add the same sum, a + b, but compare it with different limits. A
# gives 1 if it is 1 or more: that is "a or b". B gives 1 if it is below 2: "not both". The
# answer adds A + B, and gives 1 if that is 2: "A and B", which is XOR. C has no ones: it was
# not needed, and can be left out.
#
# It does not always end so well. Start the latent from b to A at -2, and the network never
# learns. The weights from a and b to A become 0, and so does the weight from A to the answer.
# Over that weight of 0 no gradient comes back to A. And A's bit is now 0 in every case, so that
# weight gets no gradient either. In a large network other neurons take over.

right = "All" if not s["danswer"].any() else "Not all"
print(f"\n{right} answers are right after {number - 1} steps and {flips} flips. What is kept:")
for m, name in enumerate("ABC"):
    print(f"    {name} adds {' + '.join(np.array(['a', 'b'])[s['w'][:, m] == 1]) or 'nothing'}")
print(f"    the answer adds {' + '.join(np.array(list('ABC'))[s['answer_w'][:, 0] == 1])}")

# %% From here to the package
#
# These twenty lines are the package, in small. The same four steps are there:
#
#     quantize    quantize.zero_one; under a budget, quantize.top_k, which makes the k
#                 largest latents 1, so that the number of ones is what you ask for
#     forward     ops.dense_forward and ops.bit_forward
#     backward    ops.dense_backward, ops.bit_backward and quantize.straight_through
#     move        optim.SGD and others, with latents that are floats
#
# Three things are new in chapter 1. Batch norm learns each neuron's limit, which was given
# here. (The direction is the sign of its scale. It is drawn at the start, and may change, but
# rarely does.) Cross-entropy takes the place of the squared error, for answers of ten classes.
# And there are not four cases but 55,000 images, a hundred or so a step.
#
# %% Three questions
#
# The answers are computed by the program that checks yours:
# python -m walkthrough.exercises 0.a NUMBER (and 0.b, 0.c). Change this file and run it, if
# thinking does not help. There are also two functions to fill in, in
# walkthrough/exercises/chapter_0.py.
#
# 0.a Nine bits have 512 settings. How many of them answer all four cases rightly?
# 0.b Make all three directions +1. How many of the 512 settings are right now?
# 0.c Start the latent from b to A at -1, not at 0. After how many steps is every answer right?
