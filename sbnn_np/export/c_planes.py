"""The C that adds words of bits to planes, for all bits of a word at once."""


def add_four(P, words, indent):
    """Write the addition of four words to the planes s0, s1, ... of a counter.

    Two words and s0 are added by a full adder, and two more. Their carries and s1 are added by a
    third. Its carry moves on through half adders.

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
    lines = ["uint32_t a, b, c, t;"]
    lines += [f"a = {first};", f"b = {second};"]
    lines += ["t = s0 ^ a;", "c = (s0 & a) | (t & b);", "s0 = t ^ b;"]
    lines += [f"a = {third};", f"b = {fourth};"]
    lines += ["t = s0 ^ a;", "a = (s0 & a) | (t & b);", "s0 = t ^ b;"]
    lines += ["t = s1 ^ a;", "a = (s1 & a) | (t & c);", "s1 = t ^ c;"]
    for i in range(2, P - 1):
        lines += [f"t = s{i} & a;", f"s{i} ^= a;", "a = t;"]
    lines.append(f"s{P - 1} ^= a;")
    return "\n".join(" " * indent + line for line in lines)
