// The errors distob throws, sorted by what the caller can do about them.
//
// Errors that a mistake in the call causes (ValueError, IndexError, TypeError, MemoryError) are thrown at the line that
// made it, before anything changed. Errors of the cluster name the engine, the cause and what to do.
#pragma once

#include <stdexcept>
#include <string>

namespace distob {

/// The base of every error that distob itself throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// --- Fix the call -------------------------------------------------------------------------------------------------

/// An argument has the right type and an impossible value: an axis that is not there, shapes that do not broadcast.
class ValueError : public Error {
 public:
  using Error::Error;
};

/// An index lies outside its axis.
class IndexError : public Error {
 public:
  using Error::Error;
};

/// An axis number is outside the dimensions of the array.
class AxisError : public ValueError {
 public:
  AxisError(int axis, int ndim);
};

/// An argument has a type (or an array a dtype) that the operation does not take.
class TypeError : public Error {
 public:
  using Error::Error;
};

/// A value cannot travel, because it has no codec or cannot be pickled; the text names the path to the part at fault.
class EncodeError : public TypeError {
 public:
  using TypeError::TypeError;
};

/// A cluster, or an object of one, is used after the cluster was closed.
class ClosedError : public Error {
 public:
  using Error::Error;
};

/// distob is used in a forked child, which owns none of its parent's connections. Gather before the fork, or give the
/// child a cluster of its own.
class ForkedError : public Error {
 public:
  using Error::Error;
};

// --- Free something, then try again -------------------------------------------------------------------------------

/// The memory budget or the machine has no room for an array.
class MemoryError : public Error {
 public:
  using Error::Error;
};

// --- The cluster lost something -----------------------------------------------------------------------------------

/// The object lived on an engine that is gone, or was released; make it again.
class ObjectLost : public Error {
 public:
  using Error::Error;
};

/// The engine that ran this call ended. The text names the engine, the signal or exit status and its last output.
class EngineDied : public ObjectLost {
 public:
  using ObjectLost::ObjectLost;
};

/// Calls wait for each other in a circle; the text names them.
class DeadlockError : public Error {
 public:
  using Error::Error;
};

/// The call was cancelled before it finished.
class Cancelled : public Error {
 public:
  using Error::Error;
};

/// A remote call failed with an error whose own type could not travel; the text is the remote error's text.
class RemoteError : public Error {
 public:
  using Error::Error;
};

// --- Report it ----------------------------------------------------------------------------------------------------

/// A peer sent bytes that are no valid message: versions that do not match, or a bug.
class ProtocolError : public Error {
 public:
  using Error::Error;
};

}  // namespace distob
