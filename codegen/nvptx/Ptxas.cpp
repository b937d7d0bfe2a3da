#include "codegen/nvptx/Ptxas.h"
#include "codegen/nvptx/CubinCache.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include <cstdlib>
#include <filesystem>

namespace drawloom {

static const std::vector<std::string> kOptions = {"-O3", "-v"};

std::optional<std::string> findPtxas() {
  if (const char *named = std::getenv("DRAWLOOM_PTXAS"))
    return *named ? std::optional<std::string>(named) : std::nullopt;
  if (auto found = llvm::sys::findProgramByName("ptxas")) return *found;
  if (auto found = llvm::sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"})) return *found;
  return std::nullopt;
}

namespace {

/// A folder for the files of one run, removed with its content.
struct RunFolder {
  RunFolder() {
    llvm::SmallString<128> name;
    if (auto error = llvm::sys::fs::createUniqueDirectory("drawloom-ptxas", name))
      fail(kIo, "cannot create a temporary folder: {}", error.message());
    path = std::string(name);
  }
  ~RunFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string operator/(const char *file) const { return path + "/" + file; }
  std::string path;
};

} // namespace

/// Runs `ptxas` with its output in the file `output`. True if it succeeded.
static bool runPtxas(const std::string &ptxas, llvm::ArrayRef<std::string> arguments,
                     const std::string &output) {
  llvm::SmallVector<llvm::StringRef> words{ptxas};
  words.append(arguments.begin(), arguments.end());
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(), llvm::StringRef(output),
                                                llvm::StringRef(output)};
  std::string problem;
  int code = llvm::sys::ExecuteAndWait(ptxas, words, std::nullopt, redirects, 0, 0, &problem);
  if (code < 0)
    failWithHint(kFailed, "set DRAWLOOM_PTXAS to the ptxas to use, or to nothing to do without",
                 "cannot run {}: {}", ptxas, problem);
  return code == 0;
}

std::string identityOf(const std::string &ptxas) {
  std::error_code code;
  auto bytes = std::filesystem::file_size(ptxas, code);
  auto time = std::filesystem::last_write_time(ptxas, code);
  return fmt::format("{} {} {}", ptxas, bytes, time.time_since_epoch().count());
}

Cubin assemble(const std::string &ptxas, const std::string &ptx, const std::string &gpu, bool useCache) {
  std::vector<std::string> arguments = kOptions;
  arguments.push_back("-arch=" + gpu);
  CubinCache cache = useCache ? CubinCache() : CubinCache(std::string());
  std::string key =
      CubinCache::keyOf(ptx, fmt::format("{}\n{}", identityOf(ptxas), fmt::join(arguments, " ")));
  if (auto found = cache.find(key)) return {std::move(found->cubin), parsePtxasOutput(found->output), true};

  RunFolder folder;
  std::string input = folder / "kernels.ptx", result = folder / "kernels.cubin", output = folder / "output";
  writeFileAtomically(input, ptx);
  arguments.insert(arguments.end(), {input, "-o", result});
  bool done = runPtxas(ptxas, arguments, output);
  std::string said = readTextFile(output);
  if (!done) fail(kInternal, "{} rejected the generated PTX:\n{}", ptxas, said);
  CubinCache::Entry entry{readFile(result), std::move(said)};
  cache.store(key, entry);
  return {std::move(entry.cubin), parsePtxasOutput(entry.output), false};
}

} // namespace drawloom
