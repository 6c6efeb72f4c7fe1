#include "tests/support/program.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace muster::test {
namespace {

TEST(Program, IsFoundInTheSameBuildAndItsSourcesInTheTree) {
    EXPECT_TRUE(exists(built_program("tests/support/support_test")));
    EXPECT_TRUE(exists(source_file("tests/support/program_test.cpp")));
    EXPECT_THROW((void)built_program("tests/support/nothing_of_this_name"), std::runtime_error);
}

}  // namespace
}  // namespace muster::test
