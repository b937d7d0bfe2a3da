// drawloom config: what a spec means, and what may stand in one.
#include "frontend/cli/Model.h"
#include "frontend/cli/Verbs.h"

namespace drawloom::cli {

Run addConfig(CLI::App &app) {
  struct Options {
    ModelInput input;
    bool json = false, markdown = false;
  };
  auto o = std::make_shared<Options>();
  app.description("Example:  drawloom config show models/enwik8.toml --set train.lr=0.001\n"
                  "          drawloom config keys\n\n"
                  "Show a spec as it is understood, or the keys that a spec may have.");
  app.require_subcommand(1);
  CLI::App *show = app.add_subcommand("show", "every value of a spec, as TOML, with where it came from");
  show->description("Example:  drawloom config show models/enwik8.toml --set train.lr=0.001\n\n"
                    "Print every value of a spec as TOML, with where it came from: the preset's default, a "
                    "line of a file, or an option.");
  addModelInput(*show, o->input, false);
  show->add_flag("--json", o->json, "as JSON: {\"model.n\": {\"value\": ..., \"origin\": ...}, ...}");
  CLI::App *keys = app.add_subcommand("keys", "the keys that a spec may have");
  keys->description("Example:  drawloom config keys\n\nPrint the keys that a spec may have: type, default, "
                    "allowed values, meaning.");
  keys->add_flag("--markdown", o->markdown, "as Markdown tables (docs/generated/spec.md)");
  return [o, show] {
    if (!*show) {
      if (o->markdown) return fmt::print("{}", spec::keysMarkdown()), kSuccess;
      for (const spec::Key &k : spec::keys()) {
        std::string value = k.required()      ? "required"
                            : k.value.empty() ? fmt::format("({})", k.derived)
                                              : std::string(k.value);
        fmt::print("{:<24} {:<28} {}\n", k.name, value, k.doc);
      }
      return kSuccess;
    }
    spec::Spec spec = o->input.spec();
    if (o->json)
      fmt::print("{}\n", spec.showJson().dump(2));
    else
      fmt::print("{}", spec.show());
    return kSuccess;
  };
}

} // namespace drawloom::cli
