"""Which bytes training sees when: runtime/data/Batches.h read a second time, so that a peer can be given the same batches.

Windows of n bytes of the training part are visited in a random order, each once an epoch: a Feistel network over window numbers with Philox as its
round function. Moving windows (text, sound) begin at a random offset that each epoch draws anew; fixed ones (images) do not.
"""
MASK = 0xFFFFFFFF
ORDER_SITE, OFFSET_SITE = 0xFFFF0000, 0xFFFF0100


def philox(seed, step, site, block):
    """Four random words of Philox4x32-10 for counter (block, site, step) and key seed."""
    c = [block, site, step & MASK, step >> 32]
    k0, k1 = seed & MASK, seed >> 32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & MASK, (p0 >> 32) ^ c[3] ^ k1, p0 & MASK]
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c


def permute(seed, epoch, size, x):
    """Where window x of [0, size) goes in an epoch's order."""
    if size <= 1:
        return x
    half = ((size - 1).bit_length() + 1) // 2
    while True:
        left, right = x >> half, x & ((1 << half) - 1)
        for r in range(8):
            left, right = right, left ^ (philox(seed, epoch, ORDER_SITE + r, right)[0] & ((1 << half) - 1))
        x = left << half | right
        if x < size:
            return x


class WindowOrder:
    """First bytes of the windows of a training part [begin, end), by sequence number."""

    def __init__(self, seed, begin, end, n, moving):
        self.seed, self.begin, self.n = seed, begin, n
        size = end - begin
        self.count = max(1, (size - n + 1) // n) if moving else size // n
        self.slack = min(n - 1, size - self.count * n) if moving else 0

    def start(self, sequence):
        epoch, x = divmod(sequence, self.count)
        words = philox(self.seed, epoch, OFFSET_SITE, 0)
        offset = int(((words[0] << 21) | (words[1] >> 11)) * 2.0**-53 * (self.slack + 1))
        return self.begin + offset + self.n * permute(self.seed, epoch, self.count, x)
