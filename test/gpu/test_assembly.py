#!/usr/bin/python3
"""Kernels for a list of models, assembled by ptxas without a GPU and compared with the budget in budget.json.

Fails when a kernel takes more registers, shared memory or spills than its budget says, when ptxas complains of what the budget does not
list (serialized products, injected waits), or when a case has other kernels than the budget knows. `test_assembly.py --update` writes the budget again from what is built.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ.get("DRAWLOOM_BIN", "build/release/bin"))
BUDGET = HERE / "budget.json"
TARGETS = ["sm_90a", "sm_80"]
MLIR = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}


def function(arguments, results, body):
    """A function whose arguments and results are buffers: arguments {name: type}, results {name: (value, type)}."""
    io = 'drawloom.name = "{}", drawloom.role = "io"'
    arguments = ", ".join(f"%{name}: {type} {{{io.format(name)}}}" for name, type in arguments.items())
    types = ", ".join(f'{type} {{drawloom.name = "{name}"}}' for name, (_, type) in results.items())
    values = ", ".join(value for value, _ in results.values()) + " : " + ", ".join(type for _, type in results.values())
    return f"func.func @f({arguments}) -> ({types}) {{\n{body}  return {values}\n}}\n"


def attention(pattern, n, heads, qk, v, precision, batch=2):
    """Attention and its gradient, by themselves."""
    t = MLIR[precision]
    q, o, v = (f"tensor<{batch}x{n}x{heads * width}x{t}>" for width in (qk, v, v))
    l = f"tensor<{batch}x{heads}x{n}xf32>"
    what = f'{{pattern = #drawloom.pattern<"{pattern}">, heads = {heads} : i64, scale = 0.125 : f64}}'
    return function(
        {"q": q, "k": q, "v": v, "g": o},
        {"out": ("%o", o), "lse": ("%l", l), "dq": ("%dq", q), "dk": ("%dk", q), "dv": ("%dv", v)},
        f"""  %o, %l = drawloom.attention %q, %k, %v {what} : ({q}, {q}, {v}) -> ({o}, {l})
  %dq, %dk, %dv = drawloom.attention_grad %g, %q, %k, %v, %o, %l {what} : ({o}, {q}, {q}, {v}, {o}, {l}) -> ({q}, {q}, {v})
""",
    )


def rows(d, rows, precision):
    """Row operations that fuse, and the gradient of the last with its sums over rows."""
    x, p, s = f"tensor<1x{rows}x{d}x{MLIR[precision]}>", f"tensor<{d}xf32>", f"tensor<1x{rows}xf32>"
    return function(
        {"x": x, "bias": p, "gamma": p, "beta": p},
        {"sum": ("%2", x), "norm": ("%y", x), "dx": ("%dx", x), "dgamma": ("%dg", p), "dbeta": ("%db", p)},
        f"""  %0 = drawloom.bias_add %x, %bias : ({x}, {p}) -> {x}
  %1 = drawloom.gelu %0 : {x}
  %2 = drawloom.add %1, %x : {x}
  %y, %mean, %rstd = drawloom.layer_norm %2, %gamma, %beta : ({x}, {p}, {p}) -> ({x}, {s}, {s})
  %dx, %dg, %db = drawloom.layer_norm_grad %x, %2, %gamma, %mean, %rstd : ({x}, {x}, {p}, {s}, {s}) -> ({x}, {p}, {p})
""",
    )


def product(m, n, k, transpose_b, epilogue, precision):
    """A product with an epilogue: "gelu" with a bias, "gelu_grad" with its sum over rows, or what needs whole rows: "norm" with a residual that is dropped
    out, "norm_grad" with the residual's gradient and a dropped out copy, which is summed over rows."""
    t = MLIR[precision]
    a, b, row, vector = f"tensor<{m}x{k}x{t}>", f"tensor<{n}x{k}x{t}>" if transpose_b else f"tensor<{k}x{n}x{t}>", f"tensor<{m}x{n}x{t}>", f"tensor<{n}xf32>"
    number, rng = f"tensor<{m}xf32>", "tensor<2xi64>"
    ops, results = {
        "gelu": (f"    %1 = drawloom.bias_add %0, %v0 : ({row}, {vector}) -> {row}\n    %2 = drawloom.gelu %1 : {row}\n", {"1": row, "2": row}),
        "gelu_grad": (
            f"    %1 = drawloom.gelu_grad %0, %u : {row}\n    %2 = drawloom.gelu %u : {row}\n    %3 = drawloom.column_sum %1 : ({row}) -> {vector}\n",
            {"1": row, "2": row, "3": vector},
        ),
        "norm": (
            f"""    %1 = drawloom.bias_add %0, %v0 : ({row}, {vector}) -> {row}
    %2 = drawloom.dropout %1, %k {{rate = 0.25 : f64, site = 1 : i64}} : ({row}, {rng}) -> {row}
    %3 = drawloom.add %u, %2 : {row}
    %4, %5, %6 = drawloom.layer_norm %3, %v0, %v0 : ({row}, {vector}, {vector}) -> ({row}, {number}, {number})
""",
            {"3": row, "4": row, "5": number, "6": number},
        ),
        "norm_grad": (
            f"""    %1, %2, %3 = drawloom.layer_norm_grad %0, %u, %v0, %n, %n : ({row}, {row}, {vector}, {number}, {number}) -> ({row}, {vector}, {vector})
    %4 = drawloom.add %t, %1 : {row}
    %5 = drawloom.dropout %4, %k {{rate = 0.25 : f64, site = 1 : i64}} : ({row}, {rng}) -> {row}
    %6 = drawloom.column_sum %5 : ({row}) -> {vector}
""",
            {"4": row, "5": row, "2": vector, "3": vector, "6": vector},
        ),
    }[epilogue]
    operands = {"x": a, "w": b, "v": vector, "in": row, "more": row, "number": number, "rng": rng}
    types = ", ".join(results.values())
    return function(
        operands,
        {f"out{name}": (f"%r#{i}", type) for i, (name, type) in enumerate(results.items())},
        f"""  %r:{len(results)} = drawloom.fusion({", ".join("%" + name for name in operands)}) : ({", ".join(operands.values())}) -> ({types}) {{
  ^bb0(%a: {a}, %b: {b}, %v0: {vector}, %u: {row}, %t: {row}, %n: {number}, %k: {rng}):
    %0 = drawloom.matmul %a, %b{" {transpose_b}" if transpose_b else ""} : ({a}, {b}) -> {row}
{ops}    drawloom.yield {", ".join("%" + name for name in results)} : {types}
  }}
""",
    )


def weight_grad(m, n, k, precision):
    """The gradients of a weight and of its bias, on top of earlier ones."""
    t = MLIR[precision]
    dy, x, weight, bias = f"tensor<{m}x{n}x{t}>", f"tensor<{m}x{k}x{t}>", f"tensor<{n}x{k}xf32>", f"tensor<{n}xf32>"
    return function(
        {"dy": dy, "x": x, "w": weight, "b": bias},
        {"dw": ("%r#0", weight), "db": ("%r#1", bias)},
        f"""  %r:2 = drawloom.fusion(%dy, %x, %w, %b) : ({dy}, {x}, {weight}, {bias}) -> ({weight}, {bias}) {{
  ^bb0(%a: {dy}, %c: {x}, %v: {weight}, %u: {bias}):
    %0 = drawloom.matmul %a, %c init %v {{transpose_a}} : ({dy}, {x}, {weight}) -> {weight}
    %1 = drawloom.column_sum %a init %u : ({dy}, {bias}) -> {bias}
    drawloom.yield %0, %1 : {weight}, {bias}
  }}
""",
    )


def product_delta(n, heads, channels, k, precision):
    """The gradient of attention's output, which the projection's gradient makes, and delta in passing."""
    t, d = MLIR[precision], heads * channels
    dy, w, row, delta = f"tensor<2x{n}x{k}x{t}>", f"tensor<{k}x{d}x{t}>", f"tensor<2x{n}x{d}x{t}>", f"tensor<2x{heads}x{n}xf32>"
    return function(
        {"dy": dy, "w": w, "out": row},
        {"dout": ("%r#0", row), "delta": ("%r#1", delta)},
        f"""  %r:2 = drawloom.fusion(%dy, %w, %out) : ({dy}, {w}, {row}) -> ({row}, {delta}) {{
  ^bb0(%a: {dy}, %b: {w}, %o: {row}):
    %0 = drawloom.matmul %a, %b : ({dy}, {w}) -> {row}
    %1 = drawloom.attention_delta %0, %o {{heads = {heads} : i64}} : ({row}, {row}) -> {delta}
    drawloom.yield %0, %1 : {row}, {delta}
  }}
""",
    )


PATTERNS = {
    "fixed": ("fixed(128, c=32)", 1024),
    "long fixed": ("fixed(128, c=32)", 3072),  # two streams, the first with one tile of keys
    "summary": ("summary(256, c=64)", 3072),
    "strided": ("strided(128)", 1024),
    "local": ("local(128)", 1024),
    "ragged": ("strided(96)", 1000),
    "set": ("j <= i and (i - j < 64 or (i - j) mod 100 == 0)", 512),
}
CASES = {}  # name: (module, precision)
for name, qk, v, precision in [
    ("fixed", 64, 64, "fp32"), ("ragged", 40, 40, "fp32"), ("set", 64, 128, "fp32"),
    ("fixed", 64, 64, "bf16"), ("fixed", 128, 128, "bf16"), ("long fixed", 64, 64, "bf16"), ("summary", 64, 64, "bf16"), ("strided", 64, 64, "bf16"), ("local", 32, 32, "bf16"), ("local", 64, 128, "bf16"),
    ("ragged", 64, 64, "bf16"), ("set", 64, 64, "bf16"), ("local", 64, 64, "fp16"),
]:  # fmt: skip
    CASES[f"{name} {qk}/{v} {precision}"] = (attention(*PATTERNS[name], 2, qk, v, precision), precision)
for d, count, precision in [(257, 2048, "fp32"), (512, 2048, "fp32"), (257, 2048, "bf16"), (512, 2048, "bf16"), (512, 2048, "fp16"), (256, 49152, "bf16")]:
    CASES[f"rows {d} {precision}"] = (rows(d, count, precision), precision)
for n, k, precision in [(1024, 256, "bf16"), (2048, 512, "bf16"), (2048, 512, "fp16")]:
    CASES[f"product {n}x{k} gelu {precision}"] = (product(4096, n, k, True, "gelu", precision), precision)
    CASES[f"product {n}x{k} gelu_grad {precision}"] = (product(4096, n, k, False, "gelu_grad", precision), precision)
for n, k, precision in [(256, 256, "bf16"), (256, 512, "bf16"), (192, 512, "fp16")]:
    CASES[f"product {n}x{k} norm {precision}"] = (product(4096, n, k, True, "norm", precision), precision)
    CASES[f"product {n}x{k} norm_grad {precision}"] = (product(4096, n, k, False, "norm_grad", precision), precision)
for n, k, precision in [(512, 256, "bf16"), (1536, 512, "bf16"), (200, 128, "fp16")]:
    CASES[f"product weight grad {n}x{k} {precision}"] = (weight_grad(49152, n, k, precision), precision)
for heads, channels, k, precision in [(2, 128, 256, "bf16"), (16, 32, 512, "bf16"), (8, 64, 512, "fp16")]:
    CASES[f"product {heads}x{channels}x{k} delta {precision}"] = (product_delta(3072, heads, channels, k, precision), precision)


def targets(case):
    return TARGETS[:1] if case.startswith("product") else TARGETS


def ptxas():
    """As codegen/nvptx/Ptxas.cpp finds it."""
    if "DRAWLOOM_PTXAS" in os.environ:
        return os.environ["DRAWLOOM_PTXAS"] or None
    return shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")


def ptxas_version():
    text = subprocess.run([ptxas(), "--version"], capture_output=True, text=True).stdout
    return re.search(r"V([\d.]+)", text)[1]


def call(*command):
    r = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if r.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{r.stderr[-2000:]}")
    return r.stdout


def measure(text, precision, target, folder):
    """{kernel: [registers, shared bytes, spilled bytes]} and what ptxas complains of."""
    source, kernels = folder / "graph.mlir", folder / "kernels.mlir"
    source.write_text(text)
    kernels.write_text(call(BIN / "drawloom-opt", source, f"--drawloom-pipeline=target={target} precision={precision}"))
    said = call(BIN / "drawloom-ptx", kernels, "--target", target, "--emit=resources")
    found, complaints = {}, []
    for line in said.splitlines():
        if m := re.match(r"(\S+): (\d+) threads, (\d+) registers, (\d+) barriers, (\d+) bytes of shared memory, \d+ bytes of stack, spills (\d+) \+ (\d+) bytes", line):
            if int(m[2]) > 1:  # one thread: the kernel is not scheduled for a GPU, and nothing is asked of it
                found[m[1]] = [int(m[3]), int(m[5]), int(m[6]) + int(m[7])]
        elif line.startswith("warning"):
            complaints.append(re.sub(r" around line \d+", "", line))
    return found, complaints


def measure_all():
    results = {}
    with tempfile.TemporaryDirectory(prefix="drawloom-assembly-") as tmp:
        for case, (text, precision) in CASES.items():
            for target in targets(case):
                results[f"{case} {target}"] = measure(text, precision, target, pathlib.Path(tmp))
    return results


def update():
    results = measure_all()
    kernels = {case: found for case, (found, _) in results.items()}
    complaints = {case: sorted(lines) for case, (_, lines) in results.items() if lines}
    table = lambda rows: "{\n" + ",\n".join(f"    {json.dumps(case)}: {json.dumps(row)}" for case, row in rows.items()) + "\n  }"
    BUDGET.write_text(f'{{\n  "ptxas": {json.dumps(ptxas_version())},\n  "complaints": {table(complaints)},\n  "kernels": {table(kernels)}\n}}\n')
    for case, lines in complaints.items():
        print(*(f"{case}: {line}" for line in lines), sep="\n")
    print(f"{BUDGET}: {sum(map(len, kernels.values()))} kernels in {len(kernels)} cases")


@unittest.skipUnless(ptxas(), "no ptxas is installed")
class Assembly(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.budget = json.loads(BUDGET.read_text())
        cls.same_ptxas = cls.budget["ptxas"] == ptxas_version()

    def check(self, case):
        text, precision = CASES[case]
        for target in targets(case):
            with self.subTest(target=target), tempfile.TemporaryDirectory(prefix="drawloom-assembly-") as tmp:
                found, complaints = measure(text, precision, target, pathlib.Path(tmp))
                known = self.budget["complaints"].get(f"{case} {target}", [])
                self.assertEqual(sorted(set(complaints) - set(known)), [])
                budget = self.budget["kernels"].get(f"{case} {target}", {})
                self.assertEqual(sorted(found), sorted(budget), "other kernels than in the budget: run test_assembly.py --update")
                for kernel, (registers, shared, spilled) in found.items():
                    self.assertLessEqual(shared, budget[kernel][1], f"{kernel}: shared memory")
                    self.assertLessEqual(spilled, budget[kernel][2], f"{kernel}: spilled bytes")
                    if self.same_ptxas:  # another one allocates otherwise
                        self.assertLessEqual(registers, budget[kernel][0], f"{kernel}: registers")


def add_tests():
    for case in CASES:
        name = "test_" + re.sub(r"\W+", "_", case)
        setattr(Assembly, name, lambda self, case=case: self.check(case))


add_tests()

if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    else:
        unittest.main()
