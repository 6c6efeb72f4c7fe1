// What the scaler costs, and what it keeps.
#include "tests/bench/scaler/failovers.hpp"
#include "tests/bench/scaler/live_run.hpp"
#include "tests/bench/scaler/live_week.hpp"
#include "tests/bench/scaler/scale_in.hpp"
#include "tests/bench/scaler/simulate_week.hpp"
#include "tests/bench/support/figures.hpp"

#include <cstdlib>
#include <string_view>

namespace {

/// MUSTER_SCALER_PART: one of them alone. ./bench tells of all variables.
bool is_wanted(std::string_view part) {
    const char* const only = std::getenv("MUSTER_SCALER_PART");
    return only == nullptr || only == part;
}

void run() {
    if (is_wanted("week")) muster::test::simulate_week();
    if (is_wanted("failovers")) muster::test::failovers();
    if (is_wanted("shells")) muster::test::live_week();
    if (is_wanted("live")) muster::test::live_run();
    if (is_wanted("scale_in")) muster::test::scale_in();
}

}  // namespace

int main() {
    return muster::test::exit_code_of(run);
}
