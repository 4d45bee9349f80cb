// The same work on several threads at once, each bound to a processor of its own.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace aquilon::bench {

// Processors that this process may run on, ascending.
std::vector<int> usable_cpus();

// Calls work(i) on a thread bound to cpus[i], all starting together; the seconds that the slowest
// took. Where the system allows it, the threads run at real-time priority, so that other programs
// do not interrupt them: keep the work to some tens of milliseconds.
double run_pinned(const std::vector<int>& cpus, const std::function<void(std::size_t)>& work);

}  // namespace aquilon::bench
