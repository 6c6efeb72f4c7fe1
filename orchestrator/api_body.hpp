#pragma once

#include "common/config/decode.hpp"
#include "common/http/message.hpp"
#include "orchestrator/commands.hpp"

#include <boost/json/object.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Reading what writes send: small JSON objects, preconditions, the author. Input is hostile. Pure.
namespace muster::orchestrator {

/// A small JSON object, read field by field; whatever is wrong, and every field that nobody asked
/// for, is a problem. An empty body is an empty object.
class BodyReader {
 public:
    explicit BodyReader(std::string_view body);

    [[nodiscard]] std::optional<bool> boolean(std::string_view name);
    [[nodiscard]] std::optional<int> whole(std::string_view name, int lowest, int highest);
    /// Printable, at most `limit` bytes.
    [[nodiscard]] std::optional<std::string> text(std::string_view name, std::size_t limit);

    /// Whole numbers that make 100 by names; those of 0 are left out. Nothing: absent or wrong.
    [[nodiscard]] std::optional<std::map<std::string, int>> percents(std::string_view name,
                                                                     std::size_t most);

    void reject(std::string_view path, std::string what);

    /// Call last.
    [[nodiscard]] std::vector<config::Problem> problems();

 private:
    [[nodiscard]] const boost::json::value* find(std::string_view name);

    boost::json::object object_;
    std::vector<std::string_view> asked_;
    std::vector<config::Problem> problems_;
};

/// Content-Type is JSON, YAML, plain text or absent.
[[nodiscard]] bool has_known_type(const http::Request& request);

/// Of If-Match and If-None-Match.
[[nodiscard]] Result<Expectation> expectation_of(const http::Request& request);

/// Of `?expect=web:4,api:0,fleet/edge:2`.
[[nodiscard]] Result<std::map<znodes::ConfigName, Expectation>> expectations_of(
    const http::Request& request);

/// Muster-Author, else `actor`.
[[nodiscard]] Result<std::string> author_of(const http::Request& request, std::string_view actor);

[[nodiscard]] Result<DryRun> dry_run_of(const http::Request& request);

[[nodiscard]] Result<Abandon> abandon_of(const http::Request& request);

}  // namespace muster::orchestrator
