#pragma once

#include "scaler/quantity.hpp"
#include "scaler/recording_text.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>

// Strict reading of JSON that may be hostile: the first thing that is wrong is kept, with where it
// is; after it everything reads as nothing.
namespace muster::scaler {

struct Complaint {
    std::string text;

    void add(const std::string& path, std::string_view what) {
        if (text.empty()) text = fmt::format("{}: {}", path, what);
    }
    template <class Number>
    [[nodiscard]] Number integer(const boost::json::value& from,
                                 const std::string& path,
                                 Number low,
                                 Number high) {
        const std::int64_t* const number = from.if_int64();
        if (number != nullptr && *number >= low && *number <= high)
            return static_cast<Number>(*number);
        add(path, fmt::format("must be a whole number from {} to {}", low, high));
        return low;
    }
    [[nodiscard]] std::string text_of(const boost::json::value& from,
                                      const std::string& path,
                                      std::size_t longest);
    [[nodiscard]] WallTime time(const boost::json::value& from, const std::string& path);
    [[nodiscard]] Micros quantity(const boost::json::value& from, const std::string& path);
};

/// The members of an object, each asked for once.
class Members {
 public:
    Members(Complaint& complaint, const boost::json::value& from, std::string path);

    /// nullptr: it isn't there.
    [[nodiscard]] const boost::json::value* find(std::string_view name);
    /// nullptr: it isn't there, and that is told.
    [[nodiscard]] const boost::json::value* required(std::string_view name);
    [[nodiscard]] std::string text(std::string_view name, std::size_t longest);
    [[nodiscard]] bool truth(std::string_view name, bool otherwise);
    /// Without `otherwise` it must be there.
    template <class Enumeration>
    [[nodiscard]] Enumeration word(std::string_view name, std::optional<Enumeration> otherwise) {
        const boost::json::value* const value = otherwise ? find(name) : required(name);
        const boost::json::string* const text = value == nullptr ? nullptr : value->if_string();
        if (value == nullptr) return otherwise.value_or(Enumeration{});
        const auto known =
            text == nullptr ? std::nullopt
                            : from_word<Enumeration>(std::string_view(text->data(), text->size()));
        if (!known) complaint_.add(where(name), "isn't one of the words that may stand here");
        return known.value_or(Enumeration{});
    }
    /// Tells what was not asked for.
    void end();

 private:
    [[nodiscard]] std::string where(std::string_view name) const {
        return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
    }

    Complaint& complaint_;
    const boost::json::object* object_;
    std::string path_;
    std::set<std::string_view> asked_;
};

}  // namespace muster::scaler
