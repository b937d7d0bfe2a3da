#!/usr/bin/python3
"""The command line: what each mistake says and which exit code it has (DESIGN.md section 10), help, reports, phases."""
import json
import math
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("DRAWLOOM_BIN", "build/release/bin"))
DRAWLOOM, RUN = str(BIN / "drawloom"), str(BIN / "drawloom-run")

SPEC = """[model]
n = 20
layers = 1
heads = 2
d = 16

[attention]
pattern = "fixed(8, c=4)"

[data]
path = "{text}"

[train]
steps = 2

[run]
out = "{out}"
checkpoint_every = 0
eval_every = 0
"""

VERBS = ["compile", "train", "eval", "sample", "data", "config", "inspect", "pattern", "bench", "doctor"]


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = pathlib.Path(tempfile.mkdtemp(prefix="drawloom-cli-"))
        (cls.tmp / "text").write_bytes(bytes(range(32, 127)) * 40)
        cls.spec = cls.tmp / "spec.toml"
        cls.spec.write_text(SPEC.format(text=cls.tmp / "text", out=cls.tmp / "run"))
        cls.loom = cls.tmp / "model.loom"
        r = cls.call("compile", cls.spec, "-o", cls.loom)
        assert r.returncode == 0, r.stderr

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.tmp)

    @classmethod
    def call(cls, *args, tool=DRAWLOOM):
        return subprocess.run([tool, *map(str, args)], capture_output=True, text=True, errors="replace", cwd=cls.tmp)

    def fails(self, code, *parts, args, tool=DRAWLOOM):
        """The command ends with `code`, says all of `parts` on stderr, and no "internal error"."""
        r = self.call(*args, tool=tool)
        self.assertEqual(r.returncode, code, r.stdout + r.stderr)
        for part in parts:
            self.assertIn(part, r.stderr)
        self.assertNotIn("internal error", r.stderr)

    def file(self, name, content):
        path = self.tmp / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def changed(self, name, old, new):
        text = self.spec.read_text()
        self.assertIn(old, text)
        return self.file(name, text.replace(old, new))

    # Targets

    def test_unknown_target(self):
        self.fails(2, "--target: sm_70 not in {native,x86-64-v4,x86-64-v3,sm_90a,sm_80}", args=["compile", self.spec, "--target", "sm_70"])

    def test_only_a_gpu_has_ptx(self):
        self.fails(2, "--emit=ptx is for GPUs", "hint: give a GPU, as in --target sm_90a", args=["compile", self.spec, "--emit=ptx"])

    def test_compile_for_a_gpu(self):
        for target in ("sm_90a", "sm_80"):
            r = self.call("compile", self.spec, "--target", target, "--json", "-o", self.tmp / "gpu.loom")
            self.assertEqual(r.returncode, 0, r.stderr)
            facts = json.loads(r.stdout)
            self.assertEqual(facts["target"], target)
            r = self.call("compile", self.spec, "--target", target, "--emit=ptx", "-o", self.tmp / "gpu.ptx")
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual((self.tmp / "gpu.ptx").read_text().count(f".target {target}\n"), 1)
            if not facts["cubin_bytes"]:
                continue  # no ptxas is installed
            r = self.call("compile", self.spec, "--target", target, "--emit=cubin", "-o", self.tmp / "gpu.cubin")
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual((self.tmp / "gpu.cubin").read_bytes()[:4], b"\x7fELF")

    def test_no_cubin_without_an_assembler(self):
        env = dict(os.environ, DRAWLOOM_PTXAS="")
        r = subprocess.run([DRAWLOOM, "compile", str(self.spec), "--target", "sm_90a", "--emit=cubin", "-o", str(self.tmp / "gpu.cubin")],
                           capture_output=True, text=True, env=env)  # fmt: skip
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("there is no cubin in the artifact\nhint: install ptxas, or name it in DRAWLOOM_PTXAS", r.stderr)

    # Specs

    def test_malformed_spec(self):
        path = self.file("malformed.toml", "[model\nn = 3\n")
        self.fails(65, f"{path}:1:7: error: ", args=["compile", path])

    def test_unknown_key(self):
        path = self.changed("unknown.toml", "heads = 2", "haeds = 2")
        self.fails(65, f"{path}:4:1: error: unknown key 'model.haeds'", "4 | haeds = 2", "hint: did you mean model.heads?", args=["train", path])

    def test_heads_that_do_not_divide_d(self):
        path = self.changed("heads.toml", "heads = 2", "heads = 3")
        self.fails(65, f"{path}:4:9: error: model.heads = 3 does not divide model.d = 16", "2 and 4 divide it", args=["compile", path])

    def test_c_that_does_not_divide_l(self):
        path = self.changed("c.toml", "c=4", "c=3")
        self.fails(65, f"{path}:8:", "error: pattern: ", "3", "8", args=["compile", path])

    def test_missing_spec(self):
        self.fails(66, "cannot read the spec none.toml", args=["train", "none.toml"])

    def test_wrong_set(self):
        self.fails(2, "--set model.n=x: error: model.n: expected an integer", args=["compile", self.spec, "--set", "model.n=x"])
        self.fails(2, "expected SECTION.KEY=VALUE", args=["compile", self.spec, "--set", "model.n"])

    def test_set_may_stand_before_the_spec_and_repeat(self):
        r = self.call("config", "show", "--set", "train.lr=0.5", "--set", "train.clip=2", self.spec)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertRegex(r.stdout, r"lr = 0\.5 +# --set")
        self.assertRegex(r.stdout, r"clip = 2\.0 +# --set")

    # Data and output

    def test_missing_data_file(self):
        path = self.changed("nodata.toml", str(self.tmp / "text"), "nowhere.txt")
        self.fails(66, f"{path}:11:8: cannot read the data file 'nowhere.txt'", "hint: ", args=["train", path])
        self.fails(66, "cannot read the data file 'elsewhere.txt'", args=["train", path, "--data", "elsewhere.txt"])
        self.fails(66, "'nowhere.txt'", args=["eval", self.loom, "--data", "nowhere.txt"])

    def test_no_data_file(self):
        path = self.changed("emptydata.toml", str(self.tmp / "text"), "")
        self.fails(66, "no data file", args=["train", path])

    def test_short_data_file(self):
        short = self.file("short.txt", b"abc")
        self.fails(65, "short.txt", args=["train", self.loom, "--data", short, "--out", self.tmp / "short"])

    def test_unwritable_output_folder(self):
        blocker = self.file("blocker", "")
        for tool in (DRAWLOOM, RUN):
            self.fails(74, "cannot create the output folder", "blocker", args=["train", self.loom, "--out", blocker / "run"], tool=tool)

    def test_unwritable_artifact(self):
        self.fails(74, "blocker2", args=["compile", self.spec, "-o", self.file("blocker2", "") / "m.loom"])

    # Artifacts

    def test_missing_artifact(self):
        self.fails(66, "none.loom", args=["train", "none.loom"])

    def test_truncated_artifact(self):
        path = self.file("truncated.loom", self.loom.read_bytes()[:5000])
        for tool, args in ((DRAWLOOM, ["train", path]), (RUN, ["train", path]), (DRAWLOOM, ["inspect", path])):
            self.fails(65, "truncated", "hint: ", args=args, tool=tool)

    def test_corrupted_artifact(self):
        content = bytearray(self.loom.read_bytes())
        content[200] ^= 0xFF
        self.fails(65, "corrupted.loom", args=["train", self.file("corrupted.loom", bytes(content))])

    def test_something_else_than_an_artifact(self):
        self.fails(65, "not a Drawloom artifact", args=["eval", self.file("text.loom", "hello")])

    def test_set_on_an_artifact(self):
        self.fails(2, "--set changes a model spec", "hint: ", args=["train", self.loom, "--set", "train.lr=1"])

    def test_precision_on_an_artifact(self):
        self.fails(2, "--precision changes a model spec", "hint: ", args=["eval", self.loom, "--precision", "bf16"])

    def test_device_on_an_artifact(self):
        self.fails(2, "--device changes a model spec", args=["inspect", self.loom, "--device", "cuda"])
        self.fails(65, "hint: ", args=["train", self.loom, "--device", "cuda"])

    def test_tuning_of_an_artifact(self):
        self.fails(2, "--tuning is for compiling", "hint: ", args=["train", self.loom, "--tuning", "cuts.json"])

    def test_tuning_files(self):
        def refuses(code, text, *messages):
            self.fails(code, *messages, args=["compile", self.spec, "--tuning", self.file("cuts.json", text)])

        self.fails(66, "none.json", args=["compile", self.spec, "--tuning", "none.json"])
        refuses(65, '{"drawloom_tuning": 1, "kern', "cuts.json: not valid JSON")
        refuses(65, '{"drawloom_tuning": 1, "kernels": {}, "kernels": {}}', 'the key "kernels" occurs twice')
        refuses(65, '{"kernels": {}}', "cuts.json: this is no tuning file", "hint: make it anew")
        refuses(65, '{"drawloom_tuning": 2, "kernels": {}}', "a tuning of version 2, but this program reads version 1")
        refuses(65, '{"drawloom_tuning": 1}', "expected an object 'kernels'")
        refuses(65, '{"drawloom_tuning": 1, "kernels": {"attend": {"cut": 3}}}', "expected a text 'cut' in kernels['attend']")

    def test_tuning_on_a_cpu(self):
        out = self.tmp / "tuned.json"
        self.fails(2, "only kernels for a GPU have cuts to tune", "hint: add --device cuda", args=["bench", "attention", "local(16)", "--n", "64", "--tune", out])
        self.fails(2, "only kernels for a GPU have cuts to tune", args=["bench", "step", self.spec, "--tune", out])
        self.assertFalse(out.exists())

    def test_tune_and_tuning(self):
        self.fails(2, "--tuning excludes --tune", args=["bench", "step", self.spec, "--tuning", "a.json", "--tune", "b.json"])

    def test_compile_reads_a_tuning(self):
        def compiled(phase, *flags):
            args = [self.spec, "--target", "sm_90a", "--device", "cuda", "--set", "model.n=1024", "--set", "model.d=64", "--set", 'attention.pattern="local(64)"', "--stop-after", phase]
            done = self.call("compile", *args, "--print", *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done

        # What the kernels' problems are called is learnt from the pass that makes them.
        graph = compiled("graph").stdout.replace("module attributes {", "module attributes {drawloom.tuning = {}, ", 1)
        lowered = subprocess.run([BIN / "drawloom-opt", self.file("graph.mlir", graph), "--drawloom-lower-attention=target=sm_90a"], capture_output=True, text=True)
        self.assertEqual(lowered.returncode, 0, lowered.stderr)
        problem = re.search(r'"(attend_grad [^"]*)"', lowered.stdout)[1]
        cuts = lambda cut: self.file("cuts.json", json.dumps({"drawloom_tuning": 1, "kernels": {problem: {"cut": cut}}}))
        self.assertIn("@attend_grad_window", compiled("loops").stdout)
        self.assertNotIn("@attend_grad_window", compiled("loops", "--tuning", cuts("owners")).stdout)
        unknown = compiled("loops", "--tuning", cuts("slices"))
        self.assertIn("warning: the tuning cuts", unknown.stderr)
        self.assertIn("@attend_grad_window", unknown.stdout)
        # The search for what to recompute lowers the same kernels several times.
        searched = compiled("loops", "--tuning", cuts("slices"), "--set", "memory.recompute=auto", "--set", "memory.budget=64GiB")
        self.assertEqual(searched.stderr.count("warning: the tuning cuts"), 1, searched.stderr)

    def test_sixteen_bits_on_a_cpu(self):
        self.fails(2, 'run.precision = "bf16" needs run.device = "cuda"', "--device cuda", args=["compile", self.spec, "--precision", "bf16"])

    def test_a_target_of_another_device(self):
        self.fails(2, '--target sm_90a is no target of run.device = "cpu"', "--device cuda", args=["compile", self.spec, "--target", "sm_90a", "--device", "cpu"])
        self.fails(2, '--target x86-64-v3 is no target of run.device = "cuda"', args=["compile", self.spec, "--target", "x86-64-v3", "--device", "cuda"])

    def test_a_budget_that_cannot_be_met(self):
        budget = ["--set", "memory.recompute=auto", "--set", "memory.budget=1KiB"]
        self.fails(65, "memory.budget of 1.00 KiB cannot be met", 'hint: write memory.budget = "', args=["compile", self.spec, *budget])

    def test_a_budget_says_what_is_recomputed(self):
        r = self.call("compile", self.spec, "-o", self.tmp / "auto.loom", "--set", "memory.recompute=auto", "--set", "memory.budget=64GiB")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertRegex(r.stderr, r"recompute: layers 0 nothing: .* of a budget of 64\.0 GiB; saves 0 B, adds 0FLOP")

    def test_the_device_decides_the_precision(self):
        for args, precision in (([], "fp32"), (["--device", "cuda"], "bf16"), (["--device", "cuda", "--precision", "fp16"], "fp16")):
            shown = json.loads(self.call("config", "show", "--json", self.spec, *args).stdout)
            self.assertEqual(shown["run.precision"]["value"], precision)

    def test_a_gpu_target_compiles_activations_in_bf16(self):
        r = self.call("compile", self.spec, "--target", "sm_90a", "--stop-after", "graph")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("xbf16>", r.stdout)

    def test_compiling_an_artifact(self):
        self.fails(2, "a model spec is needed", args=["compile", self.loom])

    def test_no_checkpoint(self):
        self.fails(66, "there is no checkpoint in", "hint: train first", args=["sample", self.loom, "--out", self.tmp / "empty"])

    def test_corrupted_checkpoint(self):
        out = self.tmp / "damaged"
        r = self.call("train", self.loom, "--out", out)
        self.assertEqual(r.returncode, 0, r.stderr)
        weights = next(out.glob("step-*")) / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:100])
        self.fails(65, "weights.safetensors", args=["sample", self.loom, "--out", out])

    def test_out_of_memory_prints_the_plan(self):
        sets = [x for s in ("model.n=1048576", "data.batch=1024") for x in ("--set", s)]
        self.fails(71, "memory plan", "Activations", args=["train", self.spec, *sets])

    # Usage

    def test_unknown_verb_names_the_nearest(self):
        self.fails(2, "no verb is called 'trian'", "did you mean `drawloom train`?", args=["trian"])

    def test_no_verb(self):
        self.fails(2, "a verb is needed", args=[])

    def test_unknown_option(self):
        self.fails(2, "--bogus", "hint: `drawloom compile --help`", args=["compile", self.spec, "--bogus"])

    def test_missing_argument(self):
        self.fails(2, "MODEL is required", "hint: `drawloom bench step --help`", args=["bench", "step"])

    def test_unknown_phase(self):
        self.fails(2, "--stop-after", args=["compile", self.spec, "--stop-after", "middle"])

    def test_unknown_pattern(self):
        self.fails(65, "pattern, column 10: unknown name 'locl'", "dense or locl(4)\n           ^", "hint: did you mean 'local'?",
                   args=["pattern", "show", "dense or locl(4)"])

    def test_head_out_of_range(self):
        self.fails(2, "--head 4 is not one of 4 heads", args=["pattern", "show", "dense", "--heads", 4, "--head", 4])

    def test_every_help_starts_with_an_example(self):
        for words in [[]] + [[v] for v in VERBS] + [["config", "show"], ["config", "keys"], ["pattern", "show"], ["bench", "step"], ["bench", "attention"]]:
            r = self.call(*words, "--help")
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertTrue(r.stdout.startswith(" ".join(["Example:  drawloom", *words])), r.stdout[:200])

    def test_help_lists_the_exit_codes_and_the_verbs(self):
        text = self.call("--help").stdout
        for word in VERBS + ["65", "66", "70", "71", "74", "130", "143"]:
            self.assertIn(word, text)

    # What the verbs do

    def test_config_show_json(self):
        r = json.loads(self.call("config", "show", self.spec, "--json").stdout)
        self.assertEqual(r["model.n"], {"value": 20, "origin": f"{self.spec}:2"})
        self.assertEqual(r["model.ff"], {"value": 64, "origin": "default (4 * model.d)"})

    def test_config_keys(self):
        self.assertIn("model.heads", self.call("config", "keys").stdout)
        self.assertIn("| `heads` |", self.call("config", "keys", "--markdown").stdout)

    def test_every_phase_can_be_printed(self):
        seen = {"model": "drawloom.attention", "graph": "drawloom.attend", "loops": "drawloom.launch", "memory": "drawloom.arena_bytes", "kernel": "vector.load"}
        for phase, word in seen.items():
            r = self.call("compile", self.spec, f"--stop-after={phase}")
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertTrue(word in r.stdout, f"{phase}: no {word}")
        self.assertFalse("drawloom.tile" in r.stdout, "kernels have no tile ops left at the end")
        self.assertFalse((self.tmp / "spec.loom").exists(), "a stopped compilation writes no artifact")

    def test_ir_names_its_place_in_the_spec(self):
        plain, placed = (self.call("compile", self.spec, "--stop-after=model", *more).stdout for more in ([], ["--locations"]))
        self.assertNotIn("spec.toml", plain.split("drawloom.spec_source")[1].split("func.func", 1)[1])
        self.assertIn(f'loc("{self.spec}":8:11)', placed)

    def test_phases_are_dumped(self):
        r = self.call("compile", self.spec, "-o", self.tmp / "dumped.loom", "--dump-phases", self.tmp / "phases")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(sorted(p.name for p in (self.tmp / "phases").iterdir()), ["1-graph.mlir", "2-loops.mlir", "3-memory.mlir", "4-kernel.mlir"])

    def test_compile_reports_json(self):
        r = json.loads(self.call("compile", self.spec, "-o", self.tmp / "r.loom", "--json").stdout)
        self.assertEqual(r["bytes"], (self.tmp / "r.loom").stat().st_size)
        self.assertGreater(r["kernels"], 0)

    def test_compiling_twice_gives_the_same_bytes(self):
        self.assertEqual(self.call("compile", self.spec, "-o", self.tmp / "again.loom").returncode, 0)
        self.assertEqual((self.tmp / "again.loom").read_bytes(), self.loom.read_bytes())

    def test_inspect_says_the_same_of_spec_and_artifact(self):
        a, b = (json.loads(self.call("inspect", m, "--json").stdout) for m in (self.spec, self.loom))
        self.assertGreater(b["plan"].pop("code_bytes"), 0)  # a spec is planned, not compiled
        self.assertEqual(a, b)
        self.assertEqual(a["layers"], [{"first": 0, "last": 0, "pattern": "fixed(8, c=4)", "pairs": 2 * (2 * 36 + 10) + 2 * (4 * 8 + 8 * 4), "density": a["layers"][0]["density"]}])
        self.assertEqual(sum(a["parameters_by_part"].values()), a["parameters"])
        self.assertEqual({f["name"] for f in a["plan"]["functions"]}, {"gradient", "evaluate", "decode", "update"})
        self.assertGreaterEqual(a["plan"]["memory"]["parameters"], 4 * a["parameters"])

    def test_inspecting_a_million_positions_takes_no_time(self):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        r = json.loads(self.call("inspect", ROOT / "models" / "audio-1m.toml", "--json").stdout)
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, 3)  # compiled, it is 12 s
        self.assertEqual(r["n"], 1 << 20)
        self.assertEqual(r["plan"]["memory"]["state"], 4 * 2 * (1 << 20) * 256 * 4)

    def test_pattern_show_draws_and_counts(self):
        text = self.call("pattern", "show", "column(3)", "--n", 7).stdout
        self.assertIn("#\n.#\n..#\n#..#\n.#..#\n..#..#\n#..#..#\n", text)
        self.assertIn("12 pairs", text)
        self.assertIn("information flows: no", text)

    def test_pattern_show_writes_an_image(self):
        image = self.tmp / "p.pgm"
        r = self.call("pattern", "show", "local(2)", "--n", 3, "--pgm", image)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(image.read_bytes(), b"P5\n3 3\n255\n" + bytes([0, 0xD0, 0xD0, 0, 0, 0xD0, 0xFF, 0, 0]))

    def test_factorizations_are_judged_together(self):
        r = json.loads(self.call("pattern", "show", "local(4)", "column(4)", "--n", 40, "--json").stdout)
        self.assertTrue(r["valid"])
        self.assertEqual(len(r["patterns"]), 2)

    def test_bench_attention_reports_json(self):
        r = self.call("bench", "attention", "local(8)", "--n", 50, "--heads", 2, "--head-dim", 8, "--repeats", 1, "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        report = json.loads(r.stdout)
        self.assertEqual(report["pairs"], 2 * (50 * 8 - 28))
        self.assertGreater(report["forward_ms"], 0)
        self.assertGreater(report["backward_ms"], 0)

    def test_bench_step_reports_json(self):
        r = self.call("bench", "step", self.loom, "--repeats", 1, "--json")
        self.assertEqual(r.returncode, 0, r.stderr)
        report = json.loads(r.stdout)
        self.assertGreater(report["ms"], 0)
        self.assertTrue(any("attention" in c["label"] for c in report["commands"]))
        self.assertLess(abs(report["loss"] - math.log(256)), 1)
        self.assertLess(report["arena_bytes"], report["memory_bytes"])
        # The model is small: beside the plan there are pages of threads, libraries and tables.
        self.assertGreater(report["measured_memory_bytes"], 0.9 * report["arena_bytes"])
        self.assertLess(report["measured_memory_bytes"], report["memory_bytes"] + (32 << 20))

    def test_doctor_passes(self):
        r = self.call("doctor", "--json")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        facts = json.loads(r.stdout)
        self.assertTrue(facts["self_test"]["passed"])
        self.assertNotEqual(facts["cuda"]["problem"] == "", facts["cuda"]["cards"] == [])

    # Devices

    def test_a_cpu_model_is_refused_on_a_card(self):
        self.fails(65, "does not run on the device 'cuda'", "hint: run it with --device cpu", tool=RUN,
                   args=["eval", self.loom, "--device", "cuda"])

    def test_unknown_device(self):
        self.assertEqual(self.call("eval", self.loom, "--device", "tpu", tool=RUN).returncode, 2)


if __name__ == "__main__":
    unittest.main()
