#include "codegen/FlatImage.h"
#include "runtime/support/Error.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Endian.h"
#include <cstring>
#include <map>

namespace drawloom {
namespace {

using llvm::object::ELF64LEObjectFile;
using llvm::object::ELFSectionRef;
using llvm::object::SectionRef;
using llvm::object::SymbolRef;

constexpr uint64_t kEntryAlignment = 64;

/// A section of an object and its place in the image.
struct Placed {
  const KernelObject *object;
  SectionRef section;
  uint64_t offset;
};

template <class T> T take(llvm::Expected<T> value, const KernelObject &object) {
  if (!value)
    fail(kInternal, "kernel '{}': unreadable object: {}", object.name, llvm::toString(value.takeError()));
  return *value;
}

class Linker {
public:
  explicit Linker(llvm::ArrayRef<KernelObject> objects) : objects(objects) {
    for (const KernelObject &object : objects) {
      llvm::MemoryBufferRef buffer(llvm::StringRef(object.elf.data(), object.elf.size()), object.name);
      auto file = llvm::object::ObjectFile::createELFObjectFile(buffer);
      if (!file)
        fail(kInternal, "kernel '{}': unreadable object: {}", object.name, llvm::toString(file.takeError()));
      files.push_back(std::move(*file));
    }
  }

  FlatImage link() {
    for (size_t i = 0; i < objects.size(); ++i) checkSymbols(i);
    place(/*code=*/true);
    place(/*code=*/false);
    for (size_t i = 0; i < objects.size(); ++i) relocate(i);
    for (size_t i = 0; i < objects.size(); ++i) image.entries.push_back(entryOf(i));
    return std::move(image);
  }

private:
  void checkSymbols(size_t i);
  void place(bool code);
  void relocate(size_t i);
  uint64_t entryOf(size_t i);
  uint64_t addressOf(size_t i, const SymbolRef &symbol);
  void apply(size_t i, uint64_t at, uint64_t type, uint64_t target, int64_t addend);

  llvm::ArrayRef<KernelObject> objects;
  std::vector<std::unique_ptr<llvm::object::ObjectFile>> files;
  std::map<std::pair<size_t, uint64_t>, uint64_t> offsets; // (object, section index) -> offset in the image
  FlatImage image;
};

void Linker::checkSymbols(size_t i) {
  std::string undefined;
  for (const SymbolRef &symbol : files[i]->symbols()) {
    uint32_t flags = take(symbol.getFlags(), objects[i]);
    if (!(flags & SymbolRef::SF_Undefined)) continue;
    std::string name = take(symbol.getName(), objects[i]).str();
    if (name.empty()) continue; // the null symbol
    undefined += (undefined.empty() ? "'" : ", '") + name + "'";
  }
  require(undefined.empty(), kInternal,
          "kernel '{}' refers to {}, but a kernel may refer to nothing outside itself", objects[i].name,
          undefined);
}

/// Appends the sections of code (or of constants) of every object.
void Linker::place(bool code) {
  for (size_t i = 0; i < objects.size(); ++i)
    for (const ELFSectionRef section : files[i]->sections()) {
      uint64_t flags = section.getFlags();
      if (!(flags & llvm::ELF::SHF_ALLOC) || section.getSize() == 0) continue;
      if (section.getType() == llvm::ELF::SHT_X86_64_UNWIND ||
          take(section.getName(), objects[i]) == ".eh_frame")
        continue;
      require(!(flags & (llvm::ELF::SHF_WRITE | llvm::ELF::SHF_TLS)), kInternal,
              "kernel '{}' has writable data (section {}); kernels have constants only", objects[i].name,
              take(section.getName(), objects[i]).str());
      bool isCode = flags & llvm::ELF::SHF_EXECINSTR;
      if (isCode != code) continue;
      uint64_t alignment = std::max<uint64_t>(isCode ? kEntryAlignment : 1, section.getAlignment().value());
      uint64_t offset = (image.bytes.size() + alignment - 1) / alignment * alignment;
      llvm::StringRef contents = take(section.getContents(), objects[i]);
      // Gaps are filled with int3, so that a jump astray stops.
      image.bytes.resize(offset, std::byte{0xCC});
      auto *data = reinterpret_cast<const std::byte *>(contents.data());
      image.bytes.insert(image.bytes.end(), data, data + contents.size());
      offsets[{i, section.getIndex()}] = offset;
    }
}

uint64_t Linker::addressOf(size_t i, const SymbolRef &symbol) {
  auto section = take(symbol.getSection(), objects[i]);
  auto it = section == files[i]->section_end() ? offsets.end() : offsets.find({i, section->getIndex()});
  require(it != offsets.end(), kInternal, "kernel '{}': symbol '{}' is in no section of the image",
          objects[i].name, take(symbol.getName(), objects[i]).str());
  return it->second + take(symbol.getValue(), objects[i]);
}

void Linker::apply(size_t i, uint64_t at, uint64_t type, uint64_t target, int64_t addend) {
  int64_t value = int64_t(target) + addend - int64_t(at);
  auto *where = image.bytes.data() + at;
  switch (type) {
  case llvm::ELF::R_X86_64_PC32:
  case llvm::ELF::R_X86_64_PLT32: {
    require(value == int32_t(value), kInternal, "kernel '{}': the image is larger than 2 GiB",
            objects[i].name);
    int32_t narrow = int32_t(value);
    std::memcpy(where, &narrow, 4);
    return;
  }
  case llvm::ELF::R_X86_64_PC64: std::memcpy(where, &value, 8); return;
  default:
    fail(kInternal, "kernel '{}': relocation {} needs an address that is only known at load time",
         objects[i].name, llvm::object::getELFRelocationTypeName(llvm::ELF::EM_X86_64, uint32_t(type)).str());
  }
}

void Linker::relocate(size_t i) {
  for (const SectionRef &relocations : files[i]->sections()) {
    auto patched = take(relocations.getRelocatedSection(), objects[i]);
    if (patched == files[i]->section_end()) continue;
    auto base = offsets.find({i, patched->getIndex()});
    if (base == offsets.end()) continue; // a section that is not in the image
    for (const llvm::object::ELFRelocationRef relocation : relocations.relocations()) {
      auto symbol = relocation.getSymbol();
      require(symbol != files[i]->symbol_end(), kInternal, "kernel '{}': relocation without a symbol",
              objects[i].name);
      uint64_t at = base->second + relocation.getOffset();
      apply(i, at, relocation.getType(), addressOf(i, *symbol), take(relocation.getAddend(), objects[i]));
    }
  }
}

uint64_t Linker::entryOf(size_t i) {
  for (const SymbolRef &symbol : files[i]->symbols())
    if (take(symbol.getName(), objects[i]) == objects[i].name) return addressOf(i, symbol);
  fail(kInternal, "kernel '{}': its object does not define it", objects[i].name);
}

} // namespace

FlatImage linkKernels(llvm::ArrayRef<KernelObject> objects) { return Linker(objects).link(); }

} // namespace drawloom
