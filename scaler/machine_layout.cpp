#include "scaler/machine_layout.hpp"

#include "common/base/files.hpp"
#include "common/config/text_rules.hpp"
#include "scaler/machine_template.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace muster::scaler {

namespace {

/// Ends the laying out.
struct Refused : std::runtime_error {
    Refused(Trouble the_trouble, const std::string& why)
        : std::runtime_error(why), trouble(the_trouble) {}
    Trouble trouble;
};

/// On no address of the host does anybody use it.
bool is_free(std::uint16_t port) {
    const auto can_bind = [](int family, const auto& address) {
        const FileDescriptor probe(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!probe.is_open()) return true;  // no such family here
        if (family == AF_INET6) {
            const int only = 1;
            ::setsockopt(probe.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
        }
        sockaddr_storage storage{};
        std::memcpy(&storage, &address, sizeof address);
        // bind() takes every family's address as this one.
        return ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&storage), sizeof address) ==
                   0 ||
               errno != EADDRINUSE;
    };
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    return can_bind(AF_INET, v4) && can_bind(AF_INET6, v6);
}

/// By any TCP socket of this host, on this very address, as the kernel tells it.
bool is_listened_on(const std::string& address) {
    std::array<std::uint32_t, 4> words{};
    const bool v6 = address.contains(':');
    if (::inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), words.data()) != 1) return false;
    std::string local;
    for (std::size_t i = 0; i < (v6 ? words.size() : 1); ++i)
        local += fmt::format("{:08X}", words.at(i));
    std::ifstream table(v6 ? "/proc/net/tcp6" : "/proc/net/tcp");
    std::string number;
    std::string at;
    std::string peer;
    std::string state;
    for (std::string line; std::getline(table, line);) {
        std::istringstream row(line);
        constexpr std::string_view listens = "0A";
        if (row >> number >> at >> peer >> state && state == listens && at.starts_with(local + ":"))
            return true;
    }
    return false;
}

class Layout {
 public:
    Layout(const MachineTemplates& templates,
           const MachineOrder& order,
           const std::vector<MachineRecord>& others,
           std::size_t damaged,
           const std::string& directory)
        : templates_(templates),
          order_(order),
          others_(others),
          damaged_(damaged),
          directory_(directory) {
        for (const MachineRecord& other : others)
            for (const auto& [name, port] : other.ports) taken_.insert(port);
    }

    MachineLayout make() {
        const std::size_t there = others_.size() + damaged_;
        if (there >= templates_.max_machines) {
            throw Refused(Trouble::quota,
                          fmt::format("there are {} machines on this host already", there));
        }
        MachineLayout layout;
        MachineRecord& record = layout.record;
        record.cluster = templates_.cluster;
        record.fleet = order_.fleet;
        record.id = order_.id;
        record.token = order_.token;
        record.directory = directory_;
        ip_ = free_address();
        for (const TemplateFile& file : templates_.files) {
            const auto text = read_file(file.from);
            if (!text) throw Refused(Trouble::invalid, text.error().message());
            layout.files.push_back({.name = file.to, .text = fill(*text, file.from)});
        }
        for (const ProgramTemplate& program : templates_.programs)
            record.programs.push_back(fill(program));
        record.address = fill(templates_.answers_at, "answers_at");
        record.ip = ip_;
        record.ports = ports_;
        return layout;
    }

 private:
    std::string free_address() const {
        if (templates_.addresses.empty()) return templates_.address;
        for (const std::string& address : templates_.addresses) {
            if (std::ranges::find(others_, address, &MachineRecord::ip) != others_.end()) continue;
            if (damaged_ == 0 || !is_listened_on(address)) return address;
        }
        throw Refused(Trouble::quota,
                      fmt::format("each of the {} addresses of this host has a machine",
                                  templates_.addresses.size()));
    }

    std::uint16_t port(const std::string& name) {
        if (const auto known = ports_.find(name); known != ports_.end()) return known->second;
        for (int number = templates_.first_port; number <= templates_.last_port; ++number) {
            const auto port = static_cast<std::uint16_t>(number);
            if (taken_.contains(port) || !is_free(port)) continue;
            taken_.insert(port);
            return ports_[name] = port;
        }
        throw Refused(
            Trouble::quota,
            fmt::format(
                "none of the ports {} to {} is free", templates_.first_port, templates_.last_port));
    }

    std::optional<std::string> value(std::string_view name) {
        if (name == "id") return order_.id.str();
        if (name == "cluster") return templates_.cluster;
        if (name == "fleet") return order_.fleet.str();
        if (name == "token") return order_.token;
        if (name == "dir") return directory_;
        if (name == "address") return ip_;
        constexpr std::string_view of_port = "port:";
        if (name.starts_with(of_port) && config::rules::name(name.substr(of_port.size())).empty())
            return std::to_string(port(std::string(name.substr(of_port.size()))));
        constexpr std::string_view of_fleet = "parameters.";
        if (!name.starts_with(of_fleet)) return std::nullopt;
        const auto found = order_.parameters.find(std::string(name.substr(of_fleet.size())));
        if (found == order_.parameters.end()) return std::nullopt;
        return found->second;
    }

    std::string fill(std::string_view text, std::string_view where) {
        auto filled = fill_template(text, [this](std::string_view name) { return value(name); });
        if (!filled) {
            throw Refused(
                Trouble::invalid,
                fmt::format(
                    "{}: {} (known are id, cluster, fleet, token, dir, address, port:NAME and "
                    "the fleet's parameters.NAME)",
                    where,
                    filled.error()));
        }
        return std::move(*filled);
    }

    MachineProgram fill(const ProgramTemplate& from) {
        const std::string where = "program " + from.name;
        MachineProgram program{.name = from.name,
                               .argv = {},
                               .stop_signal = from.stop_signal,
                               .wait_for = fill(from.wait_for, where)};
        for (const std::string& word : from.argv) program.argv.push_back(fill(word, where));
        if (program.argv.empty() || ::access(program.argv[0].c_str(), X_OK) != 0) {
            throw Refused(Trouble::invalid,
                          fmt::format("{}: {} can't be run: {}",
                                      where,
                                      program.argv.empty() ? "nothing" : program.argv[0],
                                      std::strerror(program.argv.empty() ? EINVAL : errno)));
        }
        return program;
    }

    const MachineTemplates& templates_;
    const MachineOrder& order_;
    const std::vector<MachineRecord>& others_;
    std::size_t damaged_;
    const std::string& directory_;
    std::string ip_;
    std::map<std::string, std::uint16_t> ports_;
    std::set<std::uint16_t> taken_;
};

}  // namespace

ProviderResult<MachineLayout> lay_out_machine(const MachineTemplates& templates,
                                              const MachineOrder& order,
                                              const std::vector<MachineRecord>& others,
                                              std::size_t damaged,
                                              const std::string& directory) {
    try {
        return Layout(templates, order, others, damaged, directory).make();
    } catch (const Refused& refused) {
        return tl::unexpected(ProviderError{.trouble = refused.trouble, .detail = refused.what()});
    }
}

}  // namespace muster::scaler
