#pragma once

#include "common/znodes/packed_shards.hpp"
#include "common/znodes/payloads.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The inside of `encode` and `decode`: included by the payloads_*.cpp of this folder only.
namespace muster::znodes {

/// Takes fields out of one parsed payload. The first wrong one is remembered and all later reads
/// give empty values, so that a payload reads as a plain list of fields with one check at its end.
/// Fields that nobody asks for are ignored: a newer build may have added them.
class Reader {
 public:
    explicit Reader(const boost::json::object& object) : object_(&object) {}

    static constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

    [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most);
    [[nodiscard]] int small(std::string_view key, int least, int most);
    [[nodiscard]] bool flag(std::string_view key);  ///< absent = false
    [[nodiscard]] bool has(std::string_view key) const { return object_->contains(key); }
    [[nodiscard]] WallTime time(std::string_view key);
    [[nodiscard]] std::string text(std::string_view key, std::size_t max_bytes = 255);
    [[nodiscard]] std::string name(std::string_view key);  ///< fit to be a path component
    [[nodiscard]] std::vector<std::string> texts(std::string_view key,
                                                 std::size_t max_count,
                                                 std::size_t max_bytes);
    [[nodiscard]] MarkedShards shards(std::string_view key, std::string_view letters);
    [[nodiscard]] Stamp stamp();

    /// The field as an object or an array of at most `max_count`; empty when it is wrong.
    [[nodiscard]] const boost::json::object& object(std::string_view key, std::size_t max_count);
    [[nodiscard]] const boost::json::array& array(std::string_view key, std::size_t max_count);

    void refuse(Errc code, std::string_view key);
    [[nodiscard]] bool refused() const { return error_.has_value(); }
    [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
    [[nodiscard]] const boost::json::value* field(std::string_view key);

    const boost::json::object* object_;
    std::optional<Error> error_;
};

inline constexpr int max_slots = 1'024;
inline constexpr std::int64_t latest_time = 253'402'300'799'999;  ///< the end of year 9999, in ms

/// Opens an encoding with format version and stamp.
[[nodiscard]] boost::json::object stamped(const Stamp& stamp);
[[nodiscard]] std::int64_t milliseconds(WallTime time);

/// Parses, and checks what all payloads have in common. The object lives in `memory`.
[[nodiscard]] Result<boost::json::value> open_payload(std::string_view bytes,
                                                      std::string_view cluster,
                                                      boost::json::monotonic_resource& memory);

/// Each payloads_*.cpp defines `void read(Reader&, T&)` for its payloads, and instantiates this.
template <class T>
Result<T> decode(std::string_view bytes, std::string_view cluster) {
    if (std::is_same_v<T, LbEvidence> && bytes.size() > max_evidence_bytes)
        return fail(Errc::out_of_bounds, "payload");
    boost::json::monotonic_resource memory;
    // `control` is where a cluster's uuid is born: there is nothing to compare it with.
    const auto payload =
        open_payload(bytes, std::is_same_v<T, Control> ? std::string_view{} : cluster, memory);
    if (!payload) return tl::unexpected(payload.error());
    Reader reader(payload->get_object());
    T value;
    value.stamp = reader.stamp();
    read(reader, value);
    if (reader.refused()) return tl::unexpected(*reader.error());
    return value;
}

}  // namespace muster::znodes
