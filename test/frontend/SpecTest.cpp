// Model specs: values, origins, includes, --set, and every error with its place, hint and exit code.
#include "frontend/spec/Spec.h"
#include "frontend/spec/Nearest.h"
#include "runtime/support/File.h"
#include <filesystem>
#include <gtest/gtest.h>

using namespace drawloom;
using namespace drawloom::spec;

namespace {

const char *kSmall = R"toml([model]
n = 64
layers = 4
heads = 4
d = 32

[attention]
pattern = "fixed(16, c=4)"
)toml";

struct Failure {
  int code = 0;
  std::string text;
};

/// What parsing throws, or an empty failure.
Failure failure(const std::string &text, const std::vector<std::string> &sets = {},
                const std::string &name = "a.toml") {
  try {
    Spec::parse(text, name, sets);
  } catch (const Error &e) {
    return {e.exitCode, e.text()};
  }
  return {};
}

std::string small(const std::string &more) { return kSmall + more; }

void expectFailure(const Failure &f, int code, const std::vector<std::string> &parts) {
  EXPECT_EQ(f.code, code) << f.text;
  for (auto &part : parts)
    EXPECT_NE(f.text.find(part), std::string::npos) << "expected: " << part << "\nfound:\n" << f.text;
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// A folder that is removed at the end of the test.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "drawloom-spec-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string &name, const std::string &text) {
    writeFileAtomically((path / name).string(), text);
    return (path / name).string();
  }
};

TEST(Spec, FillsDefaultsAndDerivesTheRest) {
  Spec s = Spec::parse(kSmall, "dir/small.toml");
  EXPECT_EQ(s.text("model.name"), "small");
  EXPECT_EQ(s.text("run.out"), "runs/small");
  EXPECT_EQ(s.integer("model.ff"), 128);
  EXPECT_EQ(s.integer("model.qk"), 32);
  EXPECT_EQ(s.integer("model.embedding_width"), 16) << "the pattern's stride";
  EXPECT_EQ(s.number("train.epochs"), 1);
  EXPECT_EQ(s.number("train.epsilon"), 1e-8);
  EXPECT_EQ(s.list<double>("data.split"), (std::vector<double>{0.9, 0.05, 0.05}));
}

TEST(Spec, EveryValueKnowsItsOrigin) {
  Spec s = Spec::parse(kSmall, "small.toml", {"train.lr=0.01"});
  EXPECT_EQ(s.origin("model.layers"), "small.toml:3");
  EXPECT_EQ(s.origin("model.ff"), "default (4 * model.d)");
  EXPECT_EQ(s.origin("train.beta1"), "default (paper)");
  EXPECT_EQ(s.origin("train.lr"), "--set");
}

TEST(Spec, PresetsDifferInTheMovingAverage) {
  EXPECT_EQ(Spec::parse(kSmall, "a.toml").number("train.ema"), 0);
  Spec s = Spec::parse(kSmall, "a.toml", {"model.preset=distaug"});
  EXPECT_EQ(s.number("train.ema"), 0.999);
  EXPECT_EQ(s.origin("train.ema"), "default (distaug)");
}

TEST(Spec, DefaultsAreValid) {
  // A default out of its own range or of the wrong type would make parse() throw kInternal.
  for (const Key &k : keys()) EXPECT_FALSE(k.doc.empty()) << k.name;
  for (auto preset : {"paper", "distaug"})
    EXPECT_NO_THROW(Spec::parse(kSmall, "a.toml", {std::string("model.preset=") + preset}));
}

TEST(Spec, JsonHasExactlyTheKeysOfTheTable) {
  auto json = Spec::parse(kSmall, "a.toml").toJson();
  size_t count = 0;
  for (auto &section : json) count += section.size();
  EXPECT_EQ(count, keys().size());
  EXPECT_EQ(json["model"]["n"], 64);
  EXPECT_EQ(json["train"]["ema"], 0.0);
  EXPECT_EQ(json["attention"]["pattern"], "fixed(16, c=4)");
}

TEST(Spec, ReadsItsJsonForm) {
  Spec s = Spec::parse(small("[data]\npath = \"a \\\"b\\\"\\\\c é\"\n"), "small.toml",
                       {"train.lr=1e-5", "attention.layers=[\"dense\", \"local(4)\"]"});
  EXPECT_EQ(Spec::fromJson(s.toJson(), "model.loom").toJson(), s.toJson());
}
TEST(Spec, ShownSpecReadsBackAsTheSameSpec) {
  Spec s = Spec::parse(small("[data]\npath = \"a \\\"b\\\"\\\\c\"\n"), "small.toml",
                       {"train.lr=1e-5", "attention.layers=[\"dense\", \"local(4)\"]"});
  // A shown spec names both of an exclusive pair; the empty one is dropped, as it says nothing.
  std::string text = replaced(s.show(), "pattern = \"\"", "#");
  text = replaced(text, "steps = 0", "#");
  EXPECT_EQ(Spec::parse(text, "shown.toml").toJson(), s.toJson());
}

TEST(Spec, ConfigShowNamesValueAndOrigin) {
  std::string shown = Spec::parse(kSmall, "small.toml").show();
  EXPECT_NE(shown.find("[model]\n"), std::string::npos);
  EXPECT_NE(shown.find("layers = 4                                   # small.toml:3\n"), std::string::npos)
      << shown;
}

TEST(Spec, LayerPatternsRepeat) {
  Spec s = Spec::parse(
      replaced(kSmall, "pattern = \"fixed(16, c=4)\"", "layers = [\"local(8)\",\n  \"column(8)\"]"),
      "a.toml");
  EXPECT_EQ(s.layerPattern(0), "local(8)");
  EXPECT_EQ(s.layerPattern(3), "column(8)");
  EXPECT_EQ(s.layerPatternPlace(3).show(), "a.toml:9:3");
}

TEST(Spec, SetReplacesAListOfPatternsByOne) {
  std::string text = replaced(kSmall, "pattern = \"fixed(16, c=4)\"", "layers = [\"local(8)\"]");
  EXPECT_EQ(Spec::parse(text, "a.toml", {"attention.pattern=dense"}).layerPattern(0), "dense");
}

TEST(SpecSet, BareTextIsAString) {
  EXPECT_EQ(Spec::parse(kSmall, "a.toml", {"attention.pattern=fixed(8, c=2)"}).layerPattern(0),
            "fixed(8, c=2)");
  EXPECT_EQ(Spec::parse(kSmall, "a.toml", {"data.path=/a/b=c.txt"}).text("data.path"), "/a/b=c.txt");
  EXPECT_EQ(Spec::parse(kSmall, "a.toml", {"data.path=\"quoted\""}).text("data.path"), "quoted");
  EXPECT_EQ(Spec::parse(kSmall, "a.toml", {"data.path=123"}).text("data.path"), "123");
}
TEST(SpecSet, LastOneWins) {
  EXPECT_EQ(Spec::parse(kSmall, "a.toml", {"data.batch=2", "data.batch=3"}).integer("data.batch"), 3);
}
TEST(SpecSet, UnknownKeyIsUsage) {
  expectFailure(failure(kSmall, {"model.layer=3"}), kUsage,
                {"--set model.layer=3: error: unknown key 'model.layer'", "did you mean model.layers?"});
}
TEST(SpecSet, WithoutEqualsIsUsage) {
  expectFailure(failure(kSmall, {"model.n"}), kUsage, {"expected SECTION.KEY=VALUE"});
}
TEST(SpecSet, WrongTypeIsUsage) {
  expectFailure(failure(kSmall, {"model.n=abc"}), kUsage,
                {"--set model.n=abc: error: model.n: expected an integer, found 'abc'"});
  expectFailure(failure(kSmall, {"model.n=2.5"}), kUsage, {"expected an integer, found the number 2.5"});
}
TEST(SpecSet, ImpossibleShapeBlamesTheSet) {
  expectFailure(
      failure(kSmall, {"model.heads=5"}), kUsage,
      {"--set model.heads=5: error: model.heads = 5 does not divide model.d = 32", "4 and 8 divide it"});
}
TEST(SpecSet, CannotSmuggleOtherKeysIn) { EXPECT_EQ(failure(kSmall, {"model.n=3\nx=4"}).code, kUsage); }

TEST(SpecError, UnknownKeyNamesTheNearest) {
  expectFailure(failure(small("\n[train]\nwarm_up = 3\n")), kBadInput,
                {"a.toml:11:1: error: unknown key 'train.warm_up'", "11 | warm_up = 3\n     | ^",
                 "hint: did you mean train.warmup?"});
}
TEST(SpecError, UnknownKeyOfAnotherSectionIsNamed) {
  expectFailure(failure(small("heads = 3\n")), kBadInput,
                {"a.toml:9:1: error: unknown key 'attention.heads'", "did you mean model.heads?"});
}
TEST(SpecError, UnknownSectionNamesTheNearest) {
  expectFailure(failure(small("\n[trian]\nlr = 3\n")), kBadInput,
                {"a.toml:10:2: error: unknown section 'trian'", "did you mean [train]?"});
}
TEST(SpecError, KeyOutsideASection) {
  expectFailure(failure(std::string("heads = 3\n") + kSmall), kBadInput,
                {"a.toml:1:1: error: unknown key 'heads'", "did you mean model.heads (in section [model])?"});
}
TEST(SpecError, FarKeyGetsNoHint) {
  auto f = failure(small("\n[train]\nqwertyuiopasdf = 3\n"));
  EXPECT_EQ(f.text.find("hint"), std::string::npos) << f.text;
}
TEST(SpecError, AllErrorsAreShownAtOnce) {
  expectFailure(
      failure(small("\n[train]\nlrr = 3\nsteps = \"many\"\n")), kBadInput,
      {"a.toml:11:1", "a.toml:12:9: error: train.steps: expected an integer, found the string \"many\""});
}
TEST(SpecError, WrongTypes) {
  expectFailure(failure(small("\n[train]\nlr = true\n")), kBadInput,
                {"a.toml:11:6: error: train.lr: expected a number, found true"});
  expectFailure(failure(small("\n[run]\nout = 1.5\n")), kBadInput,
                {"run.out: expected a string, found the number 1.5"});
  expectFailure(failure(small("\n[data]\nsplit = [1, \"x\", 3]\n")), kBadInput,
                {"a.toml:11:13: error: data.split: expected a number in the list"});
  expectFailure(failure(small("\n[data]\nsplit = 3\n")), kBadInput,
                {"data.split: expected a list of numbers, found the integer 3"});
  expectFailure(failure("model = 3\n"), kBadInput,
                {"a.toml:1:9: error: model: expected a section, found the integer 3"});
}
TEST(SpecError, WrongRanges) {
  expectFailure(failure(replaced(kSmall, "n = 64", "n = 0")), kBadInput,
                {"a.toml:2:5: error: model.n: must be in [1, 16777216], found 0"});
  expectFailure(failure(replaced(kSmall, "layers = 4", "layers = 0")), kBadInput,
                {"a.toml:3:10: error: model.layers: must be"});
  expectFailure(failure(replaced(kSmall, "d = 32", "d = -32")), kBadInput,
                {"a.toml:5:5: error: model.d: must be"});
  expectFailure(failure(replaced(kSmall, "d = 32", "d = 32\ndropout = 1.0")), kBadInput,
                {"a.toml:6:11: error: model.dropout: must be in [0, 1), found 1"});
  expectFailure(failure(small("[train]\nlr = 0\n")), kBadInput, {"train.lr: must be greater than 0"});
  expectFailure(failure(small("[train]\nlr = inf\n")), kBadInput, {"train.lr: expected a finite number"});
  expectFailure(failure(small("[train]\nlr = nan\n")), kBadInput, {"train.lr: expected a finite number"});
  expectFailure(failure(small("[run]\nlog_every = 0\n")), kBadInput,
                {"run.log_every: must be a whole number from 1 up, found 0"});
}
TEST(SpecError, WrongChoice) {
  expectFailure(failure(small("[memory]\nrecompute = \"some\"\n")), kBadInput,
                {"memory.recompute: expected \"none\", \"elementwise\", \"attention\", \"block\", \"all\" or "
                 "\"auto\", found \"some\""});
}
TEST(SpecError, MalformedToml) {
  expectFailure(failure("[model\nn = 3\n"), kBadInput, {"a.toml:1:7: error: "});
}
TEST(SpecError, DuplicateKey) {
  expectFailure(failure(replaced(kSmall, "n = 64", "n = 64\nn = 65")), kBadInput, {"a.toml:3:"});
}
TEST(SpecError, MissingKeyPointsAtItsSection) {
  expectFailure(failure(replaced(kSmall, "heads = 4\n", "")), kBadInput,
                {"a.toml:1:1: error: model.heads is missing", "add a line \"heads = …\" to section [model]"});
}
TEST(SpecError, MissingPattern) {
  expectFailure(failure(replaced(kSmall, "pattern = \"fixed(16, c=4)\"\n", "")), kBadInput,
                {"a.toml:7:1: error: the attention pattern is missing"});
}
TEST(SpecError, ExclusiveKeys) {
  expectFailure(failure(small("layers = [\"dense\"]\n")), kBadInput, {"exclude each other"});
  expectFailure(failure(small("[train]\nsteps = 3\nepochs = 2\n")), kBadInput, {"exclude each other"});
}
TEST(SpecError, TensorsThatNoMachineHolds) {
  expectFailure(
      failure(kSmall, {"model.n=16777216", "data.batch=65536"}), kUsage,
      {"--set model.n=16777216: error: a batch has 1099511627776 positions, expected at most 2147483647"});
  expectFailure(failure(kSmall, {"model.n=16777216", "model.ff=1048576", "data.batch=127"}), kUsage,
                {"an activation of 2130706432 x 1048576 has"});
  expectFailure(failure(kSmall, {"model.d=1048576", "model.layers=1000"}), kUsage,
                {"parameters, expected at most"});
}
TEST(SpecError, NoLength) {
  expectFailure(failure(small("[train]\nepochs = 0\n")), kBadInput,
                {"a.toml:10:10: error: train.steps and train.epochs are both 0"});
}
TEST(Spec, StepsTakeThePlaceOfEpochs) {
  EXPECT_EQ(Spec::parse(small("[train]\nepochs = 5\n"), "a.toml", {"train.steps=7"}).number("train.epochs"),
            0);
  EXPECT_EQ(Spec::parse(small("[train]\nsteps = 5\n"), "a.toml", {"train.epochs=2"}).integer("train.steps"),
            0);
}
TEST(SpecError, HeadsMustDivide) {
  expectFailure(failure(replaced(kSmall, "heads = 4", "heads = 5")), kBadInput,
                {"a.toml:4:9: error: model.heads = 5 does not divide model.d = 32", "4 | heads = 5"});
  expectFailure(failure(replaced(kSmall, "d = 32", "d = 32\nqk = 18")), kBadInput,
                {"model.heads = 4 does not divide model.qk = 18"});
}
TEST(SpecError, ImageShapeMustMultiplyToN) {
  auto with = [](const char *line) {
    return replaced(kSmall, "d = 32", std::string("d = 32\nembedding = \"image\"\n") + line);
  };
  EXPECT_EQ(failure(with("embedding_shape = [4, 8, 2]")).code, 0);
  expectFailure(failure(with("embedding_shape = [4, 8, 3]")), kBadInput,
                {"a.toml:7:19: error: model.embedding_shape = [4, 8, 3] has 96 positions, but model.n = 64"});
  expectFailure(failure(with("embedding_shape = [64]")), kBadInput, {"expected [rows, columns, channels]"});
  expectFailure(failure(with("")), kBadInput, {"expected [rows, columns, channels], found []"});
}
TEST(SpecError, ShapeWithoutImage) {
  expectFailure(failure(replaced(kSmall, "d = 32", "d = 32\nembedding_shape = [4, 8, 2]")), kBadInput,
                {"but model.embedding is \"matrix\""});
}
TEST(SpecError, EmbeddingWiderThanN) {
  expectFailure(failure(replaced(kSmall, "d = 32", "d = 32\nembedding_width = 65")), kBadInput,
                {"a.toml:6:19: error: model.embedding_width = 65 is more than model.n = 64"});
}
TEST(SpecError, PatternsPointIntoTheString) {
  expectFailure(failure(replaced(kSmall, "fixed(16, c=4)", "fixed(16, c=5)")), kBadInput,
                {"a.toml:8:", "error: pattern: ", "8 | pattern = \"fixed(16, c=5)\""});
  expectFailure(failure(replaced(kSmall, "fixed(16, c=4)", "dense or locl(4)")), kBadInput,
                {"a.toml:8:21: error: pattern: ", "locl", "local"});
}
TEST(SpecError, PatternOfALayerPointsThere) {
  std::string text =
      replaced(kSmall, "pattern = \"fixed(16, c=4)\"", "layers = [\n  \"dense\",\n  \"i <\",\n]");
  expectFailure(failure(text), kBadInput, {"a.toml:10:", "error: pattern: "});
}
TEST(SpecError, EscapedPatternNamesItsColumn) {
  expectFailure(failure(replaced(kSmall, "fixed(16, c=4)", "\\u0064ense or locl(4)")), kBadInput,
                {"a.toml:8:11: error: pattern: ", "(column 10 of \"dense or locl(4)\")"});
}
TEST(SpecError, PatternInASetIsUsage) {
  expectFailure(failure(kSmall, {"attention.pattern=locl(4)"}), kUsage,
                {"--set attention.pattern=locl(4): error: pattern: ", "column 1 of"});
}
TEST(SpecError, LossScale) {
  expectFailure(failure(small("[train]\nloss_scale = 3000\n")), kBadInput,
                {"a.toml:10:14: error: train.loss_scale = 3000 is not a power of two", "for example 2048"});
  expectFailure(failure(small("[train]\nloss_scale = 512\n")), kBadInput, {"train.loss_scale", "in [1024, "});
  EXPECT_EQ(failure(small("[train]\nloss_scale = 1024\n")).code, 0);
}
TEST(SpecError, DataSplit) {
  expectFailure(failure(small("[data]\nsplit = [0.9, 0.2, 0]\n")), kBadInput,
                {"the fractions add up to 1.1"});
  expectFailure(failure(small("[data]\nsplit = [100, 0.5, 0]\n")), kBadInput, {"whole numbers of bytes"});
  expectFailure(failure(small("[data]\nsplit = [0, 1, 0]\n")), kBadInput, {"the training part is empty"});
  expectFailure(failure(small("[data]\nsplit = [1]\n")), kBadInput, {"expected [train, validation, test]"});
  EXPECT_EQ(failure(small("[data]\nsplit = [90000000, 5000000, 5000000]\n")).code, 0);
}
TEST(SpecError, DataSplitOfImagesCountsImages) {
  std::string images = "[data]\nkind = \"images\"\nsplit = [100, 0.5, 0]\n";
  expectFailure(failure(small(images)), kBadInput, {"whole numbers of images"});
}
TEST(SpecError, ImagesNeedAnImageEmbedding) {
  expectFailure(failure(small("[data]\nkind = \"images\"\n")), kBadInput,
                {"data.kind is \"images\", but model.embedding is not \"image\"", "hint: for example"});
}
TEST(SpecError, ImagesHaveThreeChannels) {
  std::string text = replaced(kSmall, "d = 32", "d = 32\nembedding = \"image\"\nembedding_shape = [4, 4, 4]");
  EXPECT_EQ(failure(text).code, 0) << "of other data";
  expectFailure(failure(text + "\n[data]\nkind = \"images\"\n"), kBadInput,
                {"images have 3 channels (R, G, B)"});
}
TEST(SpecError, SampleLongerThanN) {
  expectFailure(failure(small("[sample]\nlength = 65\n")), kBadInput,
                {"sample.length = 65 is more than model.n = 64"});
}
TEST(SpecError, MissingFileIs66) {
  try {
    Spec::load("/nonexistent/x.toml");
    FAIL();
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, kMissingInput);
    EXPECT_NE(e.text().find("cannot read the spec /nonexistent/x.toml"), std::string::npos) << e.text();
  }
}

TEST(SpecInclude, OwnValuesWin) {
  Folder f;
  f.write("base.toml", small("[train]\nlr = 0.5\nclip = 2.0\n"));
  Spec s = Spec::load(f.write("top.toml", "include = \"base.toml\"\n[train]\nlr = 0.25\n"));
  EXPECT_EQ(s.number("train.lr"), 0.25);
  EXPECT_EQ(s.number("train.clip"), 2.0);
  EXPECT_EQ(s.entry("train.clip").place.file, (f.path / "base.toml").string());
  EXPECT_EQ(s.text("model.name"), "top");
  EXPECT_NE(s.source().find("# included: "), std::string::npos);
}
TEST(SpecInclude, LaterOfAListWins) {
  Folder f;
  f.write("a.toml", small("[train]\nlr = 0.5\n"));
  f.write("b.toml", "[train]\nlr = 0.75\n");
  EXPECT_EQ(Spec::load(f.write("top.toml", "include = [\"a.toml\", \"b.toml\"]\n")).number("train.lr"), 0.75);
}
TEST(SpecInclude, IsRelativeToTheIncludingFile) {
  Folder f;
  std::filesystem::create_directory(f.path / "sub");
  f.write("sub/inner.toml", kSmall);
  f.write("sub/outer.toml", "include = \"inner.toml\"\n");
  EXPECT_EQ(Spec::load(f.write("top.toml", "include = \"sub/outer.toml\"\n")).integer("model.n"), 64);
}
TEST(SpecInclude, PatternReplacesIncludedLayers) {
  Folder f;
  f.write("base.toml", replaced(kSmall, "pattern = \"fixed(16, c=4)\"", "layers = [\"local(8)\"]"));
  EXPECT_EQ(Spec::load(f.write("top.toml", "include = \"base.toml\"\nattention.pattern = \"dense\"\n"))
                .layerPattern(0),
            "dense");
}
TEST(SpecInclude, CycleIsAnError) {
  Folder f;
  f.write("a.toml", "include = \"b.toml\"\n");
  f.write("b.toml", "include = \"a.toml\"\n");
  try {
    Spec::load((f.path / "a.toml").string());
    FAIL();
  } catch (const Error &e) {
    expectFailure({e.exitCode, e.text()}, kBadInput,
                  {"b.toml:1:11: error: include cycle: a.toml -> b.toml -> a.toml"});
  }
}
TEST(SpecInclude, MissingFileIsAnErrorAtTheInclude) {
  expectFailure(failure("include = \"none.toml\"\n", {}, "x/a.toml"), kBadInput,
                {"x/a.toml:1:11: error: cannot include \"none.toml\""});
}
TEST(SpecInclude, ErrorsInIncludedFilesPointThere) {
  Folder f;
  f.write("base.toml", "[model]\nlayer = 3\n");
  try {
    Spec::load(f.write("top.toml", "include = \"base.toml\"\n"));
    FAIL();
  } catch (const Error &e) {
    expectFailure({e.exitCode, e.text()}, kBadInput, {"base.toml:2:1: error: unknown key 'model.layer'"});
  }
}

TEST(SpecPrecision, FollowsTheDevice) {
  Spec cpu = Spec::parse(kSmall, "a.toml");
  EXPECT_EQ(cpu.text("run.precision"), "fp32");
  EXPECT_EQ(cpu.origin("run.precision"), "default (\"fp32\" on cpu, \"bf16\" on cuda)");
  EXPECT_EQ(Spec::parse(kSmall, "a.toml", {"run.device=cuda"}).text("run.precision"), "bf16");
  EXPECT_EQ(Spec::parse(kSmall, "a.toml", {"run.device=cuda", "run.precision=fp32"}).text("run.precision"),
            "fp32");
}
TEST(SpecPrecision, SixteenBitsNeedAGpu) {
  expectFailure(
      failure(small("[run]\nprecision = \"fp16\"\n")), kBadInput,
      {"a.toml:10:13: error: run.precision = \"fp16\" needs run.device = \"cuda\"", "--device cuda"});
}
TEST(SpecPrecision, OthersAreRefused) {
  expectFailure(failure(small("[run]\ndevice = \"cuda\"\nprecision = \"fp8\"\n")), kBadInput,
                {"run.precision: expected \"fp32\", \"bf16\" or \"fp16\", found \"fp8\""});
}

TEST(SpecMemory, AutoTakesABudget) {
  Spec s = Spec::parse(small("[memory]\nrecompute = \"auto\"\nbudget = \"1.5 GiB\"\n"), "a.toml");
  EXPECT_EQ(s.text("memory.budget"), "1.5 GiB");
}
TEST(SpecMemory, AutoWithoutABudget) {
  expectFailure(
      failure(small("[memory]\nrecompute = \"auto\"\n")), kBadInput,
      {"a.toml:10:13: error: memory.recompute = \"auto\" needs memory.budget", "budget = \"8GiB\""});
}
TEST(SpecMemory, ABudgetWithoutAuto) {
  expectFailure(failure(small("[memory]\nbudget = \"2GiB\"\n")), kBadInput,
                {"a.toml:10:10: error: memory.budget is given, but memory.recompute is not \"auto\""});
}
TEST(SpecMemory, ABudgetThatIsNoAmount) {
  for (const char *text : {"much", "2 gigs", "-1GiB", "0", "1e5"})
    expectFailure(failure(small(fmt::format("[memory]\nrecompute = \"auto\"\nbudget = \"{}\"\n", text))),
                  kBadInput, {"a.toml:11:10: error: memory.budget: expected an amount of memory"});
}

TEST(Nearest, EditDistance) {
  EXPECT_EQ(editDistance("heads", "heads"), 0u);
  EXPECT_EQ(editDistance("haeds", "heads"), 1u) << "a swap is one edit";
  EXPECT_EQ(editDistance("", "abc"), 3u);
  EXPECT_EQ(editDistance("kitten", "sitting"), 3u);
}

TEST(Keys, MarkdownNamesEveryKey) {
  std::string text = keysMarkdown();
  for (const Key &k : keys())
    EXPECT_NE(text.find(fmt::format("| `{}` |", k.leaf())), std::string::npos) << k.name;
}

} // namespace
