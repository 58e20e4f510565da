#include "array/job.h"

#include <algorithm>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "array/instruction.h"

namespace distob::array {
namespace {

// A claim is worth at least this much work, in additions: an atomic on a contended line costs about 100 ns.
constexpr std::int64_t kClaim = 16384;
constexpr std::int64_t kCopyUnit = std::int64_t{1} << 20;
constexpr std::int64_t kStreamed = std::int64_t{32} << 20;

std::int64_t grain_of(const program::Program& program) {
  const std::int64_t work = std::max<std::int64_t>(1, program.unit_elements() * std::max(1, program.cost()));
  return std::max<std::int64_t>(1, kClaim / work);
}

// Less work than waking another thread costs.
bool few(const program::Program& program) {
  return program.elements() * std::max(1, program.cost()) < 4 * small_limit();
}

class ProgramJob final : public Job {
 public:
  ProgramJob(program::Program program, std::vector<char*> bases, int seats)
      : Job(program.units(), grain_of(program), seats, few(program)),
        program_(std::move(program)),
        bases_(std::move(bases)) {
    if (program_.reduces()) partials_.emplace(program_);
  }

  program::Outcome outcome() const override {
    const MutexLock lock(mutex_);
    return outcome_;
  }

 private:
  void run(std::int64_t first, std::int64_t last, program::Scratch& scratch) override {
    take(program::run(program_, bases_, first, last, scratch, partials_ ? &*partials_ : nullptr));
  }
  void finish(program::Scratch& scratch) override {
    if (partials_) take(program::finish(program_, bases_, scratch, *partials_));
  }
  void take(const program::Outcome& outcome) {
    if (outcome.flags == 0 && outcome.status == 0) return;
    const MutexLock lock(mutex_);
    outcome_.merge(outcome);
  }

  program::Program program_;
  std::vector<char*> bases_;
  std::optional<program::Partials> partials_;
  mutable Mutex mutex_;
  program::Outcome outcome_ DISTOB_GUARDED_BY(mutex_);
};

// memcpy reads the target's lines before it overwrites them; at this size that third of the traffic is worth avoiding.
void stream(char* to, const char* from, std::size_t bytes) {
#if defined(__SSE2__)
  const std::size_t head = std::min(bytes, (64 - reinterpret_cast<std::uintptr_t>(to) % 64) % 64);
  std::memcpy(to, from, head);
  std::size_t i = head;
  for (; i + 64 <= bytes; i += 64) {
    const auto* source = reinterpret_cast<const __m128i*>(from + i);
    auto* target = reinterpret_cast<__m128i*>(to + i);
    const __m128i a = _mm_loadu_si128(source), b = _mm_loadu_si128(source + 1);
    const __m128i c = _mm_loadu_si128(source + 2), d = _mm_loadu_si128(source + 3);
    _mm_stream_si128(target, a);
    _mm_stream_si128(target + 1, b);
    _mm_stream_si128(target + 2, c);
    _mm_stream_si128(target + 3, d);
  }
  std::memcpy(to + i, from + i, bytes - i);
  _mm_sfence();
#else
  std::memcpy(to, from, bytes);
#endif
}

class ByteCopy final : public Job {
 public:
  ByteCopy(char* to, const char* from, std::int64_t bytes, int seats)
      : Job((bytes + kCopyUnit - 1) / kCopyUnit, 1, seats, bytes < 8 * small_limit()),
        to_(to),
        from_(from),
        bytes_(bytes) {}

 private:
  void run(std::int64_t first, std::int64_t last, program::Scratch&) override {
    const std::int64_t start = first * kCopyUnit;
    const auto length = static_cast<std::size_t>(std::min(last * kCopyUnit, bytes_) - start);
    if (bytes_ >= kStreamed) {
      stream(to_ + start, from_ + start, length);
    } else {
      std::memcpy(to_ + start, from_ + start, length);
    }
  }

  char* to_;
  const char* from_;
  std::int64_t bytes_;
};

class Ranges final : public Job {
 public:
  Ranges(std::int64_t n, std::int64_t unit, bool small, std::function<void(std::int64_t, std::int64_t)> work, int seats)
      : Job((n + unit - 1) / unit, 1, seats, small), n_(n), unit_(unit), work_(std::move(work)) {}

 private:
  void run(std::int64_t first, std::int64_t last, program::Scratch&) override {
    work_(first * unit_, std::min(last * unit_, n_));
  }

  std::int64_t n_;
  std::int64_t unit_;
  std::function<void(std::int64_t, std::int64_t)> work_;
};

}  // namespace

std::shared_ptr<Job> make_ranges(std::int64_t n, std::function<void(std::int64_t, std::int64_t)> work, int seats) {
  constexpr std::int64_t kUnit = 16384;
  return std::make_shared<Ranges>(n, kUnit, n < small_limit(), std::move(work), seats);
}

std::shared_ptr<Job> make_parts(std::int64_t n, std::function<void(std::int64_t, std::int64_t)> work, int seats) {
  return std::make_shared<Ranges>(n, 1, false, std::move(work), seats);
}

std::shared_ptr<Job> make_job(Compiled compiled, int seats) {
  std::vector<char*> bases;
  for (const memory::MemoryPtr& memory : compiled.memories) bases.push_back(memory->data());
  std::shared_ptr<Job> job = make_job(std::move(compiled.program), std::move(bases), seats);
  job->memories = std::move(compiled.memories);
  job->accesses = std::move(compiled.accesses);
  return job;
}

std::shared_ptr<Job> make_job(program::Program program, std::vector<char*> bases, int seats) {
  return std::make_shared<ProgramJob>(std::move(program), std::move(bases), seats);
}

std::shared_ptr<Job> make_byte_copy(char* to, const char* from, std::int64_t bytes, int seats) {
  return std::make_shared<ByteCopy>(to, from, bytes, seats);
}

}  // namespace distob::array
