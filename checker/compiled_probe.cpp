#include "checker/compiled_probe.hpp"

#include <map>
#include <utility>

namespace muster::checker {

namespace {

using Registry = std::map<std::string, CompiledProbe>;

/// Made by the first registration, whichever file it is in.
Registry& registry() {
    static Registry probes;
    return probes;
}

constexpr Finding broken{.result = Result::inconclusive, .reason = Reason::prober_custom};

class GuardedDialogue final : public Dialogue {
 public:
    GuardedDialogue(const CompiledProbe& probe, CompiledProbeInput input)
        : input_(std::move(input)), inner_(probe.make(input_)) {}

    [[nodiscard]] bool made() const { return inner_ != nullptr; }

    Turn begin(std::string& out) override {
        return turn(out, [&] { return inner_->begin(out); });
    }
    Turn receive(std::string_view bytes, std::string& out) override {
        return turn(out, [&] { return inner_->receive(bytes, out); });
    }
    Turn secured(std::string& out) override {
        return turn(out, [&] { return inner_->secured(out); });
    }
    Finding end_of_input() override {
        return guarded(broken, [&] { return inner_->end_of_input(); });
    }
    [[nodiscard]] std::optional<Finding> on_silence() const override {
        return guarded(std::optional(broken), [&] { return inner_->on_silence(); });
    }
    [[nodiscard]] bool leaves_in_order() const override {
        return guarded(false, [&] { return inner_->leaves_in_order(); });
    }
    [[nodiscard]] std::optional<IntentWords> intent() const override {
        return guarded(std::optional<IntentWords>(), [&] { return inner_->intent(); });
    }
    [[nodiscard]] std::uint16_t code() const override {
        return guarded(std::uint16_t{0}, [&] { return inner_->code(); });
    }

 private:
    template <class Answer, class Call>
    static Answer guarded(Answer otherwise, const Call& call) {
        try {
            return call();
        } catch (...) {
            return otherwise;
        }
    }
    template <class Call>
    static Turn turn(std::string& out, const Call& call) {
        const std::size_t before = out.size();
        Turn turn = guarded(Turn{.finding = broken}, call);
        if (turn.finding == broken || out.size() - before > longest_output) {
            out.resize(before);
            return {.finding = broken};
        }
        return turn;
    }

    CompiledProbeInput input_;
    std::unique_ptr<Dialogue> inner_;
};

}  // namespace

RegisterProbe::RegisterProbe(std::string name, CompiledProbe probe) {
    registry().insert_or_assign(std::move(name), std::move(probe));
}

const CompiledProbe* find_compiled_probe(const std::string& name) {
    const auto found = registry().find(name);
    return found == registry().end() ? nullptr : &found->second;
}

std::vector<std::string> compiled_probes() {
    std::vector<std::string> names;
    for (const auto& [name, probe] : registry()) names.push_back(name);
    return names;
}

std::unique_ptr<Dialogue> make_guarded(const CompiledProbe& probe, CompiledProbeInput input) {
    try {
        auto guarded = std::make_unique<GuardedDialogue>(probe, std::move(input));
        if (!guarded->made()) return nullptr;
        return guarded;
    } catch (...) {
        return nullptr;
    }
}

}  // namespace muster::checker
