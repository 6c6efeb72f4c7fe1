#pragma once

#include "common/config/decode.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster::config {

namespace json = boost::json;

/// Writes the fields of one map in a fixed order; those at their default only when all are wanted.
class FieldWriter {
 public:
    explicit FieldWriter(Verbosity verbosity) : full_(verbosity == Verbosity::full) {}

    template <class T>
    void field(std::string_view name, const T& value, const T& standard) {
        if (full_ || value != standard) put(name, to_json(value));
    }

    /// A field whose default is its absence.
    template <class T>
    void optional(std::string_view name, const std::optional<T>& value) {
        if (value) put(name, to_json(*value));
    }
    void optional(std::string_view name, const std::string& value) {
        if (!value.empty()) put(name, json::string(value));
    }

    /// A map, when there is anything in it.
    void map(std::string_view name, json::object value) {
        if (!value.empty()) put(name, std::move(value));
    }

    void put(std::string_view name, json::value value) { object_.emplace(name, std::move(value)); }
    [[nodiscard]] json::object take() { return std::move(object_); }

 private:
    static json::value to_json(int value) { return value; }
    static json::value to_json(bool value) { return value; }
    static json::value to_json(std::uint16_t value) { return value; }
    static json::value to_json(const std::string& value) { return json::string(value); }
    static json::value to_json(Duration value) { return json::string(to_string(value)); }
    static json::value to_json(Algorithm value) { return json::string(to_string(value)); }
    static json::value to_json(Admin value) { return json::string(to_string(value)); }
    static json::value to_json(OutlierAction value) { return json::string(to_string(value)); }
    static json::value to_json(const std::vector<StatusRange>& ranges) {
        json::array list;
        for (const StatusRange& range : ranges) {
            if (range.first == range.last) {
                list.emplace_back(range.first);
            } else {
                list.emplace_back(fmt::format("{}-{}", range.first, range.last));
            }
        }
        return list;
    }

    bool full_;
    json::object object_;
};

}  // namespace muster::config
