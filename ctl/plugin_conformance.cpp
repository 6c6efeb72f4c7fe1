#include "ctl/plugin_conformance.hpp"

#include "checker/custom_programs.hpp"
#include "checker/plugin_protocol.hpp"
#include "common/base/subprocess.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>

namespace muster::ctl {

namespace {

using namespace std::chrono_literals;
using checker::PluginAnswer;
using checker::PluginHello;

constexpr auto hello_limit = 5s;
constexpr auto end_limit = 5s;
constexpr auto grace = 1s;  ///< beyond a probe's own time
constexpr int many = 100;

/// What the plug-in has done wrong; ends the test that is under way.
struct Broken : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A running plug-in, and a line to it and from it.
class Peer {
 public:
    Peer(Clock& clock, const config::Program& program) : clock_(clock) {
        SpawnWish wish =
            checker::wish_for({.program = program, .identity = std::nullopt}, program.arguments);
        wish.keep_stdin = true;
        wish.keep_errors = true;  // not read: there is room for 64 KiB
        wish.cpu_seconds = 0;
        if (const int error = spawn(wish, child_); error != 0)
            throw Broken(fmt::format("can't be started: {}", strerror(error)));
    }
    ~Peer() { end_now(child_); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    void send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(child_.input.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EAGAIN) {
                if (!wait(child_.input.get(), POLLOUT, clock_.now() + hello_limit))
                    throw Broken("does not read its input");
                continue;
            }
            if (sent < 0) throw Broken("has ended, or closed its input");
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    /// The next line, without its line feed; nothing in time, or at the end of its output.
    std::optional<std::string> line(SteadyTime until) {
        for (;;) {
            const std::size_t end = heard_.find('\n');
            if (end != std::string::npos) {
                std::string line = heard_.substr(0, end);
                heard_.erase(0, end + 1);
                return line;
            }
            if (heard_.size() > checker::longest_plugin_line)
                throw Broken("wrote a line of more than 64 KiB");
            if (!wait(child_.output.get(), POLLIN, until)) return std::nullopt;
            std::array<char, 16UZ * 1024UZ> buffer;
            const ssize_t got = ::read(child_.output.get(), buffer.data(), buffer.size());
            if (got == 0) return std::nullopt;
            if (got > 0) heard_.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }

    PluginHello hello() {
        send(checker::write_hello());
        const auto text = line(clock_.now() + hello_limit);
        if (!text) throw Broken("did not say hello within 5 s, or has ended");
        const auto read = checker::read_plugin_line(*text);
        if (!read) throw Broken("wrote a line that " + read.error());
        const auto* const hello = std::get_if<PluginHello>(&*read);
        if (hello == nullptr) throw Broken("answered before it said hello");
        return *hello;
    }

    PluginAnswer answer(SteadyTime until) {
        const auto text = line(until);
        if (!text) throw Broken("did not answer in time");
        auto read = checker::read_plugin_line(*text);
        if (!read) throw Broken("wrote a line that " + read.error());
        auto* const found = std::get_if<PluginAnswer>(&*read);
        if (found == nullptr) throw Broken("said hello twice");
        return std::move(*found);
    }

    [[nodiscard]] bool ends(SteadyTime until) {
        child_.input.close();
        // What it still says is read, or it could not end.
        while (line(until)) {
        }
        if (!wait(child_.exit.get(), POLLIN, until)) return false;
        return true;
    }

    [[nodiscard]] SteadyTime in(std::chrono::nanoseconds span) const { return clock_.now() + span; }

 private:
    bool wait(int descriptor, short events, SteadyTime until) {
        for (;;) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(until - clock_.now()).count();
            pollfd one{.fd = descriptor, .events = events, .revents = 0};
            const int ready = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
            if (ready < 0 && errno == EINTR) continue;
            return ready > 0;
        }
    }

    Clock& clock_;
    Subprocess child_;
    std::string heard_;
};

class Kit {
 public:
    Kit(Clock& clock, const config::Program& program, const ConformanceTarget& target)
        : clock_(clock), program_(program), target_(target) {}

    void starts() { peer_ = std::make_unique<Peer>(clock_, program_); }
    void says_hello() { hello_ = peer().hello(); }
    void says_nothing_unasked() {
        if (const auto text = peer().line(peer().in(300ms)))
            throw Broken(
                fmt::format("wrote \"{}\" although nothing was asked", text->substr(0, 80)));
    }
    void answers() { expect_answer(ask(target_.settings)); }
    void answers_many() {
        const std::size_t window =
            std::min<std::size_t>(static_cast<std::size_t>(hello_.max_in_flight), many);
        std::set<std::uint64_t> open;
        int asked = 0;
        const SteadyTime until =
            peer().in((target_.timeout + 100ms) * (many / static_cast<int>(window) + 1) + grace);
        while (asked < many || !open.empty()) {
            while (asked < many && open.size() < window) {
                open.insert(ask(target_.settings));
                ++asked;
            }
            const PluginAnswer answer = peer().answer(until);
            if (open.erase(answer.id) == 0)
                throw Broken(fmt::format("answered {} twice, or unasked", answer.id));
        }
    }
    void passes_over_what_it_does_not_know() {
        peer().send("{\"a_message_of_later_versions\":{\"x\":1}}\n");
        expect_answer(ask(target_.settings, ",\"a_field_of_later_versions\":[1,null]"));
    }
    void takes_a_cancel() {
        peer().send(checker::write_cancel(last_id_ + 1'000'000));
        const std::uint64_t cancelled = ask(target_.settings);
        peer().send(checker::write_cancel(cancelled));
        // It may answer what is cancelled, at any time, or not.
        cancelled_.insert(cancelled);
        expect_answer(ask(target_.settings));
    }
    void survives_settings_of_others() {
        for (const std::string settings : {"{}", R"({"a":{"b":[1,"x",null]}})"})
            expect_answer(ask(settings));
    }
    void ends_with_its_input() {
        if (!peer().ends(peer().in(end_limit)))
            throw Broken("runs on 5 s after its input has ended");
        peer_.reset();
    }
    void runs_twice() {
        Peer first(clock_, program_);
        Peer second(clock_, program_);
        (void)first.hello();
        (void)second.hello();
    }

 private:
    Peer& peer() {
        if (!peer_) throw Broken("is not there any more");
        return *peer_;
    }
    std::uint64_t ask(const std::string& settings, const std::string& more = "") {
        const std::uint64_t id = ++last_id_;
        peer().send(
            fmt::format(R"({{"id":{},"host":"{}","port":{},"timeout_ms":{},"settings":{}{}}})"
                        "\n",
                        id,
                        target_.host,
                        target_.port,
                        target_.timeout.count(),
                        settings,
                        more));
        return id;
    }
    void expect_answer(std::uint64_t id) {
        const SteadyTime until = peer().in(target_.timeout + grace);
        PluginAnswer answer = peer().answer(until);
        while (cancelled_.erase(answer.id) > 0) answer = peer().answer(until);
        if (answer.id != id) throw Broken(fmt::format("answered {} instead of {}", answer.id, id));
    }

    Clock& clock_;
    const config::Program& program_;
    const ConformanceTarget& target_;
    std::unique_ptr<Peer> peer_;
    PluginHello hello_;
    std::set<std::uint64_t> cancelled_;
    std::uint64_t last_id_ = 0;
};

}  // namespace

std::vector<ConformanceResult> test_plugin(
    Clock& clock,
    const config::Program& program,
    const ConformanceTarget& target,
    const std::function<void(const ConformanceResult&)>& told) {
    struct Test {
        const char* name;
        void (Kit::*run)();
    };
    constexpr std::array<Test, 10> tests{{
        {"starts", &Kit::starts},
        {"says hello, and its version", &Kit::says_hello},
        {"says nothing that was not asked", &Kit::says_nothing_unasked},
        {"answers a probe in time, with its id and a result", &Kit::answers},
        {"answers 100 probes, each once, as many at a time as it takes", &Kit::answers_many},
        {"passes over messages and fields that it does not know",
         &Kit::passes_over_what_it_does_not_know},
        {"goes on after a cancelled probe", &Kit::takes_a_cancel},
        {"answers when settings are not what it needs", &Kit::survives_settings_of_others},
        {"ends when its input ends", &Kit::ends_with_its_input},
        {"runs twice at the same time", &Kit::runs_twice},
    }};
    Kit kit(clock, program, target);
    std::vector<ConformanceResult> results;
    for (const Test& test : tests) {
        ConformanceResult result{.name = test.name, .passed = true};
        try {
            (kit.*test.run)();
        } catch (const Broken& broken) {
            result.passed = false;
            result.problem = broken.what();
        }
        told(result);
        results.push_back(std::move(result));
    }
    return results;
}

}  // namespace muster::ctl
