// A .loom file in memory, checked twice: FlatBuffers' verifier proves the plan's structure, Verify.h its
// values.
#pragma once
#include "runtime/schema/plan_generated.h"
#include "runtime/support/File.h"
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace drawloom {

/// What a GPU loads as one.
struct CodeModule {
  std::span<const std::byte> ptx, cubin; // PTX ends in a NUL; no cubin: it has not been assembled
};

class Artifact {
public:
  /// Maps and checks a file. Throws Error: 66 missing, 65 not a valid artifact, 74 unreadable.
  static Artifact open(const std::string &path);
  /// The same for bytes in memory; `name` stands for the file in messages.
  static Artifact fromBytes(std::vector<std::byte> bytes, std::string name);

  const std::string &name() const { return label; }
  const plan::Plan &plan() const { return *root; }
  /// Bytes of the segments; empty when the artifact has none.
  std::span<const std::byte> code() const { return segment(root->code()); }
  std::span<const std::byte> sass() const { return segment(root->sass()); }
  std::span<const std::byte> constants() const { return segment(root->constants()); }
  /// Of an artifact for a GPU; a kernel's `code_module` is the number of its own.
  std::vector<CodeModule> modules() const;

private:
  Artifact() = default;
  void check();
  std::span<const std::byte> bytes() const;
  std::span<const std::byte> segment(const plan::Segment *s) const;

  std::string label;
  MappedFile file;
  std::vector<std::byte> memory; // instead of `file`
  const plan::Plan *root = nullptr;
};

} // namespace drawloom
