"""The paper's network in plain PyTorch with a dense boolean mask: an independent reading of sections 4 to 6."""
import math

import numpy as np
import torch
import torch.nn.functional as F


def mask(kind, n, l, c, head):
    """Boolean [n, n]: query i may see key j. Written from the definitions, one comparison each."""
    i, j = np.arange(n)[:, None], np.arange(n)[None, :]
    low = l - c * (head % (l // c) + 1) if c else 0
    sets = {
        "dense": j <= i,
        "local": i - j < l,
        "column": (i - j) % l == 0,
        "block": i // l == j // l,
        "summary": (j % l >= low) & (j % l < low + c) if c else None,
    }
    sets["fixed"] = sets["block"] | sets["summary"] if c else None
    sets["strided"] = sets["local"] | sets["column"]
    return torch.from_numpy(sets[kind] & (j <= i))


class Model:
    """Parameters are a dict of tensors with Drawloom's names; kinds[k] is layer k's pattern (kind, l, c)."""

    def __init__(self, weights, layers, heads, d_qk, width, kinds, n, device="cpu"):
        self.p = {k: torch.from_numpy(v).to(device).requires_grad_() for k, v in weights.items()}
        self.layers, self.heads, self.d_qk, self.width = layers, heads, d_qk, width
        self.masks = []
        for k in range(layers):
            kind, l, c = kinds[k % len(kinds)]
            self.masks.append(torch.stack([mask(kind, n, l, c, h) for h in range(heads)]).to(device))

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.p[name + ".weight"], self.p[name + ".bias"], 1e-5)

    def linear(self, x, name):
        return F.linear(x, self.p[name + ".weight"], self.p[name + ".bias"])

    def attention(self, x, k):
        B, n, d = x.shape
        q, key, v = self.linear(x, f"layers.{k}.qkv").split([self.d_qk, self.d_qk, d], -1)
        q, key, v = (t.view(B, n, self.heads, -1).transpose(1, 2) for t in (q, key, v))
        s = q @ key.transpose(-1, -2) / math.sqrt(q.shape[-1])
        m = self.masks[k]
        s = s.masked_fill(~m, -math.inf)
        a = torch.softmax(s, -1)
        a = torch.where(m.any(-1, keepdim=True), a, torch.zeros_like(a))  # rows without keys give 0
        return self.linear((a @ v).transpose(1, 2).reshape(B, n, d), f"layers.{k}.proj")

    def loss(self, tokens, targets):
        pos = torch.arange(tokens.shape[1], device=tokens.device)
        h = self.p["embed.token"][tokens] + self.p["embed.pos0"][pos // self.width] + self.p["embed.pos1"][pos % self.width]
        for k in range(self.layers):
            h = h + self.attention(self.norm(h, f"layers.{k}.norm1"), k)
            u = self.linear(self.norm(h, f"layers.{k}.norm2"), f"layers.{k}.ff1")
            h = h + self.linear(u * torch.sigmoid(1.702 * u), f"layers.{k}.ff2")
        logits = self.linear(self.norm(h, "norm"), "out")
        return F.cross_entropy(logits.float().view(-1, logits.shape[-1]), targets.reshape(-1))


def decays(name, tensor):
    """Decoupled weight decay: the matrices of attention, feed-forward and output; not embeddings, biases or norms."""
    return tensor.dim() == 2 and not name.startswith("embed.")
