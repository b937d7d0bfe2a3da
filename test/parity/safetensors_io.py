"""A minimal safetensors reader and writer for fp32 and int32 numpy arrays (format: 8-byte length, JSON header, data)."""
import json
import struct

import numpy as np

TYPES = {"F32": np.float32, "I32": np.int32, "I64": np.int64, "F64": np.float64}


def load(path):
    with open(path, "rb") as f:
        data = f.read()
    (n,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + n])
    out = {}
    for name, t in header.items():
        if name == "__metadata__":
            continue
        begin, end = t["data_offsets"]
        out[name] = np.frombuffer(data[8 + n + begin : 8 + n + end], TYPES[t["dtype"]]).reshape(t["shape"]).copy()
    return out


def save(path, tensors):
    header, blobs, at = {}, [], 0
    for name, t in tensors.items():
        t = np.ascontiguousarray(t)
        dtype = next(k for k, v in TYPES.items() if v == t.dtype)
        header[name] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": [at, at + t.nbytes]}
        blobs.append(t.tobytes())
        at += t.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
