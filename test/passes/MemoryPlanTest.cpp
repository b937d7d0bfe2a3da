// Memory plans of random functions, executed: commands that read and write the planned places compute what
// the values mean.
#include "Support.h"
#include "passes/Names.h"
#include "passes/memory/Layout.h"
#include "passes/memory/Places.h"
#include "passes/memory/Storage.h"

using namespace mlir;
using namespace drawloom;

namespace {

using Matrix = std::vector<int64_t>; // row-major; arithmetic modulo a prime, so that every mistake shows
constexpr int64_t kPrime = 10007, kRows = 3;

int64_t columns(Value v) { return rowLength(cast<RankedTensorType>(v.getType())); }

Matrix product(const Matrix &a, int64_t inner, const Matrix &b, int64_t columns, const Matrix *init) {
  Matrix c = init ? *init : Matrix(kRows * columns, 0);
  for (int64_t i = 0; i < kRows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      for (int64_t k = 0; k < inner; ++k)
        c[i * columns + j] = (c[i * columns + j] + a[i * inner + k] * b[k * columns + j]) % kPrime;
  return c;
}

/// A random function of products with and without init, splits and concats, on [3, 3] and [3, 6] buffers.
/// Results name buffers that may be arguments.
std::string randomFunction(std::mt19937 &random, int mostOps) {
  std::vector<std::string> narrow = {"%a", "%b", "%c"}, wide = {"%d"};
  const std::string N = "tensor<3x3xf32>", W = "tensor<3x6xf32>";
  std::string text;
  auto pick = [&](const std::vector<std::string> &from) {
    return from[random() % 2 ? from.size() - 1 : random() % from.size()];
  };
  for (int k = 0, ops = 1 + random() % mostOps; k < ops; ++k) {
    std::string r = "%r" + std::to_string(k);
    switch (random() % 6) {
    case 0:
    case 1: {
      std::string a = pick(narrow), b = pick(narrow);
      text += r + " = drawloom.matmul " + a + ", " + b + " : (" + N + ", " + N + ") -> " + N + "\n";
      narrow.push_back(r);
      break;
    }
    case 2: {
      std::string a = pick(narrow), b = pick(narrow), c = pick(narrow);
      text += r + " = drawloom.matmul " + a + ", " + b + " init " + c + " : (" + N + ", " + N + ", " + N +
              ") -> " + N + "\n";
      narrow.push_back(r);
      break;
    }
    case 3: {
      std::string a = pick(narrow), b = pick(wide);
      std::string init = random() % 2 ? pick(wide) : "";
      text += r + " = drawloom.matmul " + a + ", " + b + (init.empty() ? "" : " init " + init) + " : (" + N +
              ", " + W + (init.empty() ? "" : ", " + W) + ") -> " + W + "\n";
      wide.push_back(r);
      break;
    }
    case 4:
      text += r + ":2 = drawloom.split " + pick(wide) + " : (" + W + ") -> (" + N + ", " + N + ")\n";
      narrow.push_back(r + "#0");
      narrow.push_back(r + "#1");
      break;
    case 5: {
      std::string a = pick(narrow), b = pick(narrow);
      text += r + " = drawloom.concat " + a + ", " + b + " : (" + N + ", " + N + ") -> " + W + "\n";
      wide.push_back(r);
      break;
    }
    }
  }
  std::string types, values, valueTypes;
  auto result = [&](const std::string &value, const std::string &type, const std::string &name) {
    types += (types.empty() ? "" : ", ") + type + " {drawloom.name = \"" + name + "\"}";
    values += (values.empty() ? "" : ", ") + value;
    valueTypes += (valueTypes.empty() ? "" : ", ") + type;
  };
  for (auto name : {"a", "b", "new"})
    if (random() % 2) result(pick(narrow), N, name);
  result(pick(wide), W, random() % 2 ? "d" : "other");
  std::string head = "func.func @f(";
  for (auto name : {"a", "b", "c"})
    head += std::string("%") + name + ": " + N + " {drawloom.name = \"" + name + "\"}, ";
  return head + "%d: " + W + " {drawloom.name = \"d\"}) -> (" + types + ") {\n" + text + "return " + values +
         " : " + valueTypes + "\n}";
}

/// What each value of a function means.
std::map<std::string, Matrix> evaluate(func::FuncOp func, const std::vector<Matrix> &args) {
  llvm::DenseMap<Value, Matrix> known;
  for (auto [argument, matrix] : llvm::zip(func.getArguments(), args)) known[argument] = matrix;
  std::map<std::string, Matrix> results;
  for (Operation &op : func.getBody().front()) {
    if (auto matmul = dyn_cast<MatmulOp>(op)) {
      Matrix *init = matmul.getInit() ? &known[matmul.getInit()] : nullptr;
      Matrix c = product(known[matmul.getA()], columns(matmul.getA()), known[matmul.getB()],
                         columns(matmul.getB()), init);
      known[matmul.getOut()] = c;
    } else if (auto split = dyn_cast<SplitOp>(op)) {
      int64_t from = 0;
      for (Value part : split.getParts()) {
        Matrix m;
        for (int64_t i = 0; i < kRows; ++i)
          for (int64_t j = 0; j < columns(part); ++j)
            m.push_back(known[split.getX()][i * columns(split.getX()) + from + j]);
        from += columns(part);
        known[part] = m;
      }
    } else if (auto concat = dyn_cast<ConcatOp>(op)) {
      Matrix m;
      for (int64_t i = 0; i < kRows; ++i)
        for (Value part : concat.getParts())
          for (int64_t j = 0; j < columns(part); ++j) m.push_back(known[part][i * columns(part) + j]);
      known[concat.getOut()] = m;
    } else {
      for (OpOperand &returned : op.getOpOperands())
        results
            [func.getResultAttrOfType<StringAttr>(returned.getOperandNumber(), kNameAttr).getValue().str()] =
                known[returned.get()];
    }
  }
  return results;
}

/// Memory in which a planned function runs: one byte array an arena, one number an element.
class Machine {
public:
  Machine(ModuleOp module, func::FuncOp func)
      : func(func), persistent(persistentBuffersOf(module)), locals(localsOf(func)) {
    for (auto entry : module->getAttrOfType<DictionaryAttr>(kArenaBytesAttr))
      arenas[entry.getName().str()].assign(cast<IntegerAttr>(entry.getValue()).getInt() / 4, 666);
  }

  Matrix read(Value v) { return copyAt(v, nullptr); }
  void write(Value v, const Matrix &m) { copyAt(v, &m); }

  Matrix buffer(StringRef name) {
    for (const BufferEntry &entry : persistent)
      if (entry.name == name) {
        auto at = arenas[entry.arena.str()].begin() + entry.offset / 4;
        return Matrix(at, at + entry.bytes / 4);
      }
    return {};
  }

  void run() {
    for (Operation *op : commandsOf(func)) {
      if (auto matmul = dyn_cast<MatmulOp>(op)) {
        // As a GEMM does: zero or the init in place, then sums, reading operands while the result is being
        // written.
        Matrix c = matmul.getInit() ? read(matmul.getOut()) : Matrix(kRows * columns(matmul.getOut()), 0);
        write(matmul.getOut(), c);
        write(matmul.getOut(), product(read(matmul.getA()), columns(matmul.getA()), read(matmul.getB()),
                                       columns(matmul.getB()), &c));
      } else {
        auto copy = cast<LaunchOp>(op);
        Matrix source = read(copy.getInputs()[0]);
        Value target = copy.getOutputs()[0];
        Matrix wide(kRows * columns(target), 666);
        for (int64_t i = 0; i < kRows; ++i)
          for (int64_t j = 0; j < columns(copy.getInputs()[0]); ++j)
            wide[i * columns(target) + j] = source[i * columns(copy.getInputs()[0]) + j];
        write(target, wide);
      }
    }
  }

private:
  Matrix copyAt(Value v, const Matrix *from) {
    Place place = *placeOf(v);
    bool isLocal = place.buffer >= int64_t(persistent.size());
    const BufferEntry &entry = isLocal ? locals[place.buffer - persistent.size()] : persistent[place.buffer];
    std::vector<int64_t> &arena = arenas[isLocal ? "activations" : entry.arena.str()];
    Matrix result;
    for (int64_t i = 0; i < kRows; ++i)
      for (int64_t j = 0; j < columns(v); ++j) {
        int64_t &element = arena.at((entry.offset + place.offset) / 4 + i * rowStride(v) + j);
        if (from) element = (*from)[i * columns(v) + j];
        result.push_back(element);
      }
    return result;
  }

  func::FuncOp func;
  std::vector<BufferEntry> persistent, locals;
  std::map<std::string, std::vector<int64_t>> arenas;
};

struct MemoryPlan : test::Passes {};

TEST_F(MemoryPlan, OfRandomFunctionsComputesWhatTheyMean) {
  std::mt19937 random(3);
  int withCopies = 0, withoutCopies = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    auto module = parse(randomFunction(random, trial % 2 ? 3 : 15));
    std::string source = print(*module);
    std::vector<Matrix> args;
    for (BlockArgument argument : module->lookupSymbol<func::FuncOp>("f").getArguments()) {
      args.emplace_back();
      for (int64_t k = 0; k < kRows * columns(argument); ++k) args.back().push_back(random() % kPrime);
    }
    auto expected = evaluate(module->lookupSymbol<func::FuncOp>("f"), args);
    run(*module, "drawloom-insert-copies,drawloom-plan-memory,drawloom-verify-memory");
    if (HasFailure()) FAIL() << source;
    auto func = module->lookupSymbol<func::FuncOp>("f");
    Machine machine(*module, func);
    for (auto [argument, matrix] : llvm::zip(func.getArguments(), args)) machine.write(argument, matrix);
    machine.run();
    for (auto &[name, matrix] : expected)
      ASSERT_EQ(machine.buffer(name), matrix) << name << " of\n"
                                              << source << "\nplanned as\n"
                                              << print(*module);
    for (auto [argument, matrix] : llvm::zip(func.getArguments(), args)) {
      auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr).getValue().str();
      if (!expected.count(name))
        ASSERT_EQ(machine.buffer(name), matrix) << name << " must not change, in\n" << source;
    }
    bool copies = !func.getBody().front().getOps<LaunchOp>().empty();
    ++(copies ? withCopies : withoutCopies);
  }
  EXPECT_GT(withCopies, 50);
  EXPECT_GT(withoutCopies, 10);
}

} // namespace
