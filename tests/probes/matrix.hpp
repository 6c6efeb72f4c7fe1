#pragma once

#include "checker/prober_set.hpp"
#include "tests/checker/support/real_time.hpp"
#include "tests/probes/servers.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace muster::checker {

/// What is asserted of an outcome, to the letter.
struct Verdict {
    Result result = Result::failure;
    Reason reason = Reason::unknown;
    int code = 0;
    bool operator==(const Verdict&) const = default;
};

inline std::ostream& operator<<(std::ostream& to, const Verdict& verdict) {
    return to << to_string(verdict.result) << " " << to_string(verdict.reason) << " "
              << verdict.code;
}

inline Verdict good(Reason reason, int code = 0) {
    return {Result::success, reason, code};
}
inline Verdict bad(Reason reason, int code = 0) {
    return {Result::failure, reason, code};
}

struct Cell {
    std::string name;
    config::ProbeSpec spec;
    Verdict expected;
};
using Cells = std::vector<Cell>;

/// Probes of this test's own context, one at a time, with the certificates of that directory.
class Probing {
 public:
    static constexpr std::chrono::seconds patience{5};

    explicit Probing(const std::filesystem::path& certificates,
                     CustomPrograms commands = {},
                     CustomPrograms plugins = {})
        : prober_(std::make_unique<ProberSet>(
              context_.get_executor(),
              clock_,
              ProberSetSettings{
                  .network = {.tls_dir = certificates, .secrets_dir = certificates},
                  .commands = {.programs = std::move(commands)},
                  .plugins = std::move(plugins),
              })) {}

    [[nodiscard]] asio::io_context& context() { return context_; }

    ProbeOutcome outcome(std::uint16_t port,
                         const config::ProbeSpec& spec,
                         std::chrono::nanoseconds timeout = patience,
                         const std::string& host = "127.0.0.1") {
        std::optional<ProbeOutcome> outcome;
        prober_->start(
            std::make_shared<const ProbeRequest>(ProbeRequest{
                .host = host, .port = port, .probe = spec, .timeout = timeout * test::slowdown()}),
            [&](ProbeOutcome result) { outcome = std::move(result); });
        EXPECT_TRUE(
            run_until(context_, [&] { return outcome.has_value(); }, std::chrono::seconds(30)));
        return outcome.value_or(ProbeOutcome{});
    }
    Verdict probe(std::uint16_t port,
                  const config::ProbeSpec& spec,
                  std::chrono::nanoseconds timeout = patience,
                  const std::string& host = "127.0.0.1") {
        const ProbeOutcome seen = outcome(port, spec, timeout, host);
        return {seen.result, seen.reason, seen.code};
    }

    /// `slow`: how long is waited for what is not to come.
    void expect(std::uint16_t port,
                const Cell& cell,
                std::chrono::nanoseconds slow = std::chrono::milliseconds(300),
                const std::string& host = "127.0.0.1") {
        const auto timeout = is_timeout(cell.expected.reason) ? slow : patience;
        EXPECT_EQ(probe(port, cell.spec, timeout, host), cell.expected) << cell.name;
    }
    /// The server may still be starting, or ending.
    void await(const test::Server& server, const Cell& cell) {
        Verdict seen;
        EXPECT_TRUE(test::eventually(std::chrono::seconds(60),
                                     [&] {
                                         seen = probe(server.port(), cell.spec);
                                         return seen == cell.expected;
                                     }))
            << cell.name << ": " << seen << ", not " << cell.expected << "\n"
            << server.output();
    }

 private:
    static bool is_timeout(Reason reason) {
        return reason == Reason::l4_timeout || reason == Reason::l6_timeout ||
               reason == Reason::l7_timeout;
    }

    asio::io_context context_;
    AsioClock clock_;
    std::unique_ptr<ProberSet> prober_;
};

inline config::ProbeSpec secure(config::ProbeSpec spec,
                                const config::TlsSettings& tls = {.ca = "ca"}) {
    spec.tls = tls;
    return spec;
}

}  // namespace muster::checker
