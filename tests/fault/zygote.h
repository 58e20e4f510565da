// A helper that forks C++ engines, as the Python package's helper forks Python ones: the other side of ZygoteLauncher.
#pragma once

namespace distob::fault {

/// Serves the protocol of cluster/launcher.h on descriptor 3 until its end. `say_ready`: false to end at once instead.
int run_zygote(bool say_ready);

}  // namespace distob::fault
