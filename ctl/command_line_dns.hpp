#pragma once

#include "ctl/commands.hpp"
#include "ctl/dns.hpp"

#include <iosfwd>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace muster::ctl {

/// The values of `musterctl dns ...` that CLI11 writes into, alive until parsing is over.
struct ParsedDns {
    DnsPlanOptions plan;
    DnsApplyOptions apply;
    DnsAdoptOptions adopt;
    BumpEraOptions bump;
    FenceOptions fence;
    std::vector<std::string> names;
    std::string name;
    std::string file;
};

/// Declares the command; what is asked for comes into `command`.
void add_dns(CLI::App& app, ParsedDns& parsed, Command& command, std::istream& in);

}  // namespace muster::ctl
