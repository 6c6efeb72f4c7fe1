#pragma once

#include "common/config/document.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace muster::config {

/// Puts the events of a parser (scalar, begin, end) together to trees, within our bounds on depth
/// and number of values.
class TreeBuilder {
 public:
    explicit TreeBuilder(std::size_t max_values) : max_values_(max_values) {}

    /// Each answers false when a bound is reached; `refusal()` then says which.
    [[nodiscard]] bool scalar(Node node);
    [[nodiscard]] bool begin(Node::Kind kind, Place place);
    void end();

    /// Is the next value the key of a map?
    [[nodiscard]] bool wants_key() const;
    /// The key that waits for its value, if there is one.
    [[nodiscard]] const Node* open_key() const;
    /// Where the next value stands: "spec.backends[3].weight".
    [[nodiscard]] std::string path() const;
    [[nodiscard]] const std::string& refusal() const { return refusal_; }

    /// The finished tree, if a value has come since the last take.
    [[nodiscard]] std::optional<Node> take();

 private:
    void attach(Node node);
    [[nodiscard]] bool count();

    std::vector<Node> open_;
    std::optional<Node> root_;
    std::size_t max_values_;
    std::size_t values_ = 0;
    std::string refusal_;
};

/// Writes one step of a path: ".key", "[3]", or ["a key with other characters"].
void append_key(std::string& path, std::string_view key);
void append_index(std::string& path, std::size_t index);

}  // namespace muster::config
