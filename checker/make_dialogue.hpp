#pragma once

#include "checker/dialogue.hpp"
#include "checker/pattern_cache.hpp"
#include "checker/probe_socket.hpp"
#include "checker/prober.hpp"
#include "common/base/result.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::checker {

struct DialogueSettings {
    std::string user_agent;
    std::shared_ptr<PatternCache> patterns;  ///< of the prober's thread
    /// A secret of this node, by its name; nothing = it has none of that name.
    std::function<std::optional<std::string>(const std::string& name)> secret;
};

/// The kinds that this build has and this process may use, by their names (ICMP needs a right).
[[nodiscard]] std::vector<std::string> probe_kinds();

[[nodiscard]] Transport transport_of(const config::ProbeKind& kind);

/// The dialogue of a request's kind, or why this node has none: prober_no_kind, prober_config. Both
/// arguments must outlive it.
[[nodiscard]] tl::expected<std::unique_ptr<Dialogue>, Reason> make_dialogue(
    const ProbeRequest& request, const DialogueSettings& settings);

}  // namespace muster::checker
