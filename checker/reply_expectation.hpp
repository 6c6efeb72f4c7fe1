#pragma once

#include "checker/intent_words.hpp"
#include "checker/outcome.hpp"
#include "checker/pattern_cache.hpp"
#include "common/config/model.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster::checker {

/// What a check expects of an HTTP reply, of whatever version, held against it part by part. A
/// verdict is reached with as little as can be:
///   status not expected                   l7_status, with the header section
///   fields not as expected                l7_header, likewise
///   expected, and no body to be matched   l7_ok, likewise
///   one text wanted in the body           l7_ok with the byte that completes it
///   several, patterns, none, JSON         l7_ok, l7_body or l7_json at the end of the body, or of
///                                         its first 64 KiB
class ReplyExpectation {
 public:
    static constexpr std::size_t body_limit = 64U * 1024U;

    /// All must outlive this. `source`: where the reply may say what the backend wants for itself;
    /// null = nowhere.
    ReplyExpectation(const config::HttpCheck& expected,
                     PatternCache& patterns,
                     const config::IntentSource* source = nullptr);

    [[nodiscard]] bool wants_fields() const {
        return !expected_.expect_headers.empty() ||
               (source_ != nullptr && !source_->header.empty());
    }
    [[nodiscard]] const std::optional<IntentWords>& intent() const { return intent_; }

    /// `fields`: "name: value" lines, each with its CRLF; only looked at when they are wanted.
    [[nodiscard]] std::optional<Reason> on_header(std::uint16_t status, std::string_view fields);
    [[nodiscard]] std::optional<Reason> on_body(std::string_view part);
    [[nodiscard]] Reason on_end();

 private:
    /// What is to be done with the body.
    enum class Body : std::uint8_t { ignored, searched, kept };

    [[nodiscard]] static Body use_of_body(const config::HttpCheck& expected,
                                          const config::IntentSource* source);
    [[nodiscard]] bool expects(std::uint16_t status) const;
    [[nodiscard]] bool finds(std::string_view part);

    const config::HttpCheck& expected_;
    PatternCache& patterns_;
    const config::IntentSource* source_;
    std::optional<IntentWords> intent_;
    Body use_;
    std::size_t body_bytes_ = 0;
    std::string body_;  ///< searched: the end so far, in which the text may have begun; kept: all
};

}  // namespace muster::checker
