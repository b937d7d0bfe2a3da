#include "codegen/BuildId.h"
#include "runtime/support/DiskCache.h"
#include "runtime/support/File.h"
#include <cstring>
#include <elf.h>
#include <fmt/format.h>
#include <link.h>

namespace drawloom {

/// The build id among the notes of a loaded file; empty if it has none.
static std::string buildIdOf(const dl_phdr_info &file) {
  for (int k = 0; k < file.dlpi_phnum; ++k) {
    const ElfW(Phdr) &segment = file.dlpi_phdr[k];
    if (segment.p_type != PT_NOTE) continue;
    const char *at = reinterpret_cast<const char *>(file.dlpi_addr + segment.p_vaddr),
               *end = at + segment.p_memsz;
    auto padded = [](size_t bytes) { return (bytes + 3) / 4 * 4; };
    while (size_t(end - at) >= sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const char *name = at + sizeof note, *content = name + padded(note.n_namesz);
      at = content + padded(note.n_descsz);
      if (note.n_type != NT_GNU_BUILD_ID ||
          std::string_view(name, note.n_namesz) != std::string_view("GNU", 4))
        continue;
      std::string id;
      for (size_t b = 0; b < note.n_descsz; ++b)
        id += fmt::format("{:02x}", static_cast<unsigned char>(content[b]));
      return id;
    }
  }
  return {};
}

static std::string hashOfFile(const std::string &path) {
  MappedFile file(path);
  auto bytes = file.bytes();
  return DiskCache::keyOf({{reinterpret_cast<const char *>(bytes.data()), bytes.size()}});
}

static int visit(dl_phdr_info *info, size_t, void *text) {
  std::string_view path = info->dlpi_name;
  bool program = path.empty();
  if (!program && path.find("libLLVM") == path.npos && path.find("libMLIR") == path.npos) return 0;
  auto &ids = *static_cast<std::vector<std::string> *>(text);
  // The program's name is empty, but so is that of the kernel's page of functions on some systems.
  if (program && !ids.empty()) return 0;
  std::string id = buildIdOf(*info);
  ids.push_back(id.empty() ? hashOfFile(program ? "/proc/self/exe" : std::string(path)) : id);
  return 0;
}

std::string compilerBuildId() {
  std::vector<std::string> ids;
  dl_iterate_phdr(visit, &ids);
  return fmt::format("{}", fmt::join(ids, " "));
}

} // namespace drawloom
