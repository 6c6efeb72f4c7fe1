// Prints random groups as muster writes them, one JSON object a line: for schema_test.py.

#include "common/config/decode.hpp"
#include "tests/config/random_groups.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <iostream>

int main() {
    std::mt19937_64 random(42);
    for (int i = 0; i < 300; ++i) {
        const muster::config::GroupSpec group = muster::config::random_group(random);
        boost::json::object sample;
        sample.emplace("changed", encode(group));
        sample.emplace("full", encode(group, muster::config::Verbosity::full));
        sample.emplace("yaml", encode_yaml(group));
        std::cout << boost::json::serialize(sample) << "\n";
    }
}
