// Signals belong to the threads of the user.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace distob::node {

/// Blocks every signal in this thread for a scope, so that threads it starts, which inherit the mask, never handle one.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t every;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace distob::node
