#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// Whole processes that probe the same targets, and what each probe costs them: CPU time of the
// process, user and system, from the operating system; probes as the targets have seen them.
namespace muster::bench {

/// Every 127.x.y.z at one port, in a process of its own on the first core: answers each request
/// with 200 and closes when it is asked to. Ends with this object.
class Responder {
 public:
    Responder();
    ~Responder();
    Responder(const Responder&) = delete;
    Responder& operator=(const Responder&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::uint64_t requests() const;

 private:
    struct Shared;
    Shared* shared_ = nullptr;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

/// Where the check of this number goes: an address in 127/8.
[[nodiscard]] std::string target_address(int number);

/// Connections that anybody in this network has begun.
[[nodiscard]] std::uint64_t connections_begun();

enum class Kind { http_close, http_reuse, tcp };

struct Load {
    Kind kind = Kind::http_close;
    int checks = 1000;
    std::chrono::milliseconds interval{1000};
};

struct Cost {
    double cpu_us = 0;  ///< of one probe
    double per_second = 0;
};

/// A prober that is under way; ends with this object.
class Contestant {
 public:
    virtual ~Contestant() = default;
    /// Over `span`, after it has settled.
    [[nodiscard]] Cost measure(const Responder& responder, Kind kind, std::chrono::seconds span);
    [[nodiscard]] std::uint64_t resident_bytes() const;
    [[nodiscard]] virtual pid_t pid() const = 0;
};

/// One musterd, its store in memory, all of it counted. HAProxy with one thread.
[[nodiscard]] std::unique_ptr<Contestant> start_musterd(const Responder& responder,
                                                        const Load& load,
                                                        std::uint16_t api_port);
[[nodiscard]] std::unique_ptr<Contestant> start_haproxy(const Responder& responder,
                                                        const Load& load);

/// A musterd's own histogram of how late its probes began: upper bound in seconds, and how many.
using LateStarts = std::vector<std::pair<double, double>>;
[[nodiscard]] LateStarts late_starts(std::uint16_t api_port);
/// The bound, in milliseconds, up to which 99.9 % of the starts between the two were late.
[[nodiscard]] double late_start_p999_ms(const LateStarts& before, const LateStarts& after);

/// The same of a bare loop with a timer and nothing to do, `rate` times a second.
[[nodiscard]] double bare_timer_p999_ms(int rate, std::chrono::seconds span);

}  // namespace muster::bench
