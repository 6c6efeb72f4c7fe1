#include "common/config/tree_builder.hpp"

#include "common/config/unicode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::config {

bool TreeBuilder::count() {
    if (++values_ <= max_values_) return true;
    refusal_ = fmt::format("the text holds more than {} values", max_values_);
    return false;
}

bool TreeBuilder::scalar(Node node) {
    if (!count()) return false;
    attach(std::move(node));
    return true;
}

bool TreeBuilder::begin(Node::Kind kind, Place place) {
    if (!count()) return false;
    if (open_.size() == max_depth) {
        refusal_ = fmt::format("lists and maps are nested deeper than {} levels", max_depth);
        return false;
    }
    open_.push_back({.kind = kind, .place = place});
    return true;
}

void TreeBuilder::end() {
    Node done = std::move(open_.back());
    open_.pop_back();
    attach(std::move(done));
}

void TreeBuilder::attach(Node node) {
    if (open_.empty()) {
        root_ = std::move(node);
    } else {
        open_.back().items.push_back(std::move(node));
    }
}

bool TreeBuilder::wants_key() const {
    return !open_.empty() && open_.back().kind == Node::Kind::map &&
           open_.back().items.size() % 2 == 0;
}

const Node* TreeBuilder::open_key() const {
    if (open_.empty() || open_.back().kind != Node::Kind::map || wants_key()) return nullptr;
    return &open_.back().items.back();
}

std::string TreeBuilder::path() const {
    std::string path;
    for (const Node& node : open_) {
        if (node.kind == Node::Kind::list) {
            append_index(path, node.items.size());
        } else if (node.items.size() % 2 == 1) {
            append_key(path, node.items.back().text);
        }
    }
    return path;
}

std::optional<Node> TreeBuilder::take() {
    return std::exchange(root_, std::nullopt);
}

void append_key(std::string& path, std::string_view key) {
    constexpr std::size_t longest = 80;
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    };
    if (!key.empty() && key.size() <= longest && std::ranges::all_of(key, is_plain)) {
        if (!path.empty()) path += '.';
        path += key;
        return;
    }
    path += "[\"";
    // Escapes can bring any character into a key; a path stays one clean line.
    if (find_bad_byte(key) || key.contains('\n')) key = "?";
    for (const char c : key.substr(0, longest)) {
        if (c == '"' || c == '\\') path += '\\';
        path += c;
    }
    path += key.size() > longest ? "...\"]" : "\"]";
}

void append_index(std::string& path, std::size_t index) {
    fmt::format_to(std::back_inserter(path), "[{}]", index);
}

}  // namespace muster::config
