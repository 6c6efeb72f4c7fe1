#include "tests/stale/tally.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <variant>

namespace muster::stale {

namespace {

/// When each payload was last written. A payload is one of its kind: it carries its writer's stamp.
class Writings {
 public:
    explicit Writings(const std::vector<Transaction>& history) {
        for (const Transaction& transaction : history) {
            if (transaction.refused()) continue;
            for (const LoggedOp& op : transaction.ops) {
                if (op.kind == LoggedOp::Kind::create || op.kind == LoggedOp::Kind::set)
                    last_[key(op.path, op.data)] = transaction.zxid;
            }
        }
    }

    [[nodiscard]] bool applied(const ReleasedWrite& released) const {
        return std::ranges::any_of(released.write->ops, [&](const coordination::Op& op) {
            return std::visit(
                [&](const auto& write) {
                    if constexpr (requires { write.data; }) {
                        // A successor makes the same empty nodes.
                        if (write.data.empty()) return false;
                        const auto found = last_.find(key(write.path, write.data));
                        return found != last_.end() && found->second > released.after;
                    } else {
                        return false;
                    }
                },
                op);
        });
    }

 private:
    static std::string key(const std::string& path, const std::string& data) {
        return path + ";" + data;
    }
    std::unordered_map<std::string, std::int64_t> last_;
};

}  // namespace

std::size_t Tally::attempted() const {
    std::size_t sum = 0;
    for (const auto& [kind, count] : classes) sum += count.attempted;
    return sum;
}

std::size_t Tally::accepted() const {
    std::size_t sum = 0;
    for (const auto& [kind, count] : classes) sum += count.accepted;
    return sum;
}

std::string Tally::text() const {
    std::string text = fmt::format(
        "{} complete schedules, {} unfinished; {} held writes were not stale, {} answers were "
        "lost\n",
        complete,
        unfinished,
        fresh,
        unknown);
    for (const auto& [kind, count] : classes) {
        text += fmt::format("{:<10} {:>5} attempted ({:>4} of them the node's own), {} accepted\n",
                            to_string(kind),
                            count.attempted,
                            count.by_node,
                            count.accepted);
    }
    return text;
}

Tally tally(const std::vector<ScheduleReport>& reports, const std::vector<Transaction>& history) {
    const Writings writings(history);
    Tally tally;
    for (const ScheduleReport& report : reports) {
        if (report.complete()) ++tally.complete;
        if (!report.unfinished.empty()) ++tally.unfinished;
        for (const ReleasedWrite& released : report.writes) {
            const auto& outcome = released.write->outcome;
            if (!outcome || outcome->error == coordination::Errc::closed) continue;  // never sent
            if (!released.stale) {
                ++tally.fresh;
                continue;
            }
            const bool applied = writings.applied(released);
            Tally::Count& count = tally.classes[released.write->kind];
            ++count.attempted;
            if (released.write->origin == Origin::node) ++count.by_node;
            if (applied) ++count.accepted;
            if (outcome->unknown()) {
                ++tally.unknown;
            } else if (outcome->ok() != applied) {
                ++tally.contradictions;
            }
        }
    }
    return tally;
}

}  // namespace muster::stale
