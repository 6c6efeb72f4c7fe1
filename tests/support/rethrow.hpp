#pragma once

#include <exception>

namespace muster::test {

/// Completion handler for coroutines that a test starts: an exception comes out of the io_context
/// and fails the test, where asio::detached would swallow it.
inline constexpr auto rethrow = [](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
};

}  // namespace muster::test
