#pragma once

#include "common/base/clock.hpp"
#include "scaler/observations.hpp"

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// What a server says to /api/v1/query and /api/v1/query_range, before anything is made of it. Pure.
// Whatever it sends: no exception, bounded memory, and one named reason for each thing that is
// wrong (reference/autoscaling.md, 1c).
namespace muster::scaler::prometheus {

/// What came back from an endpoint.
struct HttpReply {
    int status = 0;
    std::string content_type;
    std::string body;
    bool operator==(const HttpReply&) const = default;
};

struct Defect {
    Flaw flaw = Flaw::wrong_shape;
    std::string detail;  ///< for people: plain text of at most `longest_detail` bytes
    bool operator==(const Defect&) const = default;
};

inline constexpr std::size_t longest_detail = 400;
[[nodiscard]] Defect defect(Flaw flaw, std::string_view detail);

enum class ResultType : std::uint8_t { vector, scalar, matrix, string };

struct Point {
    WallTime at{};
    std::string value;  ///< as it was written: read_quantity() judges it
    bool operator==(const Point&) const = default;
};

struct Series {
    std::map<std::string, std::string> labels;
    std::vector<Point> points;  ///< of a vector or scalar: one; of a matrix: rising in time
    bool operator==(const Series&) const = default;
};

struct Answer {
    ResultType type = ResultType::vector;
    std::vector<Series> series;         ///< of a string: none
    std::vector<std::string> warnings;  ///< data may be missing; the first `most_notes` of them
    std::vector<std::string> infos;     ///< benign; as above
    bool operator==(const Answer&) const = default;
};

inline constexpr std::size_t most_notes = 8;

struct AnswerLimits {
    std::size_t bytes = 16UZ << 20U;
    std::size_t values = 2'000'000;  ///< of JSON
    std::size_t series = 20'000;
    std::size_t depth = 12;  ///< replies of Prometheus have 6
};

using Read = tl::expected<Answer, Defect>;

/// Flaw::duplicate: a JSON field twice in one object (readers disagree which one counts), or two
/// series with the same labels.
[[nodiscard]] Read read_answer(const HttpReply& reply, const AnswerLimits& limits = {});

/// Whether another endpoint may know better: not of what is the query's fault.
[[nodiscard]] bool is_of_the_endpoint(Flaw flaw);

}  // namespace muster::scaler::prometheus
