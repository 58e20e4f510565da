#include "array/compile.h"

#include <algorithm>

namespace distob::array {
namespace {

class PassCompiler {
 public:
  PassCompiler(std::span<const Instruction> window, const Pass& pass, const Plan& plan, const Bindings& bindings)
      : window_(window), pass_(pass), plan_(plan), bindings_(bindings), builder_(pass.shape) {}

  Compiled compile() {
    for (std::uint32_t number : pass_.instructions) add(window_[number]);
    out_.program = std::move(builder_).build();
    return std::move(out_);
  }

 private:
  // A value that was written to all of a view in this pass.
  struct Register {
    const memory::Storage* storage;
    const View* view;
    program::Value value;
  };

  void add(const Instruction& i) {
    switch (i.what) {
      case Instruction::What::apply: return add_apply(i);
      case Instruction::What::copy: return write(i, i.targets[0], raw(i.sources[0]));
      case Instruction::What::reduce: return add_reduce(i);
    }
  }

  void add_apply(const Instruction& i) {
    std::vector<program::Value> inputs;
    for (std::size_t k = 0; k < i.sources.size(); ++k) inputs.push_back(read(i.sources[k], i.kernel.kinds[k]));
    const program::Values results = builder_.apply(i.kernel, inputs, i.site, mask(i));
    for (std::size_t k = 0; k < i.targets.size(); ++k) write(i, i.targets[k], results[static_cast<int>(k)]);
  }

  void add_reduce(const Instruction& i) {
    const Target& t = i.targets[0];
    program::Value value = read(i.sources[0], i.reduction.kind);
    if (auto where = mask(i)) value = builder_.select(*where, value, i.reduction.identity.data());
    builder_.reduce(value, i.reduction, i.axes, write_slot(t), t.view, i.site);
  }

  std::optional<program::Value> mask(const Instruction& i) {
    if (!i.mask) return std::nullopt;
    return read(*i.mask, Kind::Bool);
  }

  program::Value read(const Source& s, Kind kind) {
    if (!s.storage) return builder_.cast(builder_.constant(s.constant.kind, s.constant.bytes.data()), kind);
    if (const Register* r = in_register(s)) return builder_.cast(r->value, kind);
    return builder_.load(read_slot(s), s.view, kind);
  }

  // The value with the dtype it has in memory: what a copy takes, opaque types too.
  program::Value raw(const Source& s) {
    if (!s.storage) return builder_.constant(s.constant.kind, s.constant.bytes.data());
    if (const Register* r = in_register(s)) return r->value;
    return builder_.load(read_slot(s), s.view);
  }

  const Register* in_register(const Source& s) const {
    auto found = std::find_if(registers_.rbegin(), registers_.rend(),
                              [&](const Register& r) { return r.storage == s.storage.get() && *r.view == s.view; });
    return found == registers_.rend() ? nullptr : &*found;
  }

  void write(const Instruction& i, const Target& t, program::Value value) {
    if (t.view.dtype.kind != Kind::Opaque) value = builder_.cast(value, t.view.dtype.kind, i.site);
    if (plan_.stored.contains(t.storage.get())) {
      builder_.store(value, write_slot(t), t.view, mask(i), i.site);
    }
    if (!i.mask) registers_.push_back({t.storage.get(), &t.view, value});
  }

  int read_slot(const Source& s) {
    const memory::MemoryPtr& memory = bindings_.at(s.storage.get()).read;
    out_.accesses.push_back({memory.get(), s.view, false});
    return slot(memory);
  }
  int write_slot(const Target& t) {
    const memory::MemoryPtr& memory = bindings_.at(t.storage.get()).write;
    out_.accesses.push_back({memory.get(), t.view, true});
    return slot(memory);
  }
  int slot(const memory::MemoryPtr& memory) {
    auto found = std::find(out_.memories.begin(), out_.memories.end(), memory);
    if (found == out_.memories.end()) found = out_.memories.insert(found, memory);
    return static_cast<int>(found - out_.memories.begin());
  }

  std::span<const Instruction> window_;
  const Pass& pass_;
  const Plan& plan_;
  const Bindings& bindings_;
  program::Builder builder_;
  Compiled out_;
  std::vector<Register> registers_;
};

}  // namespace

Compiled compile(std::span<const Instruction> window, const Pass& pass, const Plan& plan, const Bindings& bindings) {
  return PassCompiler(window, pass, plan, bindings).compile();
}

program::Program copying(const View& from, const View& to) {
  program::Builder builder(to.shape);
  builder.store(builder.load(0, from), 1, to);
  return std::move(builder).build();
}

}  // namespace distob::array
