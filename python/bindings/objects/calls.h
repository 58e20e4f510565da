// Calls as the Python front door sends them.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <string_view>
#include <vector>

#include "objects/link.h"
#include "objects/values.h"
#include "session/endpoint.h"

namespace distob::python {

/// What an engine is asked to do. The byte stands in the payload after the definitions.
enum class Operation : char {
  method = 'M',    ///< target.name(*args)
  function = 'F',  ///< args[0](*args[1:])
  get = 'G',       ///< target.name
  set = 'W',       ///< target.name = args[0]
  remove = 'D',    ///< del target.name
  create = 'S',    ///< keeps the items of args[0] as results
  keep = 'A',      ///< keeps args[0](*args[1:]) as the result
  copy = 'V',      ///< a copy of target
  batch = 'B',     ///< up to args[0] items of the iterator target
};

/// The arguments of a call in the form of a vectorcall.
struct Arguments {
  PyObject* const* values = nullptr;
  std::size_t positional = 0;
  PyObject* keyword_names = nullptr;
};

/// A call on its way.
struct Sent {
  std::shared_ptr<Link> link;
  session::Call call;
  std::vector<std::uint32_t> carried;  ///< definitions in front of it, which the engine has once it replied
};

/// What to send where. `name` is the method's or attribute's name, or empty.
struct Request {
  Operation operation;
  EngineId engine;
  ObjectId target = {};
  std::string_view name = {};
  std::uint32_t results = 0;
  std::string_view label = {};
};

/// Sends without waiting for the reply. Python's lock is held; it is given up while the stream is out of credit.
[[nodiscard]] Sent send(const std::shared_ptr<Link>& link, const Request& request, const Arguments& arguments);

/// Sends, waits and returns the result, or throws the error as Python's. A signal ends the wait and cancels the call.
[[nodiscard]] nanobind::object call(const std::shared_ptr<Link>& link, const Request& request,
                                    const Arguments& arguments);

/// Waits for the reply of `sent`, which nobody has taken, and returns its value or throws.
[[nodiscard]] nanobind::object finish(const Sent& sent);

/// The Python exception that a failed reply stands for.
[[nodiscard]] nanobind::object describe_failure(const std::shared_ptr<Link>& link, session::Reply& reply);

/// Runs Python's signal handlers; throws what they raise.
const session::InterruptCheck& check_signals();

}  // namespace distob::python
