#pragma once

#include "checker/custom_programs.hpp"
#include "checker/deadlines.hpp"
#include "checker/poll_set.hpp"
#include "checker/prober.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

namespace muster::checker {

struct CommandSettings {
    CustomPrograms programs;
    std::size_t max_processes = 32;  ///< at once; more wait, which shows as lateness
    std::chrono::nanoseconds tick = std::chrono::milliseconds(10);
};

/// Registered programs as probes, with the exit codes of Nagios (Monitoring Plugins Development
/// Guidelines, 2.3): 0 success, 1 degraded, 2 failure. All else is the program's own trouble and
/// inconclusive: another code or a signal (prober_custom), more output than 64 KiB (likewise), no
/// end in time (prober_custom_timeout; its whole process group is killed). Executor: the one given.
class CommandProber final : public Prober {
 public:
    static constexpr std::size_t output_limit = 64UZ * 1024UZ;

    CommandProber(asio::any_io_executor executor, Clock& clock, CommandSettings settings);
    ~CommandProber() override;

    void start(std::shared_ptr<const ProbeRequest> request, Done done) override;
    void stop() override;

 private:
    struct Run;
    struct Waiting {
        std::shared_ptr<const ProbeRequest> request;
        Done done;
    };

    void launch(std::shared_ptr<const ProbeRequest> request, Done done);
    void on_ready(Run& run, int descriptor);
    void on_deadlines();
    void end(Run& run, const ProbeOutcome& outcome);
    void forget(std::uint64_t serial);
    void later(Done done, ProbeOutcome outcome);

    asio::any_io_executor executor_;
    Clock& clock_;
    CommandSettings settings_;
    PollSet poll_set_;
    Deadlines deadlines_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Run>> runs_;
    std::deque<Waiting> waiting_;
    std::uint64_t last_serial_ = 0;
    bool stopped_ = false;
};

/// What a command's end means.
[[nodiscard]] ProbeOutcome outcome_of_exit(int code, std::string_view output);

}  // namespace muster::checker
