#include "common/coordination/validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace muster::coordination {

namespace {

/// Fixed fields of an op on the wire, with room to spare: header, lengths, version, flags.
constexpr std::size_t op_overhead_bytes = 64;

tl::unexpected<Error> bad_path(std::string_view path, std::string_view why) {
    return fail(Errc::invalid_argument, fmt::format("path '{}' {}", path.substr(0, 200), why));
}

bool is_printable_ascii(char c) {
    return c >= 0x20 && c < 0x7f;
}

}  // namespace

Result<void> check_path(std::string_view path) {
    if (path.empty() || path.front() != '/') return bad_path(path, "does not begin with a slash");
    if (path.size() > max_path_bytes) return bad_path(path, "is too long");
    if (!std::ranges::all_of(path, is_printable_ascii))
        return bad_path(path, "has a character that is not printable ASCII");
    if (path == "/") return {};
    for (std::size_t begin = 1;;) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string_view name = path.substr(begin, end - begin);
        if (name.empty()) return bad_path(path, "has an empty component");
        if (name == "." || name == "..") return bad_path(path, "has a relative component");
        if (end == path.size()) return {};
        begin = end + 1;
    }
}

Result<void> check_ops(const std::vector<Op>& ops) {
    if (ops.empty()) return fail(Errc::invalid_argument, "a transaction without ops");
    for (const Op& op : ops) {
        const auto* create = std::get_if<CreateOp>(&op);
        const Result<void> checked = create != nullptr && is_sequential(create->mode)
                                         ? check_path(create->path + "0000000000")
                                         : check_path(path_of(op));
        if (!checked) return checked;
    }
    return {};
}

std::size_t request_bytes(const std::vector<Op>& ops) {
    std::size_t bytes = op_overhead_bytes;
    for (const Op& op : ops) {
        bytes += op_overhead_bytes + path_of(op).size();
        if (const auto* create = std::get_if<CreateOp>(&op)) {
            bytes += create->data.size();
            for (const Acl& acl : create->acl) bytes += acl.scheme.size() + acl.id.size() + 12;
        } else if (const auto* set = std::get_if<SetOp>(&op)) {
            bytes += set->data.size();
        }
    }
    return bytes;
}

const std::string& path_of(const Op& op) {
    return std::visit([](const auto& o) -> const std::string& { return o.path; }, op);
}

bool is_sequential(CreateMode mode) {
    return mode == CreateMode::persistent_sequential || mode == CreateMode::ephemeral_sequential;
}

bool is_ephemeral(CreateMode mode) {
    return mode == CreateMode::ephemeral || mode == CreateMode::ephemeral_sequential;
}

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 ? std::string_view("/") : path.substr(0, slash);
}

}  // namespace muster::coordination
