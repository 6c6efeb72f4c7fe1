#pragma once

#include "ctl/api.hpp"
#include "ctl/exit_code.hpp"
#include "ctl/table.hpp"

#include <boost/json/value.hpp>

#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace muster::ctl {

enum class Format : std::uint8_t { table, wide, json, yaml, name };

/// What every command works with. Built in main.cpp, and by tests with streams of their own.
struct Context {
    Clock& clock;
    Api& api;
    std::ostream& out;  ///< results
    std::ostream& err;  ///< everything else
    Format format = Format::table;
    Colours colours = Colours::off;
    static constexpr int usual_width = 100;
    int width = usual_width;  ///< of the terminal, in columns
};

/// An answer that is well, as JSON; else an exit code, after a line (or more) to `err`.
struct Answer {
    Exit exit = Exit::ok;
    boost::json::value body;
    [[nodiscard]] bool ok() const { return exit == Exit::ok; }
};
[[nodiscard]] asio::awaitable<Answer> ask(Context& context, ApiCall call);
/// The same for a reply that is there already.
[[nodiscard]] Answer take(Context& context, const Result<http::Response>& reply);

/// For -o json and yaml: prints it and says that all is done.
[[nodiscard]] bool print_as_data(Context& context, const boost::json::value& body);

/// "GROUP/BACKEND", or what names one backend alone (its id or address).
struct BackendName {
    std::string group;
    std::string id;
    /// "/api/v1/.../", encoded.
    [[nodiscard]] std::string target() const;
    [[nodiscard]] std::string patch_target() const;
};
struct FoundBackend {
    Exit exit = Exit::ok;
    BackendName name;
};
[[nodiscard]] asio::awaitable<FoundBackend> find_backend(Context& context, std::string text);

/// An RFC 3339 time of the API, in UTC; nothing when it is none.
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);
/// "3.2 s", "14 min", "5 h", "12 d"; empty for nothing.
[[nodiscard]] std::string age_text(std::optional<double> seconds);
/// Since an RFC 3339 time of the API; empty when it is none.
[[nodiscard]] std::string since_text(Clock& clock, std::string_view time);

}  // namespace muster::ctl
