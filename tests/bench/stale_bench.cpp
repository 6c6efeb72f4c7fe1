// ./bench stale: stale writes against the fence, in full (tests/stale/schedule.hpp says how), with
// ZooKeeper's own transaction log as the oracle. MUSTER_STALE_SCHEDULES and MUSTER_STALE_SEED
// choose how many and which.
#include "tests/stale/measure.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace {

std::size_t setting(const char* name, std::size_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

int main() {
    try {
        return muster::stale::measure_stale_writes(setting("MUSTER_STALE_SCHEDULES", 220),
                                                   setting("MUSTER_STALE_SEED", 20'000))
                   ? EXIT_SUCCESS
                   : EXIT_FAILURE;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench stale: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
