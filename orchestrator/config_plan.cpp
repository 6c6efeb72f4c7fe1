#include "orchestrator/config_plan.hpp"

#include "common/config/decode.hpp"
#include "common/znodes/chunks.hpp"
#include "orchestrator/audit.hpp"

#include <boost/json/serialize.hpp>

#include <utility>

namespace muster::orchestrator {

using coordination::CheckOp;
using coordination::CreateOp;
using coordination::Op;
using coordination::SetOp;

namespace {

struct Content {
    std::string spec;
    std::vector<znodes::Chunk> chunks;
};

Content content_of(const config::GroupSpec& group) {
    return {.spec = boost::json::serialize(config::encode_spec_without_backends(group)),
            .chunks = znodes::split(group.backends)};
}

void commit_head(ConfigWrite& write,
                 const znodes::Paths& paths,
                 const GroupName& group,
                 const znodes::GroupHead& head,
                 const std::optional<KnownHead>& known,
                 const ConfigAuthor& author) {
    const std::string data = znodes::encode(head);
    write.generation = head.generation;
    if (known) {
        write.commit.emplace_back(
            SetOp{.path = paths.group_head(group), .data = data, .version = known->version});
    } else {
        write.commit.emplace_back(CreateOp{.path = paths.group_head(group), .data = data});
    }
    write.prepare.push_back({.path = paths.history(group)});
    write.commit.emplace_back(
        CreateOp{.path = paths.history(group, head.generation), .data = data});
    for (const std::string& hash : head.chunks)
        write.commit.emplace_back(CheckOp{.path = paths.chunk(hash)});
    write.commit.emplace_back(SetOp{.path = paths.chunks()});
    const bool lived = known && !known->head.deleted;
    write.commit.emplace_back(
        audit_op(paths,
                 {.stamp = head.stamp,
                  .time = head.time,
                  .author = author.name,
                  .origin = author.origin,
                  .action = head.deleted ? "removed" : (lived ? "changed" : "created"),
                  .object = group.str(),
                  .generation = head.generation,
                  .detail = author.detail}));
}

}  // namespace

ConfigWrite plan_apply(const znodes::Paths& paths,
                       const config::GroupSpec& group,
                       const std::optional<KnownHead>& known,
                       const ConfigAuthor& author) {
    Content content = content_of(group);
    const bool lives_on = known && !known->head.deleted;
    znodes::GroupHead head{.stamp = {.cluster = author.cluster, .writer = author.writer},
                           .uid = lives_on ? known->head.uid : author.new_uid,
                           .generation = known ? known->head.generation + 1 : 1,
                           .spec = std::move(content.spec),
                           .author = author.name,
                           .time = author.time};
    ConfigWrite write;
    for (znodes::Chunk& chunk : content.chunks) {
        head.chunks.push_back(chunk.hash);
        write.prepare.push_back({.path = paths.chunk(chunk.hash), .data = std::move(chunk.data)});
    }
    commit_head(write, paths, group.name, head, known, author);
    return write;
}

ConfigWrite plan_removal(const znodes::Paths& paths,
                         const GroupName& group,
                         const KnownHead& known,
                         const ConfigAuthor& author) {
    const znodes::GroupHead head{.stamp = {.cluster = author.cluster, .writer = author.writer},
                                 .uid = known.head.uid,
                                 .generation = known.head.generation + 1,
                                 .author = author.name,
                                 .time = author.time,
                                 .deleted = true};
    ConfigWrite write;
    commit_head(write, paths, group, head, known, author);
    return write;
}

bool is_unchanged(const config::GroupSpec& group, const KnownHead& known) {
    if (known.head.deleted) return false;
    const Content content = content_of(group);
    if (content.spec != known.head.spec || content.chunks.size() != known.head.chunks.size())
        return false;
    for (std::size_t i = 0; i < content.chunks.size(); ++i) {
        if (content.chunks[i].hash != known.head.chunks[i]) return false;
    }
    return true;
}

}  // namespace muster::orchestrator
