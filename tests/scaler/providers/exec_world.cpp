#include "tests/scaler/providers/exec_world.hpp"

#include "tests/support/program.hpp"

#include <utility>

namespace muster::test {

namespace {

class ExecWorld final : public ProviderWorld {
 public:
    ExecWorld() { restart(); }

    std::size_t machines(const FleetName& fleet, const InstanceId& id) override {
        const std::string name = "machine." + fleet.str() + "." + id.str();
        return std::filesystem::exists(directory() / name) ? 1 : 0;
    }
    void lose_next_answer() override { directory().write("lose", ""); }
    bool takes_answers() const override { return true; }
    void answer_next(const std::string& text) override { directory().write("answer", text); }

 protected:
    std::unique_ptr<scaler::Provider> make() override {
        auto settings = cloud_settings(directory().path());
        settings.cluster = cluster();
        return std::make_unique<scaler::ExecProvider>(clock(), std::move(settings));
    }
};

}  // namespace

scaler::ExecProviderSettings cloud_settings(const std::filesystem::path& directory) {
    return {.cluster = "prod",
            .program = built_program("tests/scaler/providers/cloud_program").string(),
            .arguments = {directory.string()},
            .fences = true};
}

std::unique_ptr<ProviderWorld> make_exec_world() {
    return std::make_unique<ExecWorld>();
}

}  // namespace muster::test
