#!/usr/bin/python3
"""Images and sound end to end through the command line: made-up data always, real data (../shared/data) where it is there."""
import json
import os
import pathlib
import struct
import subprocess
import tarfile
import tempfile
import unittest
import wave

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("DRAWLOOM_BIN", "build/release/bin")).resolve()
DRAWLOOM, RUN = BIN / "drawloom", BIN / "drawloom-run"
SHARED = ROOT.parent / "shared" / "data"

IMAGES = """
[model]
n = 3072
layers = 2
heads = 1
d = 16
embedding = "image"
embedding_shape = [32, 32, 3]
[attention]
layers = ["local(96)", "column(96)"]
[data]
kind = "images"
path = "{data}"
split = [{train}, {valid}, 0]
batch = 2
[train]
steps = 4
lr = 0.01
warmup = 1
[run]
out = "{out}"
eval_every = 4
checkpoint_every = 0
[sample]
batch = 2
"""

SOUND = """
[model]
n = 512
layers = 2
heads = 1
d = 16
[attention]
layers = ["local(32)", "column(32)"]
[data]
kind = "audio"
path = "{data}"
split = [0.8, 0.2, 0]
batch = 4
[train]
steps = 4
lr = 0.01
warmup = 1
[run]
out = "{out}"
eval_every = 4
checkpoint_every = 0
"""


def pixels(batch):
    """Images of a CIFAR-10 batch as rows of bytes: row by row, pixel by pixel, R G B."""
    records = np.frombuffer(batch, np.uint8).reshape(-1, 3073)
    return records[:, 1:].reshape(-1, 3, 1024).transpose(0, 2, 1).reshape(-1, 3072)


def png_size(path):
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])  # columns, rows


def tensors(path):
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    out = {}
    for name, t in json.loads(raw[8 : 8 + size]).items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            out[name] = np.frombuffer(raw[8 + size + a : 8 + size + b], np.int32).reshape(t["shape"])
    return out


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="drawloom-data-")
        self.tmp = pathlib.Path(self.folder.name)
        self.env = dict(os.environ, DRAWLOOM_CACHE=str(self.tmp / "cache"))

    def tearDown(self):
        self.folder.cleanup()

    def call(self, *args, tool=DRAWLOOM, code=0):
        r = subprocess.run([str(x) for x in (tool, *args)], capture_output=True, text=True, errors="replace", cwd=self.tmp, env=self.env)
        self.assertEqual(r.returncode, code, r.stdout + r.stderr)
        self.assertNotIn("internal error", r.stderr)
        return r

    def report(self, *args, tool=DRAWLOOM):
        return json.loads(self.call(*args, "--json", tool=tool).stdout)

    def spec(self, text, **values):
        path = self.tmp / "spec.toml"
        path.write_text(text.format(out=self.tmp / "run", **values))
        return path

    def batch(self, count, seed=1):
        """A made-up batch file and its images."""
        records = np.random.default_rng(seed).integers(0, 256, (count, 3073), np.uint8)
        records[:, 0] %= 10
        return records.tobytes()

    def train_on_images(self, spec, images):
        """Trains, and checks that every row that the model saw is one of `images`, each at most once an epoch."""
        self.call("train", spec, "--save-batches", self.tmp / "batches", "--quiet")
        rows = tensors(self.tmp / "batches")["targets"].reshape(-1, 3072)
        known = {x.tobytes(): k for k, x in enumerate(images)}
        seen = [known[x.astype(np.uint8).tobytes()] for x in rows]
        self.assertEqual(len(set(seen)), len(seen))
        return seen


class MadeUpImages(Base):
    def setUp(self):
        super().setUp()
        raw = self.batch(20)
        self.images = pixels(raw)
        self.data = self.tmp / "cifar"
        self.data.mkdir()
        (self.data / "data_batch_1.bin").write_bytes(raw[: 12 * 3073])
        (self.data / "data_batch_2.bin").write_bytes(raw[12 * 3073 :])

    def test_training_sees_whole_training_images_in_a_shuffled_order(self):
        seen = self.train_on_images(self.spec(IMAGES, data=self.data, train=16, valid=4), self.images[:16])
        self.assertEqual(len(seen), 8)
        self.assertNotEqual(seen, sorted(seen))

    def test_the_log_evaluation_and_samples_of_a_trained_model(self):
        spec = self.spec(IMAGES, data=self.data, train=16, valid=4)
        r = self.call("train", spec)
        self.assertIn("16 images to train, 4 images held out", r.stderr)
        self.assertIn("bits/dim", r.stderr)
        loom = self.tmp / "m.loom"
        self.call("compile", spec, "-o", loom)
        for model, tool in ((spec, DRAWLOOM), (loom, RUN)):
            e = self.report("eval", model, tool=tool)
            self.assertEqual((e["bytes"], e["windows"]), (4 * 3072, 4))
            self.assertTrue(6 < e["bits_per_dim"] < 9, e)
        self.call("sample", loom, "--count", 3, "--complete", 30, "--sheet", "sheet.png", "--out-file", "one.png", tool=RUN)
        self.assertEqual(png_size(self.tmp / "sheet.png"), (3 * 34 + 2, 3 * 34 + 2))  # three images, each in three states
        self.assertEqual(png_size(self.tmp / "one-2.png"), (32, 32))
        given = json.loads(self.call("sample", loom, "--complete", 30, "--json", tool=RUN).stdout)
        self.assertEqual(given["samples"][0]["bytes"][: 30 * 96], self.images[16][: 30 * 96].tolist())

    def test_data_reports_what_numpy_counts(self):
        report = self.report("data", self.data)
        self.assertEqual((report["kind"], report["items"], report["files"], report["image"]), ("images", 20, 2, [32, 32, 3]))
        for c, channel in enumerate(report["parts"]["all"]["channels"]):
            values = self.images[:, c::3]
            self.assertAlmostEqual(channel["mean"], values.mean(), 6)
            self.assertAlmostEqual(channel["deviation"], values.std(), 6)
        share = np.bincount(self.images.ravel(), minlength=256) / self.images.size
        share = share[share > 0]
        self.assertAlmostEqual(report["parts"]["all"]["entropy"], -(share * np.log2(share)).sum(), 6)

    def test_data_says_the_same_of_spec_and_artifact(self):
        spec = self.spec(IMAGES, data=self.data, train=16, valid=4)
        loom = self.tmp / "m.loom"
        self.call("compile", spec, "-o", loom)
        a, b = self.report("data", spec), self.report("data", loom, tool=RUN)
        self.assertEqual(a, b)
        self.assertEqual((a["windows"], a["parts"]["train"]["items"], a["parts"]["valid"]["items"]), (16, 16, 4))

    def test_mistakes_name_the_file_and_have_their_exit_codes(self):
        (self.data / "data_batch_3.bin").write_bytes(b"x" * 3072)
        r = self.call("data", self.data, code=65)
        self.assertIn("data_batch_3.bin' has 3072 bytes, expected a multiple of 3073", r.stderr)
        self.assertIn("hint: ", r.stderr)
        (self.data / "data_batch_3.bin").write_bytes(b"\x0b" * 3073)
        self.assertIn("image 0 has label 11", self.call("data", self.data, code=65).stderr)
        said = self.call("train", self.spec(IMAGES, data=self.data, train=5000, valid=4), code=65).stderr
        self.assertIn("= 5004 images, but the data has 21", said)
        self.assertIn("hint: fractions suit data of any size: --set data.split=[", said)
        self.assertIn("does not exist", self.call("data", self.tmp / "none", code=66).stderr)
        self.call("data", self.data, "--data", "x", code=2)
        self.call("data", self.data, "--set", "data.rate=1", code=2)


class MadeUpSound(Base):
    def test_training_and_sampling(self):
        t = np.arange(24000)
        with wave.open(str(self.tmp / "a.wav"), "wb") as w:
            w.setnchannels(2)
            w.setsampwidth(2)
            w.setframerate(24000)
            w.writeframes(np.repeat((12000 * np.sin(t * 0.1)).astype("<i2"), 2).tobytes())
        spec = self.spec(SOUND, data=self.tmp / "a.wav")
        report = self.report("data", spec)
        self.assertEqual((report["kind"], report["rate"]), ("audio", 12000))
        self.assertAlmostEqual(report["items"], 12000, delta=2)
        self.assertAlmostEqual(report["parts"]["train"]["rms_db"], 20 * np.log10(12000 / 32768 / np.sqrt(2)), delta=0.3)
        self.assertIn("bits/byte", self.call("train", spec).stderr)
        self.call("sample", spec, "--out-file", "s.wav")
        with wave.open(str(self.tmp / "s.wav")) as w:
            self.assertEqual((w.getframerate(), w.getnchannels(), w.getnframes()), (12000, 1, 512))
        self.assertIn("samples of audio need a file", self.call("sample", spec, code=2).stderr)

    def test_what_is_no_sound_is_named(self):
        (self.tmp / "bad.ogg").write_text("no sound")
        r = self.call("train", self.spec(SOUND, data=self.tmp / "bad.ogg"), code=65)
        self.assertIn("bad.ogg", r.stderr)
        self.assertIn("hint: ", r.stderr)


class RealData(Base):
    def setUp(self):
        super().setUp()
        if not SHARED.is_dir():
            self.skipTest(f"{SHARED} is not there")

    def test_cifar10(self):
        raw = subprocess.run(["xz", "-dc", SHARED / "cifar10" / "data_batch_5.bin.xz"], capture_output=True, check=True).stdout
        (self.tmp / "data_batch_5.bin").write_bytes(raw)
        images = pixels(raw)
        spec = self.spec(IMAGES, data=self.tmp, train=8000, valid=2000)
        report = self.report("data", spec)
        self.assertEqual((report["parts"]["train"]["items"], report["parts"]["valid"]["items"]), (8000, 2000))
        for c, channel in enumerate(report["parts"]["valid"]["channels"]):
            self.assertAlmostEqual(channel["mean"], images[8000:, c::3].mean(), 6)
        self.train_on_images(spec, images[:8000])

    def test_music(self):
        report = self.report("data", self.spec(SOUND, data=SHARED / "audio" / "brahms_hungarian_dance_5.ogg"))
        seconds = report["items"] / 12000
        self.assertTrue(45 < seconds < 47, seconds)
        self.assertTrue(-40 < report["parts"]["train"]["rms_db"] < -10)
        self.call("train", self.tmp / "spec.toml")

    def test_png_images(self):
        with tarfile.open(SHARED / "images64" / "eurosat64_2400.tar") as tar:
            names = [m for m in tar.getmembers() if m.name.endswith(".png")][:40]
            tar.extractall(self.tmp / "png", names)
        report = self.report("data", self.tmp / "png")
        self.assertEqual((report["items"], report["image"]), (40, [64, 64, 3]))


if __name__ == "__main__":
    unittest.main()
