"""The C that adds words of bits to planes, for all bits of a word at once."""


def add_four(P, words, indent):
    """Write the addition of four words to the planes s0, s1, ... of a counter.

    A full adder makes of s0, a and b their sum and their carry. Where a and b are alike, the carry
    is a; where they differ, it is s0. With b for [a differs from b], in three lines:

        b ^= a;    a ^= (s0 ^ a) & b;    s0 ^= b;                a is now the carry

    Two words are added to s0 so, and two more. Their two carries are added to s1. Its carry moves
    on through half adders.

    Parameters
    ----------
    P : int
        Number of planes, at least 3.
    words : list of 4 str
        C expressions.
    indent : int
        Spaces before each line.

    Returns
    -------
    text : str
    """
    first, second, third, fourth = words
    lines = [
        f"uint32_t a = {first}, b = {second}, c;",
        "b ^= a;", "c = a ^ ((s0 ^ a) & b);", "s0 ^= b;",
        f"a = {third};", f"b = {fourth};",
        "b ^= a;", "a ^= (s0 ^ a) & b;", "s0 ^= b;",
        "c ^= a;", "a ^= (s1 ^ a) & c;", "s1 ^= c;",
    ]
    for i in range(2, P - 1):
        lines += [f"b = s{i} & a;", f"s{i} ^= a;", "a = b;"]
    lines.append(f"s{P - 1} ^= a;")
    return "\n".join(" " * indent + line for line in lines)
