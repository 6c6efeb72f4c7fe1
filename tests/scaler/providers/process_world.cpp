#include "tests/scaler/providers/process_world.hpp"

#include "scaler/machine_processes.hpp"
#include "scaler/machine_store.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/program.hpp"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <stdexcept>

namespace muster::test {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using scaler::MachineStore;

std::string machine_program() {
    return built_program("tests/scaler/providers/machine_program").string();
}

std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

class ProcessWorld final : public ProviderWorld {
 public:
    ProcessWorld() { restart(); }
    ~ProcessWorld() override {
        end_provider();
        end_machines_of(root());
    }

    std::size_t machines(const FleetName& fleet, const InstanceId& id) override {
        // Sessions, of which each supervisor leads one.
        std::set<pid_t> sessions;
        for (const pid_t pid :
             marked_processes((root() / "machines" / fleet.str() / id.str()).string() + ":"))
            sessions.insert(::getsid(pid));
        return sessions.size();
    }

    void lose_next_answer() override { lose_ = true; }
    bool unlabel() override {
        unlabel_machines_of(root());
        return true;
    }

 protected:
    std::unique_ptr<scaler::Provider> make() override {
        auto settings = process_settings(root());
        settings.machines.cluster = cluster();
        settings.on_step = [this](std::string_view step) {
            // As when musterd is killed before anybody hears of it.
            if (step == "launched" && std::exchange(lose_, false))
                throw std::runtime_error("the answer is lost");
        };
        return std::make_unique<scaler::ProcessProvider>(clock(), std::move(settings));
    }

 private:
    [[nodiscard]] fs::path root() const { return directory().path(); }
    bool lose_ = false;
};

}  // namespace

scaler::ProcessProviderSettings process_settings(const fs::path& root) {
    std::ofstream(root / "note.in") << "machine ${id} of ${fleet}\nat ${address}:${port:lb}\n";
    return {.machines = {.host = NodeId("n1"),
                         .directory = (root / "machines").string(),
                         .files = {{.from = (root / "note.in").string(), .to = "note"}},
                         .programs = {{.name = "agent", .argv = {"/bin/sleep", "1000000"}},
                                      {.name = "lb",
                                       .argv = {"/bin/sleep", "2000000"},
                                       .wait_for = "${dir}/note"}}},
            .supervisor = {machine_program(), "run-machine"}};
}

std::vector<pid_t> marked_processes(const std::string& mark_begins_with) {
    std::vector<pid_t> found;
    std::error_code error;
    for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename();
        pid_t pid = 0;
        const auto [last, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (bad != std::errc() || last != name.data() + name.size()) continue;
        if (!scaler::identify(pid)) continue;
        const std::string variables = '\0' + content(at->path() / "environ");
        if (variables.find('\0' + ("MUSTER_MACHINE=" + mark_begins_with)) != std::string::npos)
            found.push_back(pid);
    }
    return found;
}

void end_machines_of(const fs::path& root) {
    const MachineStore store((root / "machines").string());
    const auto records = store.all();
    if (!records) return;
    for (const scaler::MachineRecord& record : *records) {
        const auto run = store.read_run(record);
        (void)eventually(10s, [&] {
            if (run) scaler::send_signal(run->supervisor, SIGKILL);
            const auto left = scaler::processes_of(record, run);
            for (const scaler::ProcessId& process : left) scaler::send_signal(process, SIGKILL);
            return left.empty() && !(run && scaler::is_running(run->supervisor));
        });
    }
}

void unlabel_machines_of(const fs::path& root) {
    for (const auto& entry : fs::recursive_directory_iterator(root / "machines")) {
        if (entry.path().filename() != scaler::record_file) continue;
        const std::string record = content(entry.path());
        const std::string without =
            std::regex_replace(record, std::regex(R"(,"cluster":"[^"]*")"), "");
        if (without == record) throw std::runtime_error("there is no cluster in " + record);
        std::ofstream(entry.path()) << without;
    }
}

std::unique_ptr<ProviderWorld> make_process_world() {
    return std::make_unique<ProcessWorld>();
}

}  // namespace muster::test
