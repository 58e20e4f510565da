#include "distob/detail/operation.h"

#include <unordered_map>
#include <utility>
#include <vector>

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

/// An ordinal that no call can use.
constexpr std::int64_t kAmbiguous = 1LL << 40;

class Directory {
 public:
  const Operation* find(std::uint64_t hash, std::string_view name, std::int64_t ordinal) {
    MutexLock lock(mutex_);
    number_new_ones();
    for (auto [at, end] = by_hash_.equal_range(hash); at != end; ++at)
      if (at->second->ordinal == ordinal && at->second->name == name) return at->second;
    return nullptr;
  }

  void number() {
    MutexLock lock(mutex_);
    number_new_ones();
  }

 private:
  void number_new_ones() DISTOB_REQUIRES(mutex_) {
    std::vector<const Operation*> fresh;
    for (const Operation* operation = first; operation != newest_; operation = operation->next)
      fresh.push_back(operation);
    const bool before_main = newest_ == nullptr;
    newest_ = first;
    for (auto at = fresh.rbegin(); at != fresh.rend(); ++at) {
      std::int64_t namesakes = 0;
      for (auto [other, end] = by_hash_.equal_range((*at)->hash); other != end; ++other)
        namesakes += other->second->name == (*at)->name;
      (*at)->ordinal = namesakes == 0 || before_main ? namesakes : kAmbiguous;
      by_hash_.emplace((*at)->hash, *at);
    }
  }

  Mutex mutex_;
  const Operation* newest_ DISTOB_GUARDED_BY(mutex_) = nullptr;
  std::unordered_multimap<std::uint64_t, const Operation*> by_hash_ DISTOB_GUARDED_BY(mutex_);
};

Directory& directory() {
  static Directory& it = *new Directory;
  return it;
}

}  // namespace

Operation::Operation(const char* text, std::string_view readable, Thunk run) noexcept
    : name(text), label(readable), thunk(run), hash(hash_of(name)), next(std::exchange(first, this)) {}

std::uint32_t ordinal_of(const Operation& operation) {
  std::int64_t ordinal = operation.ordinal.load(std::memory_order_relaxed);
  if (ordinal < 0) {
    directory().number();
    ordinal = operation.ordinal;
  }
  if (ordinal == kAmbiguous)
    throw Error("a library that was loaded later has another " + std::string(operation.label) +
                " (in an unnamed namespace): give one of the two another name");
  return static_cast<std::uint32_t>(ordinal);
}

const Operation& find_operation(std::uint64_t hash, std::string_view name, std::uint32_t ordinal) {
  if (const Operation* found = directory().find(hash, name, ordinal)) return *found;
  throw ProtocolError("this build has no operation " + demangled(std::string(name).c_str()));
}

}  // namespace distob::detail
