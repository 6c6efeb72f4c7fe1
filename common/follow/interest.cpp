// What of the tree is read and watched.
#include "common/follow/cluster_view.hpp"

#include <string>
#include <vector>

namespace muster::follow {

Interest interest_in(const znodes::Paths& paths, const ClusterView& view, const std::string& path) {
    const std::string chunks = paths.chunks() + "/";
    if (path.starts_with(chunks) && !view.named_chunks.contains(path.substr(chunks.size())))
        return Interest::none;
    return interest_in(paths, path);
}

Interest interest_in(const znodes::Paths& paths, const std::string& path) {
    if (path == paths.root()) return Interest::children;
    const std::vector<std::string> parts = paths.parts_below(path);
    if (parts.empty()) return Interest::none;
    const std::string& first = parts[0];
    if (first == "epoch" || first == "control" || first == "map") {
        return parts.size() == 1 ? Interest::data : Interest::none;
    }
    if (first == "dns") {
        if (parts.size() == 1) return Interest::children;
        return path == paths.dns_shifts() ? Interest::data : Interest::none;
    }
    if (first == "fleets") {
        if (parts.size() <= 2) return Interest::children;
        if (parts.size() == 3) {
            if (parts[2] == "state" || parts[2] == "pause") return Interest::data;
            return parts[2] == "instances" || parts[2] == "hosts" ? Interest::children
                                                                  : Interest::none;
        }
        return parts.size() == 4 ? Interest::data : Interest::none;
    }
    if (first == "agents" || first == "evidence") {
        if (parts.size() <= 2) return Interest::children;
        return parts.size() == 3 ? Interest::data : Interest::none;
    }
    if (first == "rollouts" || first == "members" || first == "assignment" || first == "ack" ||
        first == "progress") {
        if (parts.size() == 1) return Interest::children;
        return parts.size() == 2 ? Interest::data : Interest::none;
    }
    if (first == "config") {
        if (parts.size() == 1) return Interest::children;
        if (parts[1] != "group" && parts[1] != "fleet" && parts[1] != "chunks")
            return Interest::none;
        if (parts.size() == 2) return Interest::children;
        return parts.size() == 3 ? Interest::data : Interest::none;
    }
    if (first == "groups") {
        switch (parts.size()) {
            case 1:
            case 2:
                return Interest::children;
            case 3:
                return parts[2] == "index"    ? Interest::data
                       : parts[2] == "shards" ? Interest::children
                                              : Interest::none;
            case 4:
                return Interest::children;
            case 5:
                return parts[4] == "members" || parts[4] == "status" || parts[4] == "handoff"
                           ? Interest::data
                           : Interest::none;
            default:
                return Interest::none;
        }
    }
    return Interest::none;
}

}  // namespace muster::follow
