// Payloads that say who is there and who leads: epoch, control, election, members.
#include "common/znodes/payload_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace muster::znodes {

namespace json = boost::json;

std::string encode(const Epoch& epoch) {
    json::object out = stamped(epoch.stamp);
    out.emplace("node", epoch.node.str());
    out.emplace("nonce", epoch.nonce);
    return json::serialize(out);
}

static void read(Reader& in, Epoch& epoch) {
    epoch.node = NodeId(in.name("node"));
    epoch.nonce = in.text("nonce");
}

std::string encode(const Control& control) {
    json::object out = stamped(control.stamp);
    out.emplace("era", control.era);
    out.emplace("pause",
                json::object{{"all", control.pause.all},
                             {"scaling", control.pause.scaling},
                             {"dns", control.pause.dns},
                             {"status", control.pause.status}});
    return json::serialize(out);
}

static void read(Reader& in, Control& control) {
    control.era = in.integer("era", 0, Reader::no_limit);
    Reader pause(in.object("pause", 64));
    control.pause = {.all = pause.flag("all"),
                     .scaling = pause.flag("scaling"),
                     .dns = pause.flag("dns"),
                     .status = pause.flag("status")};
    if (pause.refused()) in.refuse(Errc::malformed, "pause");
}

std::string encode(const Candidate& candidate) {
    json::object out = stamped(candidate.stamp);
    out.emplace("node", candidate.node.str());
    out.emplace("incarnation", candidate.incarnation);
    out.emplace("address", candidate.address);
    return json::serialize(out);
}

static void read(Reader& in, Candidate& candidate) {
    candidate.node = NodeId(in.name("node"));
    candidate.incarnation = in.text("incarnation");
    candidate.address = in.text("address");
}

std::string encode(const Member& member) {
    json::object out = stamped(member.stamp);
    out.emplace("node", member.node.str());
    out.emplace("incarnation", member.incarnation);
    out.emplace("api", member.api_address);
    out.emplace("peer", member.peer_address);
    out.emplace("zone", member.zone);
    out.emplace("capacity", member.capacity);
    out.emplace("probes", json::array(member.probes.begin(), member.probes.end()));
    out.emplace("build", member.build);
    out.emplace("protocol", member.protocol);
    out.emplace("doubt", member.doubt);
    out.emplace("drain", member.drain);
    if (!member.providers.empty())
        out.emplace("providers", json::array(member.providers.begin(), member.providers.end()));
    return json::serialize(out);
}

static void read(Reader& in, Member& member) {
    member.node = NodeId(in.name("node"));
    member.incarnation = in.text("incarnation");
    member.api_address = in.text("api");
    member.peer_address = in.text("peer");
    member.zone = in.text("zone");
    member.capacity = in.small("capacity", 0, 1'000'000);
    member.probes = in.texts("probes", 1'000, 255);
    member.build = in.text("build");
    member.protocol = in.small("protocol", 0, 1'000'000);
    member.doubt = in.flag("doubt");
    member.drain = in.flag("drain");
    if (in.has("providers")) member.providers = in.texts("providers", 100, 255);
}

std::string encode(const AuditEntry& entry) {
    json::object out = stamped(entry.stamp);
    out.emplace("time", milliseconds(entry.time));
    out.emplace("author", entry.author);
    out.emplace("origin", entry.origin);
    out.emplace("action", entry.action);
    out.emplace("object", entry.object);
    out.emplace("generation", entry.generation);
    out.emplace("detail", entry.detail);
    return json::serialize(out);
}

static void read(Reader& in, AuditEntry& entry) {
    entry.time = in.time("time");
    entry.author = in.text("author", max_audit_text);
    entry.origin = in.text("origin", max_audit_text);
    entry.action = in.text("action", max_audit_text);
    entry.object = in.text("object", max_audit_text);
    entry.generation = in.integer("generation", 0, Reader::no_limit);
    entry.detail = in.text("detail", max_audit_text);
}

template Result<AuditEntry> decode<AuditEntry>(std::string_view, std::string_view);
template Result<Epoch> decode<Epoch>(std::string_view, std::string_view);
template Result<Control> decode<Control>(std::string_view, std::string_view);
template Result<Candidate> decode<Candidate>(std::string_view, std::string_view);
template Result<Member> decode<Member>(std::string_view, std::string_view);

}  // namespace muster::znodes
