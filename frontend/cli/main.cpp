// drawloom: one command, a verb each for what people do with models. Errors become messages and exit codes
// here.
#include "frontend/cli/Model.h"
#include "frontend/cli/Verbs.h"
#include "frontend/spec/Diagnostics.h"
#include "frontend/spec/Nearest.h"
#include <cstdio>
#include <new>

namespace drawloom::cli {
namespace {

struct VerbEntry {
  const char *name, *summary;
  Run (*add)(CLI::App &);
};

constexpr VerbEntry verbs[] = {
    {"compile", "a model spec to an artifact (.loom)", addCompile},
    {"train", "a model on text, images or sound", addTrain},
    {"eval", "a trained model on held-out data, in bits per byte or dimension", addEval},
    {"sample", "text, images or sound from a trained model", addSample},
    {"data", "a data set: what it holds and whether it is sound", addData},
    {"config", "a spec as it is understood: every value and where it came from", addConfig},
    {"inspect", "layers, parameters, operations and memory of a model", addInspect},
    {"pattern", "an attention pattern: a picture, what it costs, whether information can flow", addPattern},
    {"bench", "speed of a training step or of attention alone, and what holds it", addBench},
    {"doctor", "what this machine offers, and a self-test", addDoctor},
};

constexpr const char *kExitCodes = "Exit codes: 0 done, 1 failed, 2 wrong usage, 65 bad input, 66 missing "
                                   "input, 70 internal error (a reproducer is written),\n"
                                   "71 out of memory (the memory plan is printed), 74 input/output error, "
                                   "130 or 143 stopped by SIGINT or SIGTERM with a\n"
                                   "checkpoint saved.";

std::string verbTable() {
  std::string text = "Verbs:\n";
  for (const VerbEntry &v : verbs) text += fmt::format("  {:<10} {}\n", v.name, v.summary);
  return text + "\n`drawloom VERB --help` shows a verb's options, with an example first.\n\n" + kExitCodes;
}

/// A misspelt verb gets the nearest one as hint.
void requireVerb(const char *word) {
  if (word[0] == '-') return;
  const VerbEntry *best = nullptr;
  for (const VerbEntry &v : verbs) {
    if (std::string_view(v.name) == word) return;
    if (!best || editDistance(word, v.name) < editDistance(word, best->name)) best = &v;
  }
  std::string hint = editDistance(word, best->name) <= nearEnough(word)
                         ? fmt::format("did you mean `drawloom {}`?", best->name)
                         : "`drawloom --help` lists the verbs";
  failWithHint(kUsage, hint, "no verb is called '{}'", word);
}

int run(int argc, char **argv) {
  CLI::App app("Example:  drawloom train models/demo-text.toml --data book.txt\n\n"
               "Compile, train and sample from transformers with sparse factorized attention.",
               "drawloom");
  app.set_version_flag("--version", DRAWLOOM_VERSION);
  app.require_subcommand(1);
  app.failure_message(
      [](const CLI::App *, const CLI::Error &e) { return std::string("error: ") + e.what() + "\n"; });
  std::vector<std::pair<CLI::App *, Run>> runs;
  for (const VerbEntry &v : verbs) {
    CLI::App *sub = app.add_subcommand(v.name, v.summary)->group(""); // the footer lists them
    runs.emplace_back(sub, v.add(*sub));
  }
  app.footer(verbTable()); // after the verbs were added: they would inherit it
  if (argc < 2) failWithHint(kUsage, "`drawloom --help` lists the verbs", "a verb is needed");
  requireVerb(argv[1]);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &e) {
    if (e.get_exit_code() == 0) return app.exit(e), kSuccess; // --help, --version
    const CLI::App *at = &app;
    std::string command = "drawloom";
    while (!at->get_subcommands().empty())
      at = at->get_subcommands().front(), command += " " + at->get_name();
    throw Error(kUsage, e.what(), fmt::format("`{} --help` shows the options", command));
  }
  for (auto &[sub, verb] : runs)
    if (*sub) return verb();
  return kUsage;
}

} // namespace
} // namespace drawloom::cli

int main(int argc, char **argv) {
  using namespace drawloom;
  try {
    return cli::run(argc, argv);
  } catch (const spec::SpecError &e) {
    fmt::print(stderr, "{}\n", e.what()); // says "file:line:col: error: ..." itself
    return e.exitCode;
  } catch (const Error &e) {
    fmt::print(stderr, "{}: {}\n", e.exitCode == kInternal ? "internal error" : "error", e.text());
    return e.exitCode;
  } catch (const std::bad_alloc &) {
    fmt::print(stderr, "error: out of memory\n");
    return kOutOfMemory;
  } catch (const std::exception &e) {
    fmt::print(stderr, "internal error: {}\n", e.what());
    return kInternal;
  }
}
