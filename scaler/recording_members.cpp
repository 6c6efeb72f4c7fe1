#include "scaler/recording_members.hpp"

namespace muster::scaler {

namespace json = boost::json;

namespace {

std::string_view view(const json::string& text) {
    return {text.data(), text.size()};
}

}  // namespace

std::string Complaint::text_of(const json::value& from,
                               const std::string& path,
                               std::size_t longest) {
    const json::string* const found = from.if_string();
    if (found != nullptr && found->size() <= longest) return std::string(view(*found));
    add(path, fmt::format("must be a text of at most {} bytes", longest));
    return {};
}

WallTime Complaint::time(const json::value& from, const std::string& path) {
    const json::string* const found = from.if_string();
    const auto time = found == nullptr ? std::nullopt : read_time(view(*found));
    if (!time) add(path, "must be a time like 2026-03-01T12:00:00Z");
    return time.value_or(WallTime{});
}

Micros Complaint::quantity(const json::value& from, const std::string& path) {
    const json::string* const found = from.if_string();
    const auto value =
        found == nullptr ? tl::unexpected(Unreadable::malformed) : read_quantity(view(*found));
    if (!value) add(path, "must be a decimal number in quotes, like \"2.5\"");
    return value.value_or(Micros{});
}

Members::Members(Complaint& complaint, const json::value& from, std::string path)
    : complaint_(complaint), object_(from.if_object()), path_(std::move(path)) {
    if (object_ == nullptr) complaint_.add(path_, "must be an object");
}

const json::value* Members::find(std::string_view name) {
    asked_.insert(name);
    return object_ == nullptr ? nullptr : object_->if_contains(name);
}

const json::value* Members::required(std::string_view name) {
    const json::value* const found = find(name);
    if (found == nullptr) complaint_.add(where(name), "is missing");
    return found;
}

std::string Members::text(std::string_view name, std::size_t longest) {
    const json::value* const found = required(name);
    return found == nullptr ? std::string{} : complaint_.text_of(*found, where(name), longest);
}

bool Members::truth(std::string_view name, bool otherwise) {
    const json::value* const found = find(name);
    if (found == nullptr) return otherwise;
    const bool* const value = found->if_bool();
    if (value == nullptr) complaint_.add(where(name), "must be true or false");
    return value != nullptr ? *value : otherwise;
}

void Members::end() {
    if (object_ == nullptr) return;
    for (const auto& member : *object_)
        if (!asked_.contains(member.key()))
            complaint_.add(where(std::string_view(member.key()).substr(0, 64)), "is unknown here");
}

}  // namespace muster::scaler
