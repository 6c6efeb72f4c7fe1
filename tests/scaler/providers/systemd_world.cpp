#include "tests/scaler/providers/systemd_world.hpp"

#include "tests/scaler/providers/process_world.hpp"
#include "tests/support/program.hpp"

#include <utility>

namespace muster::test {

namespace {

class SystemdWorld final : public ProviderWorld {
 public:
    SystemdWorld() { restart(); }

    std::size_t machines(const FleetName& /*fleet*/, const InstanceId& id) override {
        const std::string unit = "muster-lb@" + id.str() + ".service";
        return std::filesystem::exists(directory() / "units" / unit) ? 1 : 0;
    }
    void lose_next_answer() override { directory().write("units/lose", ""); }
    bool unlabel() override {
        unlabel_machines_of(directory().path());
        return true;
    }

 protected:
    std::unique_ptr<scaler::Provider> make() override {
        auto settings = systemd_settings(directory().path());
        settings.machines.cluster = cluster();
        return std::make_unique<scaler::SystemdProvider>(clock(), std::move(settings));
    }
};

}  // namespace

scaler::SystemdProviderSettings systemd_settings(const std::filesystem::path& root) {
    std::filesystem::create_directory(root / "units");
    return {.machines = {.cluster = "prod",
                         .host = NodeId("n1"),
                         .directory = (root / "machines").string()},
            .systemctl = {built_program("tests/scaler/providers/fake_systemctl").string(),
                          (root / "units").string()},
            .timeout = std::chrono::seconds(5)};
}

std::unique_ptr<ProviderWorld> make_systemd_world() {
    return std::make_unique<SystemdWorld>();
}

}  // namespace muster::test
