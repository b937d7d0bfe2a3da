"""The paper's network in PyTorch as fast as PyTorch has it: torch.compile, bf16 autocast, FlexAttention, fused AdamW.

Weights have Drawloom's names, so that both can start from one file. Attention of a layer computes the layer's own pattern:
columns by scaled_dot_product_attention on permuted operands, everything else by FlexAttention; or, asked for "dense", causal dense
attention in place of the pattern, which is another model, but what PyTorch computes fastest. Where there is no FlexAttention (PyTorch before 2.5) or no GPU,
scores are masked.
"""
import math
import re

import torch
import torch.nn as nn
import torch.nn.functional as F

try:
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
except ImportError:
    flex_attention = None


def parse(pattern):
    """(kind, l, c) of a pattern text with one piece or a merged pair: "local(128)", "fixed(128, c=32)", "dense"."""
    m = re.fullmatch(r"(\w+)(?:\((\d+)(?:,\s*c=(\d+))?\))?", pattern.strip())
    if not m or m[1] not in ("dense", "local", "column", "block", "summary", "strided", "fixed"):
        raise ValueError(f"the peer does not know the pattern '{pattern}'")
    return m[1], int(m[2] or 0), int(m[3] or 0)


def mask_of(kind, l, c):
    """Whether query i of head h may see key j, elementwise."""
    parts = max(1, l // c) if c else 1
    local = lambda h, i, j: (j <= i) & (i - j < l)
    column = lambda h, i, j: (j <= i) & ((i - j) % l == 0)
    block = lambda h, i, j: (j <= i) & (i // l == j // l)

    def summary(h, i, j):
        low = l - c * (h % parts + 1)
        return (j <= i) & (j % l >= low) & (j % l < low + c)

    return {"dense": lambda h, i, j: j <= i, "local": local, "column": column, "block": block, "summary": summary,
            "strided": lambda h, i, j: local(h, i, j) | column(h, i, j), "fixed": lambda h, i, j: block(h, i, j) | summary(h, i, j)}[kind]


def masked_attention(q, k, v, mask):
    scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).masked_fill(~mask, -math.inf)
    return torch.softmax(scores, -1).to(v.dtype) @ v


def column_attention(q, k, v, l):
    """Each residue class of positions modulo l as a causal problem of its own; l divides n."""
    B, H, n, _ = q.shape
    rows = lambda t: t.reshape(B, H, n // l, l, -1).transpose(2, 3).reshape(B * H, l, n // l, -1)
    out = F.scaled_dot_product_attention(rows(q), rows(k), rows(v), is_causal=True)
    return out.view(B, H, l, n // l, -1).transpose(2, 3).reshape(B, H, n, -1)


class Block(nn.Module):
    def __init__(self, d, ff, qk, heads, dropout, attend):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 2 * qk + d), nn.Linear(d, d)
        self.ff1, self.ff2 = nn.Linear(d, ff), nn.Linear(ff, d)
        self.sizes, self.heads, self.dropout, self.attend = (qk, qk, d), heads, dropout, attend

    def forward(self, h):
        B, n, d = h.shape
        q, k, v = (t.view(B, n, self.heads, -1).transpose(1, 2) for t in self.qkv(self.norm1(h)).split(self.sizes, -1))
        h = h + F.dropout(self.proj(self.attend(q, k, v).transpose(1, 2).reshape(B, n, d)), self.dropout, self.training)
        u = self.ff1(self.norm2(h))
        return h + F.dropout(self.ff2(u * torch.sigmoid(1.702 * u)), self.dropout, self.training)


class Network(nn.Module):
    """`spec`: a resolved spec's values by key. `attention`: "exact" or "dense"."""

    def __init__(self, spec, device, attention="exact"):
        super().__init__()
        self.n, d, self.heads, self.device = spec["model.n"], spec["model.d"], spec["model.heads"], device
        if spec["model.embedding"] == "image":
            rows, columns, channels = spec["model.embedding_shape"]
            tables = [(rows, columns * channels), (columns, channels), (channels, 1)]
        else:
            width = spec["model.embedding_width"]
            tables = [(-(-self.n // width), width), (width, 1)]
        position = torch.arange(self.n, device=device)
        self.where = [position // step % rows for rows, step in tables]
        self.token = nn.Embedding(spec["model.vocab"] + 1, d)
        self.positions = nn.ModuleList(nn.Embedding(rows, d) for rows, _ in tables)
        patterns = spec["attention.layers"] or [spec["attention.pattern"]]
        made = {p: self.attention_of(p if attention == "exact" else "dense") for p in patterns}
        self.layers = nn.ModuleList(
            Block(d, spec["model.ff"], spec["model.qk"], self.heads, spec["model.dropout"], made[patterns[k % len(patterns)]])
            for k in range(spec["model.layers"]))
        self.norm, self.out = nn.LayerNorm(d), nn.Linear(d, spec["model.vocab"])
        self.to(device)

    def attention_of(self, pattern):
        kind, l, c = parse(pattern)
        mask = mask_of(kind, l, c)
        if flex_attention is None or self.device == "cpu":
            h, i, j = (torch.arange(e, device=self.device) for e in (self.heads, self.n, self.n))
            seen = mask(h[:, None, None], i[:, None], j)
            return lambda q, k, v: masked_attention(q, k, v, seen)
        if kind == "dense":
            return lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)
        if kind == "column" and self.n % l == 0:
            return lambda q, k, v: column_attention(q, k, v, l)
        per_head = self.heads if c else None  # without _compile, which has been seen to hang
        blocks = create_block_mask(lambda b, h, i, j: mask(h, i, j), None, per_head, self.n, self.n, device=self.device)
        return lambda q, k, v: flex_attention(q, k, v, block_mask=blocks)

    def load(self, weights):
        """From Drawloom's tensors by name."""
        own = {"embed.token": self.token.weight, **{f"embed.pos{k}": t.weight for k, t in enumerate(self.positions)}}
        own.update({n: p for n, p in self.named_parameters() if not n.startswith(("token.", "positions."))})
        if set(own) != set(weights):
            raise ValueError(f"tensors differ: {sorted(set(own) ^ set(weights))}")
        with torch.no_grad():
            for name, p in own.items():
                p.copy_(torch.from_numpy(weights[name]))

    def forward(self, tokens, targets):
        """Mean loss in nats; tokens and targets: [batch, n], integers."""
        h = self.token(tokens)
        for table, where in zip(self.positions, self.where):
            h = h + table(where)
        for layer in self.layers:
            h = layer(h)
        logits = self.out(self.norm(h)).float()
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))

    def decay_groups(self, weight_decay):
        """AdamW's groups: matrices of the layers and of the output decay, embeddings, biases and norms do not."""
        groups = {True: [], False: []}
        for name, p in self.named_parameters():
            groups[p.dim() == 2 and not name.startswith(("token.", "positions."))].append(p)
        return [{"params": ps, "weight_decay": weight_decay * decays} for decays, ps in groups.items()]
