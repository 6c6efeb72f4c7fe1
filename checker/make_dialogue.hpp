#pragma once

#include "checker/dialogue.hpp"
#include "checker/pattern_cache.hpp"
#include "checker/prober.hpp"

#include <memory>
#include <string>

namespace muster::checker {

struct DialogueSettings {
    std::string user_agent;
    std::shared_ptr<PatternCache> patterns;  ///< of the prober's thread
};

/// The dialogue of a request's kind, which must outlive it; null for a kind that is no dialogue
/// over a connection or over datagrams.
[[nodiscard]] std::unique_ptr<Dialogue> make_dialogue(const ProbeRequest& request,
                                                      const DialogueSettings& settings);

}  // namespace muster::checker
