#pragma once

#include "checker/custom_programs.hpp"
#include "checker/deadlines.hpp"
#include "checker/plugin_protocol.hpp"
#include "checker/poll_set.hpp"
#include "checker/prober.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace muster::checker {

struct PluginSettings {
    std::chrono::nanoseconds hello_timeout = std::chrono::seconds(5);
    std::chrono::nanoseconds first_pause = std::chrono::seconds(1);  ///< before a restart
    std::chrono::nanoseconds longest_pause = std::chrono::minutes(1);
    std::chrono::nanoseconds healthy_after = std::chrono::minutes(1);  ///< the pause is short again
    int most_wrong_lines = 10;  ///< of one process; more, and it is killed
    int most_timeouts = 20;     ///< in a row; more, and it hangs: it is killed
    std::size_t most_waiting = 10'000;
    std::chrono::nanoseconds tick = std::chrono::milliseconds(10);
};

/// One registered plug-in of one prober: its process, which is started with the first probe and
/// again when it has ended (with growing pauses), and the probes that it is to answer. While it is
/// not there, breaks the protocol or does not answer, its probes are inconclusive. Executor: the
/// one given.
class PluginProcess {
 public:
    PluginProcess(asio::any_io_executor executor,
                  Clock& clock,
                  std::string name,
                  CustomProgram program,
                  PluginSettings settings);
    ~PluginProcess();
    PluginProcess(const PluginProcess&) = delete;
    PluginProcess& operator=(const PluginProcess&) = delete;

    /// `done` is never called from inside.
    void start(std::shared_ptr<const ProbeRequest> request, Prober::Done done);
    void stop();

    /// What was wrong last, in words; empty = nothing.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    [[nodiscard]] int starts() const { return starts_; }

 private:
    struct Pending {
        std::shared_ptr<const ProbeRequest> request;
        Prober::Done done;
        SteadyTime started{};
        Deadlines::Entry deadline;
        bool sent = false;
    };
    struct Watch final : PollSet::Waiter {
        explicit Watch(PluginProcess& the_owner) : owner(the_owner) {}
        void on_ready(int descriptor, std::uint32_t epoll_events) override {
            owner.on_ready(descriptor, epoll_events);
        }
        PluginProcess& owner;
    };

    void launch();
    void unwatch();
    void on_ready(int descriptor, std::uint32_t epoll_events);
    void read_output();
    void read_errors();
    void on_line(std::string_view line);
    void on_answer(PluginAnswer answer);
    void on_wrong_line(const std::string& what);
    void send_waiting();
    void write_out();
    void on_deadlines();
    void kill(std::string why);
    void on_exit(int code);
    void finish(std::uint64_t id, ProbeOutcome outcome);
    void fail_all(Reason reason);
    [[nodiscard]] ProbeOutcome in_trouble(Reason reason) const;
    void later(Prober::Done done, ProbeOutcome outcome);

    asio::any_io_executor executor_;
    Clock& clock_;
    std::string name_;
    CustomProgram program_;
    PluginSettings settings_;
    PollSet poll_set_;
    Deadlines deadlines_;
    Watch watch_{*this};

    Subprocess child_;
    PollSet::Ticket exit_ready_;
    PollSet::Ticket output_ready_;
    PollSet::Ticket errors_ready_;
    PollSet::Ticket input_ready_;
    bool killed_ = false;
    std::optional<Deadlines::Entry> hello_deadline_;
    std::optional<PluginHello> hello_;
    std::string input_;   ///< to be written
    std::string output_;  ///< a line that is not complete
    std::string errors_;  ///< the end of what it wrote to its standard error
    int wrong_lines_ = 0;
    int timeouts_ = 0;
    int unanswered_ = 0;  ///< that timed out: may still be answered, once
    SteadyTime launched_{};
    SteadyTime not_before_{};
    std::chrono::nanoseconds pause_{0};

    std::map<std::uint64_t, Pending> pending_;
    std::deque<std::uint64_t> waiting_;  ///< of these, not sent yet
    int in_flight_ = 0;
    std::uint64_t last_id_ = 0;
    std::string trouble_;
    int starts_ = 0;
    bool stopped_ = false;
};

}  // namespace muster::checker
