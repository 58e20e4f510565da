#include "array/passes.h"

#include <algorithm>

namespace distob::array {
namespace {

constexpr std::size_t kLongestPass = 96;

// How an instruction stands to a pass that comes before it.
enum class Relation : std::uint8_t {
  independent,  // could run before, after or in it
  together,     // may run in it, but not before
  after,        // must run in a later pass
};

struct Use {
  const memory::Storage* storage;
  const View* view;
  bool write;
  bool whole;  // a write that leaves no element of its view, and gives one for each index
};

template <class F>
void each_use(const Instruction& i, F&& f) {
  for (const Source& s : i.sources) {
    if (s.storage) f(Use{s.storage.get(), &s.view, false, false});
  }
  if (i.mask && i.mask->storage) f(Use{i.mask->storage.get(), &i.mask->view, false, false});
  const bool whole = !i.mask && i.what != Instruction::What::reduce;
  for (const Target& t : i.targets) f(Use{t.storage.get(), &t.view, true, whole});
}

const Target& target_of(const Instruction& i, const memory::Storage* storage) {
  return *std::find_if(i.targets.begin(), i.targets.end(), [&](const Target& t) { return t.storage.get() == storage; });
}

class Planner {
 public:
  explicit Planner(std::span<const Instruction> window) : window_(window) {}

  void place(std::uint32_t number) {
    const Instruction& i = window_[number];
    for (std::size_t p = passes_.size(); p-- > 0;) {
      std::unordered_set<const memory::Storage*> repoint;
      const Relation relation = relate(i, passes_[p], repoint);
      if (relation == Relation::after) break;
      if (joinable(i, passes_[p]) && own_crossing(i, &passes_[p], repoint)) {
        join(number, passes_[p]);
        passes_[p].repointed.merge(repoint);
        return;
      }
      if (relation == Relation::together) break;
    }
    passes_.push_back({i.shape, {}, {}, false, {}});
    own_crossing(i, nullptr, passes_.back().repointed);
    join(number, passes_.back());
  }

  std::vector<Pass> take() { return std::move(passes_); }

 private:
  void join(std::uint32_t number, Pass& pass) {
    pass.instructions.push_back(number);
    if (window_[number].what == Instruction::What::reduce) {
      pass.reduces = true;
      pass.axes = window_[number].axes;
    }
  }

  static bool joinable(const Instruction& i, const Pass& pass) {
    if (!(pass.shape == i.shape) || pass.instructions.size() >= kLongestPass) return false;
    return i.what != Instruction::What::reduce || !pass.reduces || pass.axes == i.axes;
  }

  // Notes the storages that `i` itself reads across its own targets. False if the pass wrote such a storage before.
  bool own_crossing(const Instruction& i, const Pass* pass, std::unordered_set<const memory::Storage*>& repoint) const {
    bool possible = true;
    each_use(i, [&](const Use& read) {
      if (read.write) return;
      for (const Target& t : i.targets) {
        if (t.storage.get() != read.storage || overlap(*read.view, t.view) != Overlap::crossing) continue;
        if (pass != nullptr && writes(*pass, read.storage)) possible = false;
        repoint.insert(read.storage);
      }
    });
    return possible;
  }

  bool writes(const Pass& pass, const memory::Storage* storage) const {
    bool found = false;
    for (std::uint32_t number : pass.instructions) {
      each_use(window_[number], [&](const Use& use) { found |= use.write && use.storage == storage; });
    }
    return found;
  }

  Relation relate(const Instruction& i, const Pass& pass, std::unordered_set<const memory::Storage*>& repoint) const {
    Relation relation = Relation::independent;
    each_use(i, [&](const Use& mine) {
      for (std::uint32_t number : pass.instructions) {
        each_use(window_[number], [&](const Use& theirs) {
          if (mine.storage == theirs.storage) relation = std::max(relation, pair(i, mine, theirs, pass, repoint));
        });
      }
    });
    return relation;
  }

  // `mine` is a use of the later instruction `i`, `theirs` one of the pass; both of one storage.
  Relation pair(const Instruction& i, const Use& mine, const Use& theirs, const Pass& pass,
                std::unordered_set<const memory::Storage*>& repoint) const {
    if (!mine.write && !theirs.write) return Relation::independent;
    const bool same = *mine.view == *theirs.view;
    if (!mine.write) {
      if (same && theirs.whole) return Relation::together;  // its value is still in a register
      return overlap(*mine.view, *theirs.view) == Overlap::disjoint ? Relation::independent : Relation::after;
    }
    if (theirs.write) {
      if (same && mine.whole && theirs.whole) return Relation::together;
      const bool apart = overlap(*mine.view, *theirs.view) == Overlap::disjoint;
      return apart && !pass.repointed.contains(mine.storage) ? Relation::independent : Relation::after;
    }
    if (same) return i.what == Instruction::What::reduce ? Relation::after : Relation::together;
    if (overlap(*mine.view, *theirs.view) == Overlap::disjoint) return Relation::independent;
    if (!mine.whole || !may_repoint(target_of(i, mine.storage)) || writes(pass, mine.storage)) return Relation::after;
    repoint.insert(mine.storage);  // a stencil in place
    return Relation::together;
  }

  std::span<const Instruction> window_;
  std::vector<Pass> passes_;
};

// What some pass has to load, because the value is not in a register of that pass.
void note_loads(std::span<const Instruction> window, const Pass& pass,
                std::unordered_set<const memory::Storage*>& stored) {
  std::vector<Use> written;
  for (std::uint32_t number : pass.instructions) {
    each_use(window[number], [&](const Use& use) {
      if (use.write) return;
      const bool in_register = std::any_of(written.begin(), written.end(), [&](const Use& w) {
        return w.storage == use.storage && w.whole && *w.view == *use.view;
      });
      if (!in_register) stored.insert(use.storage);
    });
    each_use(window[number], [&](const Use& use) {
      if (use.write) written.push_back(use);
    });
  }
}

}  // namespace

bool may_repoint(const Target& target) { return 2 * target.view.nbytes() >= target.storage->size(); }

std::vector<std::uint32_t> live(std::span<const Instruction> window) {
  std::vector<std::uint32_t> numbers;
  std::unordered_set<const memory::Storage*> read;
  for (std::size_t n = window.size(); n-- > 0;) {
    const Instruction& i = window[n];
    bool seen = i.site != 0 && (i.what != Instruction::What::apply || i.kernel.sets_float_flags);
    for (const Target& t : i.targets) seen |= t.storage->handles() > 0 || read.contains(t.storage.get());
    if (!seen) continue;
    numbers.push_back(static_cast<std::uint32_t>(n));
    each_use(i, [&](const Use& use) {
      if (!use.write) read.insert(use.storage);
    });
  }
  std::reverse(numbers.begin(), numbers.end());
  return numbers;
}

Plan plan_passes(std::span<const Instruction> window) {
  Plan plan;
  Planner planner(window);
  const std::vector<std::uint32_t> numbers = live(window);
  for (std::uint32_t number : numbers) planner.place(number);
  plan.passes = planner.take();
  for (const Pass& pass : plan.passes) note_loads(window, pass, plan.stored);
  for (std::uint32_t number : numbers) {
    // A reduction has no register that could stand for its result: it is stored even if only its float flags are wanted.
    const bool reduces = window[number].what == Instruction::What::reduce;
    for (const Target& t : window[number].targets) {
      if (reduces || t.storage->handles() > 0) plan.stored.insert(t.storage.get());
    }
  }
  return plan;
}

}  // namespace distob::array
