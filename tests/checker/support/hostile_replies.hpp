#pragma once

#include "checker/outcome.hpp"
#include "common/config/model.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace muster::checker {

/// What a backend does when it has sent its bytes.
enum class Then { close, reset, hang };

/// A reply that some backend could send, and what the probe must make of it.
struct ReplyCase {
    std::string name;
    std::string bytes;
    Then then = Then::close;
    Reason expected = Reason::l7_invalid;
    config::HttpCheck check;
};

/// Replies that are fine, strange ones included.
[[nodiscard]] std::vector<ReplyCase> good_replies();

/// Malformed, hostile and cut-off ones.
[[nodiscard]] std::vector<ReplyCase> hostile_replies();

/// Bytes to be sent again and again.
struct Flood {
    std::string name;
    std::string bytes;
};
[[nodiscard]] std::vector<Flood> floods();

/// The same for the same seed.
[[nodiscard]] std::string noise(std::uint32_t seed, std::size_t size);

}  // namespace muster::checker
