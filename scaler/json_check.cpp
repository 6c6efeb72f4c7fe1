#include "scaler/json_check.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster::scaler::prometheus {
namespace json = boost::json;
namespace {

/// The handler that json::basic_parser calls; the names and constants are its contract.
class Checks {
 public:
    // The bound is on the whole text.
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_object_size = max_array_size;
    static constexpr std::size_t max_string_size = max_array_size;
    static constexpr std::size_t max_key_size = max_array_size;

    explicit Checks(std::size_t most) : left_(most) {}

    [[nodiscard]] const std::optional<Defect>& defect() const { return defect_; }

    bool on_document_begin(json::error_code& /*ec*/) { return true; }
    bool on_document_end(json::error_code& /*ec*/) { return true; }
    bool on_object_begin(json::error_code& ec) {
        keys_.emplace_back();
        return count(ec);
    }
    bool on_object_end(std::size_t /*n*/, json::error_code& /*ec*/) {
        keys_.pop_back();
        return true;
    }
    bool on_array_begin(json::error_code& ec) { return count(ec); }
    bool on_array_end(std::size_t /*n*/, json::error_code& /*ec*/) { return true; }
    bool on_key_part(json::string_view part, std::size_t /*n*/, json::error_code& /*ec*/) {
        key_.append(part.data(), part.size());
        return true;
    }
    bool on_key(json::string_view part, std::size_t /*n*/, json::error_code& ec) {
        key_.append(part.data(), part.size());
        if (!keys_.back().insert(std::exchange(key_, {})).second)
            return stop(Flaw::duplicate, "a JSON field twice in one object", ec);
        return true;
    }
    bool on_string_part(json::string_view /*part*/, std::size_t /*n*/, json::error_code& /*ec*/) {
        return true;
    }
    bool on_string(json::string_view /*part*/, std::size_t /*n*/, json::error_code& ec) {
        return count(ec);
    }
    bool on_number_part(json::string_view /*part*/, json::error_code& /*ec*/) { return true; }
    bool on_int64(std::int64_t /*value*/, json::string_view /*part*/, json::error_code& ec) {
        return count(ec);
    }
    bool on_uint64(std::uint64_t /*value*/, json::string_view /*part*/, json::error_code& ec) {
        return count(ec);
    }
    bool on_double(double /*value*/, json::string_view /*part*/, json::error_code& ec) {
        return count(ec);
    }
    bool on_bool(bool /*value*/, json::error_code& ec) { return count(ec); }
    bool on_null(json::error_code& ec) { return count(ec); }
    bool on_comment_part(json::string_view /*part*/, json::error_code& /*ec*/) { return true; }
    bool on_comment(json::string_view /*part*/, json::error_code& /*ec*/) { return true; }

 private:
    bool count(json::error_code& ec) {
        if (left_ == 0) return stop(Flaw::too_large, "too many JSON values", ec);
        --left_;
        return true;
    }
    bool stop(Flaw flaw, std::string_view detail, json::error_code& ec) {
        defect_ = prometheus::defect(flaw, detail);
        ec = json::error::object_too_large;
        return false;
    }

    std::size_t left_;
    std::vector<std::set<std::string>> keys_;  ///< of each object that is open
    std::string key_;
    std::optional<Defect> defect_;
};

Flaw flaw_of(const json::error_code& error) {
    if (error == json::error::incomplete) return Flaw::truncated;
    if (error == json::error::too_deep) return Flaw::too_deep;
    if (error == json::error::illegal_leading_surrogate ||
        error == json::error::illegal_trailing_surrogate)
        return Flaw::bad_text;
    return Flaw::not_json;
}

}  // namespace

std::optional<Defect> check_json(std::string_view text, const JsonLimits& limits) {
    json::parse_options options;
    options.max_depth = limits.depth;
    json::basic_parser<Checks> parser(options, limits.values);
    json::error_code error;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (!error && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos)
        error = json::error::extra_data;
    if (!error) return std::nullopt;
    if (const auto& own = parser.handler().defect()) return own;
    return defect(flaw_of(error), fmt::format("byte {}: {}", read, error.message()));
}

}  // namespace muster::scaler::prometheus
