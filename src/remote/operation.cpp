#include "distob/detail/operation.h"

#include <unordered_map>

#include "base/mutex.h"
#include "distob/errors.h"
#include "remote/exceptions.h"

namespace distob::detail {
namespace {

/// All operations, newest first. Grows while the program and its libraries are loaded, on one thread at a time.
const Operation* first = nullptr;

/// FNV-1a.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211ULL;
  return hash;
}

class Directory {
 public:
  const Operation* find(std::uint64_t hash, std::string_view name) {
    MutexLock lock(mutex_);
    // A library that was loaded meanwhile has added to the front of the list.
    for (const Operation* operation = first; operation != newest_; operation = operation->next)
      by_hash_.emplace(operation->hash, operation);
    newest_ = first;
    const Operation* found = nullptr;
    for (auto [at, end] = by_hash_.equal_range(hash); at != end; ++at) {
      const Operation* candidate = at->second;
      if (candidate->name != name) continue;
      if (found && found->thunk != candidate->thunk) throw_ambiguous(*found);
      found = candidate;
    }
    return found;
  }

 private:
  [[noreturn]] static void throw_ambiguous(const Operation& operation) {
    throw Error("two functions of this program are called " + std::string(operation.label) +
                " (in unnamed namespaces of different files): give one of them another name");
  }

  Mutex mutex_;
  const Operation* newest_ DISTOB_GUARDED_BY(mutex_) = nullptr;
  std::unordered_multimap<std::uint64_t, const Operation*> by_hash_ DISTOB_GUARDED_BY(mutex_);
};

}  // namespace

Operation::Operation(const char* text, std::string_view readable, Thunk run) noexcept
    : name(text), label(readable), thunk(run), hash(hash_of(name)), next(std::exchange(first, this)) {}

const Operation& find_operation(std::uint64_t hash, std::string_view name) {
  static Directory& directory = *new Directory;
  if (const Operation* found = directory.find(hash, name)) return *found;
  throw ProtocolError("this build has no operation " + demangled(std::string(name).c_str()));
}

}  // namespace distob::detail
