// The engine's side of Python: runs commands, keeps the objects they make.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "engine/executor.h"
#include "objects/link.h"

namespace distob::python {

class ArrivedLoans;

class PythonExecutor : public engine::Executor {
 public:
  /// The link is made once the engine's calling side exists.
  void use(std::shared_ptr<Link> link);
  [[nodiscard]] ObjectStore& store() { return store_; }

  engine::Outcome execute(const engine::Incoming& command, engine::Context& context) override;
  void drop(std::span<const ObjectId> ids) override;
  void interrupt() noexcept override;
  void idle() override;
  void thread_started() override;
  void thread_ending() override;

 private:
  engine::Outcome run(const engine::Incoming& command, engine::Context& context, ArrivedLoans& loans);

  std::shared_ptr<Link> link_;
  ObjectStore store_;
};

void register_executor(nanobind::module_& module);

}  // namespace distob::python
