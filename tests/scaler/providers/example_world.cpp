#include "tests/scaler/providers/example_world.hpp"

#include "scaler/exec_provider.hpp"
#include "tests/support/program.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <filesystem>
#include <regex>
#include <string>
#include <utility>

namespace muster::test {

namespace {

class ExampleWorld final : public ProviderWorld {
 public:
    explicit ExampleWorld(std::string tool) : tool_(std::move(tool)) { restart(); }

    std::size_t machines(const FleetName& fleet, const InstanceId& id) override {
        const std::filesystem::path file = directory() / "things.json";
        if (!std::filesystem::exists(file)) return 0;
        std::size_t count = 0;
        const auto things = boost::json::parse(read_file(file)).as_object();
        for (const auto& [name, thing] : things) {
            const std::string text = boost::json::serialize(thing);
            const bool ended = text.find(R"("terminated")") != std::string::npos;
            const auto has = [&text](const std::string& word) {
                return text.find("\"" + word + "\"") != std::string::npos;
            };
            if (!ended && has(fleet.str()) && has(id.str())) ++count;
        }
        return count;
    }
    void lose_next_answer() override { directory().write("lose", ""); }
    bool unlabel() override {
        const std::string things = read_file(directory() / "things.json");
        directory().write("things.json",
                          std::regex_replace(things, std::regex("muster(.)cluster"), "team$1name"));
        return true;
    }

 protected:
    std::unique_ptr<scaler::Provider> make() override {
        const std::string state = directory().path().string();
        const std::string fakes = source_file("tests/scaler/providers/fakes").string();
        return std::make_unique<scaler::ExecProvider>(
            clock(),
            scaler::ExecProviderSettings{
                .cluster = cluster(),
                .program = source_file("deploy/providers/exec/" + tool_).string(),
                .environment = {"PATH=" + fakes + ":/usr/local/bin:/usr/bin:/bin",
                                "PYTHONDONTWRITEBYTECODE=1",
                                "MUSTER_STATE_DIR=" + state + "/fence",
                                "MUSTER_PARAMETER_IMAGE=lb:7",
                                "MUSTER_PARAMETER_TEMPLATE=lb",
                                "FAKE_STATE=" + state},
                .fences = true});
    }

 private:
    std::string tool_;
};

}  // namespace

std::unique_ptr<ProviderWorld> make_docker_world() {
    return std::make_unique<ExampleWorld>("docker");
}

std::unique_ptr<ProviderWorld> make_kubectl_world() {
    return std::make_unique<ExampleWorld>("kubectl");
}

std::unique_ptr<ProviderWorld> make_aws_world() {
    return std::make_unique<ExampleWorld>("aws");
}

}  // namespace muster::test
