#include "cluster/role.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "distob/errors.h"

namespace distob::cluster {
namespace {

constexpr std::string_view kMagic = "distob engine 1\n";

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

/// The GNU build id among the notes from `at` to `end`.
std::string build_id_in(const char* at, const char* end) {
  while (at + sizeof(ElfW(Nhdr)) <= end) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof note);
    const char* name = at + sizeof note;
    const char* content = name + padded(note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0)
      return hexadecimal(reinterpret_cast<const unsigned char*>(content), note.n_descsz);
    at = content + padded(note.n_descsz);
  }
  return {};
}

int find_build_id(dl_phdr_info* info, std::size_t, void* result) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    const char* notes = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
    auto& id = *static_cast<std::string*>(result);
    if (id.empty()) id = build_id_in(notes, notes + header.p_memsz);
  }
  return 1;  // the executable comes first; libraries do not matter
}

/// FNV-1a over the executable's bytes.
std::string digest_of_executable() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  std::uint64_t hash = 14695981039346656037ULL;
  char block[1 << 16];
  while (file.read(block, sizeof block), file.gcount() > 0)
    for (std::streamsize i = 0; i < file.gcount(); ++i)
      hash = (hash ^ static_cast<unsigned char>(block[i])) * 1099511628211ULL;
  return hexadecimal(reinterpret_cast<const unsigned char*>(&hash), sizeof hash);
}

}  // namespace

UniqueFd make_engine_role(const std::string& id) {
  UniqueFd file(memfd_create("distob-role", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const std::string text = std::string(kMagic) + id;
  if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
    throw std::system_error(errno, std::generic_category(), "cannot write the role of an engine");
  return file;
}

std::optional<EngineRole> take_engine_role() {
  const char* variable = std::getenv(kRoleVariable);
  if (!variable) return std::nullopt;
  const int number = std::atoi(variable);
  unsetenv(kRoleVariable);
  UniqueFd file(number);
  char text[256];
  const ssize_t size = pread(number, text, sizeof text, 0);
  if (number != kRoleDescriptor || size < static_cast<ssize_t>(kMagic.size()) ||
      std::string_view(text, kMagic.size()) != kMagic)
    throw ProtocolError(std::string("the environment variable ") + kRoleVariable +
                        " is set, but descriptor 3 is no role of an engine: distob sets it for engines only, unset it");
  for (const int fd : {kSocketDescriptor, kClientDescriptor}) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return EngineRole{std::string(text + kMagic.size(), size - kMagic.size()), UniqueFd(kSocketDescriptor),
                    UniqueFd(kClientDescriptor)};
}

const std::string& build_id() {
  static const std::string id = [] {
    std::string found;
    dl_iterate_phdr(find_build_id, &found);
    return found.empty() ? digest_of_executable() : found;
  }();
  return id;
}

std::vector<std::string> own_arguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

}  // namespace distob::cluster
