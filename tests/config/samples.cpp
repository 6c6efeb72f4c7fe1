// Prints random groups and fleets as muster writes them, one JSON object a line: for
// schema_test.py.

#include "common/config/decode.hpp"
#include "tests/config/random_fleets.hpp"
#include "tests/config/random_groups.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>

namespace {

template <class Spec>
void print(const Spec& spec) {
    boost::json::object sample;
    sample.emplace("changed", encode(spec));
    sample.emplace("full", encode(spec, muster::config::Verbosity::full));
    sample.emplace("yaml", encode_yaml(spec));
    std::cout << boost::json::serialize(sample) << "\n";
}

}  // namespace

int main() {
    std::mt19937_64 random(42);
    for (int i = 0; i < 300; ++i) {
        print(muster::config::random_group(random));
        print(muster::config::random_fleet(random));
    }
}
