#include "agent/certificates.hpp"

#include "agent/certificate_files.hpp"
#include "agent/lb_hash.hpp"
#include "common/observe/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

namespace muster::agent {
namespace {

/// Renewal is due long before; who hears of it now still has time.
constexpr auto warning_time = std::chrono::days(7);
/// Names come from outside, and gauges are for ever.
constexpr std::size_t most_labels = 1'000;

}  // namespace

Certificates::Certificates(CertificateSettings settings,
                           std::string own_directory,
                           metrics::Registry& registry)
    : settings_(std::move(settings)),
      own_directory_(std::move(own_directory)),
      registry_(registry),
      taken_(registry.counter("muster_agent_certificates_taken_total",
                              "Certificates that were new and good")) {}

bool Certificates::follow(std::vector<config::Listener>& listeners, WallTime now) {
    problems_.clear();
    bool changed = false;
    std::set<std::string> done;
    const auto copy_of = [&](const std::string& name, std::string source, std::string file) {
        Kept& own = kept(name, std::move(source), own_directory_ + "/" + file + ".pem");
        if (!done.insert(name).second) return own.copy;
        changed = look(name, own, now) || changed;
        tell(name, own, now);
        return own.copy;
    };
    for (config::Listener& listener : listeners) {
        std::vector<std::string> copies;
        for (const std::string& path : listener.tls.certificates) {
            const bool allowed = path.starts_with(settings_.directory + "/");
            copies.push_back(copy_of(
                path, allowed ? path : std::string(), fmt::format("file-{:016x}", hash_of(path))));
        }
        for (const std::string& secret : listener.tls.secrets) {
            const auto known = settings_.secrets.find(secret);
            copies.push_back(
                copy_of("secret " + secret,
                        known == settings_.secrets.end() ? std::string() : known->second,
                        "secret-" + secret));
        }
        listener.tls.certificates = std::move(copies);
        listener.tls.secrets.clear();
    }
    forget_all_but(done);
    return changed;
}

/// Not the copies: the LB may have been told to use them, and not yet that it need not.
void Certificates::forget_all_but(const std::set<std::string>& names) {
    std::erase_if(kept_, [&](const auto& item) {
        if (names.contains(item.first)) return false;
        if (item.second.not_after == nullptr) return true;
        item.second.not_after->Set(0);
        item.second.refused->Set(0);
        return true;
    });
}

Certificates::Kept& Certificates::kept(const std::string& name,
                                       std::string source,
                                       std::string copy) {
    Kept& own = kept_[name];
    if (!own.copy.empty()) return own;
    own.source = std::move(source);
    own.copy = std::move(copy);
    if (!labels_.contains(name) && labels_.size() >= most_labels) return own;
    labels_.insert(name);
    const metrics::Labels labels{{"certificate", name}};
    own.not_after = &registry_.gauge("muster_agent_certificate_not_after_seconds",
                                     "Unix time at which the certificate ends; 0: there is none",
                                     labels);
    own.refused = &registry_.gauge("muster_agent_certificate_refused",
                                   "1: what is there now is not used; an earlier one may be",
                                   labels);
    return own;
}

/// True: the copy is another one than before.
bool Certificates::look(const std::string& name, Kept& own, WallTime now) {
    bool changed = false;
    if (!std::exchange(own.looked, true)) {
        if (Result<Certificate> before = read_source(own.copy)) own.now = std::move(*before);
    }
    if (own.source.empty()) {
        own.problem =
            name.starts_with('/')
                ? fmt::format("is not below {}, the agent's tls.directory", settings_.directory)
                : "is not among the agent's tls.secrets";
        return changed;
    }
    if (own.now && stamp_of_file(own.copy).empty()) changed = take(name, own, *own.now);
    const std::string stamp = stamp_of_source(own.source);
    if (stamp == own.seen && !own.seen.empty()) return changed;
    return judge(name, own, stamp, now) || changed;
}

bool Certificates::judge(const std::string& name,
                         Kept& own,
                         const std::string& stamp,
                         WallTime now) {
    Result<Certificate> read = read_source(own.source);
    if (!read) {
        refuse(name, own, stamp, read.error().message());
        return false;
    }
    // Two files, of which one may have been replaced while the other was read.
    if (stamp_of_source(own.source) != stamp) return false;
    if (own.now && own.now->is_valid_at(now) && !read->is_valid_at(now)) {
        // Looked at again each time: what begins later will.
        refuse(name,
               own,
               stamp,
               fmt::format("{}: valid from {:%F %T} to {:%F %T} only",
                           own.source,
                           read->not_before,
                           read->not_after));
        own.seen.clear();
        return false;
    }
    own.doubted.clear();
    if (own.now && own.now->pem == read->pem) {
        own.seen = stamp;
        own.problem.clear();
        return false;
    }
    if (!take(name, own, std::move(*read))) return false;
    own.seen = stamp;
    log::info("certificate_taken",
              {{"certificate", name},
               {"subject", own.now->subject},
               {"not_after", fmt::format("{:%FT%TZ}", own.now->not_after)}});
    taken_.Increment();
    return true;
}

bool Certificates::take(const std::string& name, Kept& own, Certificate certificate) {
    std::error_code error;
    std::filesystem::create_directories(own_directory_, error);
    if (!error)
        std::filesystem::permissions(own_directory_, std::filesystem::perms::owner_all, error);
    const Result<void> written = error ? Result<void>(fail(error, own_directory_))
                                       : write_certificate(own.copy, certificate);
    if (!written) {
        if (std::exchange(own.problem, written.error().message()) != own.problem)
            log::error("certificate_not_kept", {{"certificate", name}, {"error", own.problem}});
        return false;
    }
    own.now = std::move(certificate);
    own.problem.clear();
    own.warned = false;
    return true;
}

/// Not at the first look: who writes two files is between them for a moment.
void Certificates::refuse(const std::string& name,
                          Kept& own,
                          const std::string& stamp,
                          std::string why) {
    const bool first = std::exchange(own.doubted, stamp) != stamp;
    if (first && own.now && !stamp.empty()) return;
    own.seen = stamp;
    if (std::exchange(own.problem, std::move(why)) == own.problem) return;
    log::warn("certificate_refused",
              {{"certificate", name},
               {"error", own.problem},
               {"advice", own.now ? "the earlier one stays in use" : "there is none to use"}});
}

void Certificates::tell(const std::string& name, Kept& own, WallTime now) {
    if (!own.problem.empty())
        problems_.push_back(fmt::format("certificate {}: {}", name, own.problem));
    if (own.not_after != nullptr) {
        using Seconds = std::chrono::duration<double>;
        own.refused->Set(own.problem.empty() ? 0 : 1);
        own.not_after->Set(own.now ? Seconds(own.now->not_after.time_since_epoch()).count() : 0);
    }
    if (!own.now || now + warning_time < own.now->not_after) return;
    const bool over = own.now->not_after <= now;
    problems_.push_back(fmt::format(
        "certificate {}: {} on {:%F %T}", name, over ? "expired" : "expires", own.now->not_after));
    if (!std::exchange(own.warned, true))
        log::warn(
            "certificate_expires",
            {{"certificate", name}, {"not_after", fmt::format("{:%FT%TZ}", own.now->not_after)}});
}

}  // namespace muster::agent
