#include "tests/cluster/machines.hpp"

#include "scaler/machine_processes.hpp"
#include "scaler/machine_store.hpp"
#include "tests/support/eventually.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>

namespace muster::test {

Machines::Machines()
    : agent_(templates_.write("agent.yaml.in", R"(cluster: "${parameters.cluster}"
zookeeper: [${parameters.zookeeper}]
zookeeper_auth_file: "${parameters.auth_file}"
fleet: "${fleet}"
instance: "${id}"
address: "${address}:${parameters.port}"
bind_address: "${address}"
listen: "${address}:${port:agent}"
state_dir: "${dir}"
haproxy:
  config_file: "${dir}/haproxy.cfg"
  stats_socket: "${dir}/admin.sock"
  master_socket: "${dir}/master.sock"
  state_file: "${dir}/haproxy.state"
  stats_address: "${address}"
  stats_port: ${port:stats}
)")) {}

Machines::~Machines() {
    for (const auto& node : std::filesystem::directory_iterator(directory_.path())) {
        const scaler::MachineStore store(node.path());
        const auto records = store.all();
        if (!records) continue;
        for (const scaler::MachineRecord& record : *records) {
            const auto run = store.read_run(record);
            (void)eventually(std::chrono::seconds(10), [&] {
                if (run) scaler::send_signal(run->supervisor, SIGKILL);
                const auto left = scaler::processes_of(record, run);
                for (const auto& process : left) scaler::send_signal(process, SIGKILL);
                return left.empty();
            });
        }
    }
}

std::string Machines::settings(const std::vector<std::string>& addresses,
                               std::uint16_t port) const {
    return fmt::format(R"(providers:
  local:
    process:
      directory: {}/NODE
      addresses: [{}]
      answers_at: "${{address}}:{}"
      files: [{{from: {}, to: agent.yaml}}]
      programs:
        - {{name: agent, command: [{}, --config, "${{dir}}/agent.yaml"]}}
        - name: lb
          command: [/usr/sbin/haproxy, -W, -S, "${{dir}}/master.sock", -f, "${{dir}}/haproxy.cfg"]
          stop_signal: USR1
          wait_for: haproxy.cfg
)",
                       directory_.path().string(),
                       fmt::join(addresses, ", "),
                       port,
                       agent_.string(),
                       MUSTER_AGENT);
}

std::vector<std::string> Machines::of(const std::string& node) const {
    std::vector<std::string> ids;
    const auto records = scaler::MachineStore(directory_.path() / node).all();
    if (!records) return ids;
    for (const scaler::MachineRecord& record : *records) ids.push_back(record.id.str());
    std::ranges::sort(ids);
    return ids;
}

std::size_t Machines::count() const {
    std::size_t all = 0;
    for (const auto& node : std::filesystem::directory_iterator(directory_.path()))
        all += of(node.path().filename()).size();
    return all;
}

bool Machines::kill(const std::string& node, const std::string& id) const {
    const scaler::MachineStore store(directory_.path() / node);
    const auto record = store.read(FleetName("edge"), InstanceId(id));
    if (!record || !*record) return false;
    const auto run = store.read_run(**record);
    if (!run) return false;
    scaler::send_signal(run->supervisor, SIGKILL);
    for (const auto& process : scaler::processes_of(**record, run))
        scaler::send_signal(process, SIGKILL);
    return true;
}

bool Machines::end_softly(const std::string& node, const std::string& id) const {
    const scaler::MachineStore store(directory_.path() / node);
    const auto record = store.read(FleetName("edge"), InstanceId(id));
    if (!record || !*record) return false;
    for (const auto& process : scaler::processes_of(**record, store.read_run(**record))) {
        std::ifstream name(fmt::format("/proc/{}/comm", process.pid));
        if (std::string(std::istreambuf_iterator<char>(name), {}).starts_with("haproxy"))
            scaler::send_signal(process, SIGUSR1);
    }
    return true;
}

std::vector<pid_t> Machines::programs(const std::string& node, const std::string& id) const {
    std::vector<pid_t> pids;
    const scaler::MachineStore store(directory_.path() / node);
    const auto record = store.read(FleetName("edge"), InstanceId(id));
    if (!record || !*record) return pids;
    if (const auto run = store.read_run(**record))
        for (const scaler::ProgramRun& program : run->programs) pids.push_back(program.process.pid);
    return pids;
}

std::string Machines::logs() const {
    std::string all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
        if (entry.path().extension() != ".log") continue;
        std::ifstream file(entry.path());
        all += fmt::format("--- {}\n{}\n",
                           entry.path().string(),
                           std::string(std::istreambuf_iterator<char>(file), {}));
    }
    return all;
}

}  // namespace muster::test
