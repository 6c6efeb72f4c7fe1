#include "checker/prober_set.hpp"

#include "checker/compiled_probe.hpp"
#include "checker/lb_outcome.hpp"
#include "checker/phase_outcome.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace muster::checker {

namespace {

bool is_good(const ProbeOutcome& outcome) {
    return outcome.result == Result::success || outcome.result == Result::degraded;
}

}  // namespace

std::vector<std::string> announced_probes(const CustomPrograms& commands,
                                          const CustomPrograms& plugins) {
    std::vector<std::string> probes = probe_kinds();
    for (const auto& [name, program] : commands) probes.push_back("command/" + name);
    for (const auto& [name, program] : plugins) probes.push_back("plugin/" + name);
    for (const std::string& name : compiled_probes()) probes.push_back("plugin/" + name);
    return probes;
}

ProbeOutcome outcome_of_parts(const std::vector<ProbeOutcome>& parts,
                              const std::vector<std::string>& names,
                              int need) {
    const auto wanted = need == 0 ? std::ssize(parts) : std::ptrdiff_t{need};
    const auto good = std::ranges::count_if(parts, is_good);
    const auto failed = std::ranges::count(parts, Result::failure, &ProbeOutcome::result);
    // The one that decides: of the first kind that there is.
    std::vector<Result> order{Result::inconclusive};
    if (good >= wanted) {
        order = {Result::degraded, Result::success};
    } else if (std::ssize(parts) - failed < wanted) {
        order = {Result::failure};
    }
    for (const Result result : order) {
        const auto decides = std::ranges::find(parts, result, &ProbeOutcome::result);
        if (decides == parts.end()) continue;
        ProbeOutcome outcome = *decides;
        for (const ProbeOutcome& part : parts) outcome.total = std::max(outcome.total, part.total);
        if (result != Result::success) {
            std::string said = names[static_cast<std::size_t>(decides - parts.begin())];
            if (outcome.said) said += ": " + *outcome.said;
            outcome.said = std::move(said);
        }
        return outcome;
    }
    return inconclusive(Reason::unknown);
}

/// One under way.
struct ProberSet::Composite {
    std::shared_ptr<const ProbeRequest> request;
    std::vector<ProbeOutcome> outcomes;
    std::size_t awaited = 0;
    Done done;
    OnLb on_lb;

    [[nodiscard]] ProbeOutcome outcome() const {
        const auto& check = std::get<config::CompositeCheck>(request->probe->kind);
        if (!check.fleet.empty()) {
            if (on_lb) on_lb(*request, outcomes);
            return outcome_of_lb(check.parts, outcomes);
        }
        std::vector<std::string> names;
        for (const config::CompositePart& part : check.parts) names.push_back(part.name);
        return outcome_of_parts(outcomes, names, check.need);
    }
};

ProberSet::ProberSet(asio::any_io_executor executor, Clock& clock, ProberSetSettings settings)
    : executor_(std::move(executor)),
      clock_(clock),
      settings_(std::move(settings)),
      network_(executor_, clock, settings_.network),
      commands_(executor_, clock, settings_.commands) {}

ProberSet::~ProberSet() {
    stop();
}

void ProberSet::start(std::shared_ptr<const ProbeRequest> request, Done done) {
    const config::ProbeKind& kind = request->probe->kind;
    if (std::holds_alternative<config::CompositeCheck>(kind)) {
        start_composite(request, std::move(done));
    } else if (std::holds_alternative<config::CommandCheck>(kind)) {
        commands_.start(std::move(request), std::move(done));
    } else if (std::holds_alternative<config::PluginCheck>(kind)) {
        start_plugin(std::move(request), std::move(done));
    } else {
        network_.start(std::move(request), std::move(done));
    }
}

void ProberSet::start_composite(const std::shared_ptr<const ProbeRequest>& request, Done done) {
    const auto& check = std::get<config::CompositeCheck>(request->probe->kind);
    auto run = std::make_shared<Composite>();
    run->request = request;
    run->outcomes.resize(check.parts.size());
    run->awaited = check.parts.size();
    run->done = std::move(done);
    run->on_lb = settings_.on_lb;
    for (std::size_t i = 0; i < check.parts.size(); ++i) {
        ProbeRequest one{.host = request->host,
                         .port = check.parts[i].port.value_or(request->port),
                         .probe = check.parts[i].probe,
                         .timeout = request->timeout,
                         .timeouts = request->timeouts};
        start(std::make_shared<const ProbeRequest>(std::move(one)), [run, i](ProbeOutcome outcome) {
            run->outcomes[i] = std::move(outcome);
            if (--run->awaited > 0) return;
            run->done(run->outcome());
        });
    }
}

void ProberSet::start_plugin(std::shared_ptr<const ProbeRequest> request, Done done) {
    const std::string& name = std::get<config::PluginCheck>(request->probe->kind).name;
    if (find_compiled_probe(name) != nullptr) {
        network_.start(std::move(request), std::move(done));
        return;
    }
    const auto program = settings_.plugins.find(name);
    const config::ProbeSpec& probe = *request->probe;
    // A process makes its connections itself, and knows nothing of what is to go around them.
    const bool wrapped = probe.tls || probe.proxy != config::ProxyProtocol::none;
    if (program == settings_.plugins.end() || wrapped) {
        const Reason reason = wrapped ? Reason::prober_config : Reason::prober_no_kind;
        asio::post(executor_,
                   [reason, done = std::move(done)]() mutable { done(inconclusive(reason)); });
        return;
    }
    std::unique_ptr<PluginProcess>& process = plugins_[name];
    if (!process) {
        process = std::make_unique<PluginProcess>(
            executor_, clock_, name, program->second, settings_.plugin);
    }
    process->start(std::move(request), std::move(done));
}

void ProberSet::stop() {
    network_.stop();
    commands_.stop();
    for (const auto& [name, process] : plugins_) process->stop();
}

}  // namespace muster::checker
