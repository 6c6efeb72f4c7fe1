#include "ctl/commands.hpp"
#include "ctl/plugin_conformance.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

namespace muster::ctl {

asio::awaitable<Exit> probe_test(Context& context, ProbeTestOptions options) {
    boost::system::error_code not_json;
    const boost::json::value settings = boost::json::parse(options.settings, not_json);
    if (not_json || !settings.is_object()) {
        context.err << "error: --settings is not a JSON object\n";
        co_return Exit::usage;
    }
    config::Program program{.program = std::filesystem::absolute(options.program).string(),
                            .arguments = options.arguments};
    const ConformanceTarget target{.host = options.host,
                                   .port = options.port,
                                   .settings = options.settings,
                                   .timeout = std::chrono::milliseconds(options.timeout_ms)};
    boost::json::array tests;
    const bool as_data = context.format == Format::json || context.format == Format::yaml;
    const auto tell = [&](const ConformanceResult& result) {
        if (as_data) {
            tests.push_back(boost::json::object{{"name", result.name},
                                                {"passed", result.passed},
                                                {"problem", printable(result.problem)}});
            return;
        }
        context.out << toned(result.passed ? "ok    " : "FAILED",
                             result.passed ? Tone::good : Tone::bad,
                             context.colours)
                    << ' ' << result.name;
        if (!result.passed) context.out << ": it " << printable(result.problem);
        context.out << std::endl;
    };
    const auto results = test_plugin(context.clock, program, target, tell);
    const auto failed = std::ranges::count(results, false, &ConformanceResult::passed);
    if (!print_as_data(context, boost::json::object{{"tests", std::move(tests)}}))
        context.out << fmt::format(
            "{} of {} passed\n", std::ssize(results) - failed, results.size());
    co_return failed == 0 ? Exit::ok : Exit::failed;
}

}  // namespace muster::ctl
