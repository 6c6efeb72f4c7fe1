#pragma once

#include "checker/outcome.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct nghttp2_session;

namespace muster::checker {

/// One request and its reply over HTTP/2 (RFC 9113) on a connection of its own, by nghttp2, without
/// I/O. Bounded: 16 KiB of fields, trailers included, and what the listener takes of the body.
class H2Exchange {
 public:
    using Fields = std::vector<std::pair<std::string, std::string>>;

    /// Told in order. A verdict ends the exchange: nothing more is told.
    class Listener {
     public:
        virtual ~Listener() = default;
        /// `fields`: "name: value" lines, each with its CRLF, pseudo fields left out.
        virtual std::optional<Reason> on_header(std::uint16_t status, std::string_view fields) = 0;
        virtual std::optional<Reason> on_body(std::string_view part) = 0;
        /// `trailers`: as the fields.
        virtual Reason on_end(std::string_view trailers) = 0;
    };

    /// `request`: pseudo fields first, names in lower case. The listener must outlive it.
    H2Exchange(const Fields& request, std::string body, Listener& listener);
    ~H2Exchange();
    H2Exchange(const H2Exchange&) = delete;
    H2Exchange& operator=(const H2Exchange&) = delete;

    /// The preface, settings and the request.
    void begin(std::string& out);
    /// The verdict, once there is one: the listener's; l7_closed when the peer gave the stream up,
    /// l7_invalid when it does not speak HTTP/2, l7_too_large.
    [[nodiscard]] std::optional<Reason> receive(std::string_view bytes, std::string& out);

    /// 0 until the header section is there.
    [[nodiscard]] std::uint16_t status() const;

 private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace muster::checker
