"""A small trained model, for the tests of what is damaged."""
import os
import subprocess

SPEC = """[model]
n = 12
layers = 1
heads = 2
d = 8

[attention]
pattern = "fixed(4, c=2)"

[train]
steps = 2

[run]
checkpoint_every = 0
eval_every = 0
"""


def train_small_model(drawloom, folder):
    """Compiles and trains in `folder`. Returns the paths of the artifact and of the checkpoint."""
    (folder / "spec.toml").write_text(SPEC)
    (folder / "text").write_bytes(bytes(range(32, 127)) * 40)
    artifact, out = folder / "model.loom", folder / "run"
    for args in (["compile", folder / "spec.toml", "-o", artifact],
                 ["train", folder / "spec.toml", "--data", folder / "text", "--out", out]):
        subprocess.run([drawloom, *map(str, args)], check=True, capture_output=True, env=dict(os.environ))
    return artifact, out / "step-00000002"
