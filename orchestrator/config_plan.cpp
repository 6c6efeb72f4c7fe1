#include "orchestrator/config_plan.hpp"

#include "common/config/decode.hpp"
#include "orchestrator/audit.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace muster::orchestrator {

using coordination::CheckOp;
using coordination::CreateOp;
using coordination::Op;
using coordination::SetOp;

namespace {

void commit_head(ConfigWrite& write,
                 const znodes::Paths& paths,
                 const znodes::ConfigName& name,
                 const znodes::GroupHead& head,
                 const std::optional<KnownHead>& known,
                 const ConfigAuthor& author) {
    const std::string data = znodes::encode(head);
    write.generation = head.generation;
    if (known) {
        write.commit.emplace_back(
            SetOp{.path = paths.head(name), .data = data, .version = known->version});
    } else {
        write.commit.emplace_back(CreateOp{.path = paths.head(name), .data = data});
    }
    write.prepare.push_back({.path = paths.history(name)});
    write.commit.emplace_back(CreateOp{.path = paths.history(name, head.generation), .data = data});
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
                  .object = name.word(),
                  .generation = head.generation,
                  .detail = author.detail}));
}

}  // namespace

ConfigObject::ConfigObject(const config::GroupSpec& group)
    : name(group.name),
      spec(boost::json::serialize(config::encode_spec_without_backends(group))),
      chunks(znodes::split(group.backends)) {}

ConfigObject::ConfigObject(const config::FleetSpec& fleet)
    : name(fleet.name), spec(boost::json::serialize(config::encode_spec(fleet))) {}

ConfigWrite plan_apply(const znodes::Paths& paths,
                       ConfigObject object,
                       const std::optional<KnownHead>& known,
                       const ConfigAuthor& author) {
    const bool lives_on = known && !known->head.deleted;
    znodes::GroupHead head{.stamp = {.cluster = author.cluster, .writer = author.writer},
                           .uid = lives_on ? known->head.uid : author.new_uid,
                           .generation = known ? known->head.generation + 1 : 1,
                           .spec = std::move(object.spec),
                           .author = author.name,
                           .time = author.time};
    ConfigWrite write;
    for (znodes::Chunk& chunk : object.chunks) {
        head.chunks.push_back(chunk.hash);
        write.prepare.push_back({.path = paths.chunk(chunk.hash), .data = std::move(chunk.data)});
    }
    commit_head(write, paths, object.name, head, known, author);
    return write;
}

ConfigWrite plan_removal(const znodes::Paths& paths,
                         const znodes::ConfigName& name,
                         const KnownHead& known,
                         const ConfigAuthor& author) {
    const znodes::GroupHead head{.stamp = {.cluster = author.cluster, .writer = author.writer},
                                 .uid = known.head.uid,
                                 .generation = known.head.generation + 1,
                                 .author = author.name,
                                 .time = author.time,
                                 .deleted = true};
    ConfigWrite write;
    commit_head(write, paths, name, head, known, author);
    return write;
}

bool is_unchanged(const ConfigObject& object, const KnownHead& known) {
    if (known.head.deleted) return false;
    return object.spec == known.head.spec &&
           std::ranges::equal(object.chunks, known.head.chunks, {}, &znodes::Chunk::hash);
}

}  // namespace muster::orchestrator
