// What the scaler costs, and what it keeps.
#include "tests/bench/scaler/failovers.hpp"
#include "tests/bench/scaler/simulate_week.hpp"
#include "tests/bench/support/figures.hpp"

namespace {

void run() {
    muster::test::simulate_week();
    muster::test::failovers();
}

}  // namespace

int main() {
    return muster::test::exit_code_of(run);
}
