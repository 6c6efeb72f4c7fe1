#pragma once

#include <fmt/format.h>
#include <tl/expected.hpp>

#include <string>
#include <system_error>
#include <utility>

namespace muster {

/// What went wrong, for expected failures (network, peers, data). `code` is what callers branch on
/// (each folder has its Errc); `context` says which thing failed, for people. Bugs assert, start-up
/// failures throw.
struct Error {
    std::error_code code;
    std::string context;

    bool operator==(const Error&) const = default;

    /// "context: message of the code".
    [[nodiscard]] std::string message() const {
        if (context.empty()) return code.message();
        return fmt::format("{}: {}", context, code.message());
    }
};

/// The class is not [[nodiscard]] itself, so functions that return it are marked so.
template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(std::error_code code, std::string context = {}) {
    return tl::unexpected<Error>(Error{.code = code, .context = std::move(context)});
}

}  // namespace muster
