#pragma once

#include <boost/beast/core/string_type.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace muster::http {

/// What we ask of a chunked body beyond Beast. Included by the two readers only.
class ChunkRules {
 public:
    using Callback =
        std::function<void(std::uint64_t, boost::beast::string_view, boost::system::error_code&)>;

    /// For Beast's on_chunk_header, which keeps a reference: refuses extensions, which no one sends
    /// and which have hidden requests.
    [[nodiscard]] Callback& callback() { return refuse_extensions_; }

    /// False when chunk headers cost far more than the data they bring, or one does not end.
    /// `pending`: bytes that the parser can't use yet.
    [[nodiscard]] static bool plausible(std::size_t data, std::size_t raw, std::size_t pending) {
        constexpr std::size_t slack = 64UZ << 10U;
        constexpr std::size_t max_pending = 4UZ << 10U;
        return pending <= max_pending && raw <= slack + 8 * data;
    }

 private:
    Callback refuse_extensions_ =
        [](std::uint64_t, boost::beast::string_view extensions, boost::system::error_code& error) {
            if (!extensions.empty()) error = boost::beast::http::error::bad_chunk_extension;
        };
};

}  // namespace muster::http
