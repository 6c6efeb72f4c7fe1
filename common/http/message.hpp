#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster::http {

struct Field {
    std::string name;
    std::string value;
    bool operator==(const Field&) const = default;
};

struct Request {
    std::string method;                                      ///< HEAD arrives as GET
    std::string target;                                      ///< as received
    std::string path;                                        ///< decoded, without the query
    std::vector<std::pair<std::string, std::string>> query;  ///< decoded
    std::vector<Field> fields;
    std::string body;
    std::string peer;  ///< address of the client
    bool loopback_peer = false;

    [[nodiscard]] std::optional<std::string_view> field(
        std::string_view name) const;  ///< name in any case
    [[nodiscard]] std::optional<std::string_view> query_value(std::string_view name) const;
};

struct Response {
    int status = 200;
    std::vector<Field> fields;
    std::string body;

    [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const;
    [[nodiscard]] static Response text(int status, std::string body);
    [[nodiscard]] static Response json(int status, std::string body);
    /// RFC 9457 problem document.
    [[nodiscard]] static Response problem(int status,
                                          std::string_view title,
                                          std::string_view detail);
};

}  // namespace muster::http
