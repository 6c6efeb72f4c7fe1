// The file form of a plan.
#include "dnsupdate/operator_plan.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <limits>
#include <optional>
#include <system_error>
#include <utility>

namespace muster::dnsupdate {

namespace json = boost::json;

namespace {

constexpr std::string_view format_name = "muster-dns-plan";
constexpr std::int64_t format_version = 1;
constexpr std::size_t most_plans = 64;
constexpr std::size_t most_items = 200'000;
constexpr std::size_t longest_text = 1'024;

template <class Names>
json::array texts_of(const Names& names) {
    json::array all;
    for (const auto& name : names) all.emplace_back(name.str());
    return all;
}

json::object json_of(const PlannedWrite& write) {
    json::object puts;
    for (const auto& [id, member] : write.puts)
        puts.emplace(id.str(),
                     json::object{{"address", member.address},
                                  {"port", member.port},
                                  {"priority", member.priority},
                                  {"weight", member.weight},
                                  {"text", member.text}});
    json::array moved;
    for (const auto& [key, version] : write.moved_aside)
        moved.push_back(json::object{{"key", key}, {"version", version}});
    return {{"name", write.name.str()},
            {"version", write.version},
            {"generation", write.generation},
            {"ttl", write.ttl.count()},
            {"empties", write.empties},
            {"puts", std::move(puts)},
            {"removals", texts_of(write.removals)},
            {"moved_aside", std::move(moved)}};
}

/// One object of the file: every member is asked for by name; what nobody asked for is an error.
class Fields {
 public:
    Fields(const json::value& value, std::string path, std::string& wrong)
        : object_(value.if_object()), path_(std::move(path)), wrong_(wrong) {
        if (object_ == nullptr) refuse("", "must be an object");
    }

    [[nodiscard]] std::string text(std::string_view name) {
        const json::value* const value = find(name);
        if (value == nullptr) return {};
        const json::string* const text = value->if_string();
        if (text == nullptr || text->size() > longest_text) {
            refuse(name, fmt::format("must be a text of at most {} bytes", longest_text));
            return {};
        }
        return std::string(*text);
    }
    [[nodiscard]] std::int64_t whole(std::string_view name, std::int64_t least, std::int64_t most) {
        const json::value* const value = find(name);
        if (value == nullptr) return least;
        if (!value->is_int64() || value->get_int64() < least || value->get_int64() > most) {
            refuse(name, fmt::format("must be a whole number from {} to {}", least, most));
            return least;
        }
        return value->get_int64();
    }
    [[nodiscard]] bool flag(std::string_view name) {
        const json::value* const value = find(name);
        if (value == nullptr) return false;
        if (!value->is_bool()) refuse(name, "must be true or false");
        return value->is_bool() && value->get_bool();
    }
    [[nodiscard]] const json::array& list(std::string_view name) {
        static const json::array nothing;
        const json::value* const value = find(name);
        if (value == nullptr) return nothing;
        if (!value->is_array() || value->get_array().size() > most_items) {
            refuse(name, "must be a list, and not that long");
            return nothing;
        }
        return value->get_array();
    }
    [[nodiscard]] const json::object& object(std::string_view name) {
        static const json::object nothing;
        const json::value* const value = find(name);
        if (value == nullptr) return nothing;
        if (!value->is_object() || value->get_object().size() > most_items) {
            refuse(name, "must be an object, and not that large");
            return nothing;
        }
        return value->get_object();
    }
    template <class Name>
    [[nodiscard]] std::set<Name> names(std::string_view name) {
        std::set<Name> all;
        for (const json::value& one : list(name)) {
            if (!one.is_string() || one.get_string().size() > longest_text) {
                refuse(name, "must be a list of names");
                return {};
            }
            all.emplace(std::string_view(one.get_string()));
        }
        return all;
    }
    /// Call last.
    void done() {
        if (object_ != nullptr && wrong_.empty() && object_->size() != asked_)
            refuse("", "has members that a plan does not have");
    }
    [[nodiscard]] std::string place(std::string_view name) const {
        if (name.empty()) return path_.empty() ? "the plan" : path_;
        return path_.empty() ? std::string(name) : fmt::format("{}/{}", path_, name);
    }
    void refuse(std::string_view name, std::string_view what) {
        if (wrong_.empty()) wrong_ = fmt::format("{}: {}", place(name), what);
    }

 private:
    const json::value* find(std::string_view name) {
        if (object_ == nullptr) return nullptr;
        const json::value* const value = object_->if_contains(name);
        if (value == nullptr) {
            refuse(name, "is missing");
        } else {
            ++asked_;
        }
        return value;
    }

    const json::object* object_;
    std::string path_;
    std::string& wrong_;
    std::size_t asked_ = 0;
};

constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t highest_port = 65'535;
constexpr std::int64_t highest_number = std::numeric_limits<int>::max();

PlannedWrite read_write(const json::value& value, const std::string& path, std::string& wrong) {
    Fields in(value, path, wrong);
    PlannedWrite write{.name = DnsName(in.text("name")),
                       .version = in.text("version"),
                       .generation = in.whole("generation", 1, no_limit),
                       .ttl = Ttl(in.whole("ttl", 0, highest_number)),
                       .empties = in.flag("empties"),
                       .removals = in.names<MemberId>("removals")};
    for (const auto& [id, value_of] : in.object("puts")) {
        if (!wrong.empty()) return write;
        Fields member(value_of, in.place("puts") + "/" + std::string(id), wrong);
        write.puts.emplace(
            MemberId(std::string_view(id)),
            Member{.address = member.text("address"),
                   .port = static_cast<std::uint16_t>(member.whole("port", 0, highest_port)),
                   .priority = static_cast<int>(member.whole("priority", 0, highest_number)),
                   .weight = static_cast<int>(member.whole("weight", 0, highest_number)),
                   .text = member.text("text")});
        member.done();
    }
    for (const json::value& one : in.list("moved_aside")) {
        if (!wrong.empty()) return write;
        Fields moved(one, in.place("moved_aside"), wrong);
        std::string key = moved.text("key");
        write.moved_aside.emplace(std::move(key), moved.text("version"));
        moved.done();
    }
    in.done();
    return write;
}

OperatorPlan read_plan(const json::value& value, const std::string& path, std::string& wrong) {
    Fields in(value, path, wrong);
    OperatorPlan plan{
        .store = in.text("store"),
        .token = {.era = in.whole("era", 0, no_limit), .epoch = in.whole("epoch", 0, no_limit)},
        .revision = in.whole("revision", 0, no_limit),
        .term = in.whole("term", 0, no_limit),
        .request = {.names = in.names<DnsName>("names"),
                    .adopt = in.names<DnsName>("adopt"),
                    .empty = in.names<DnsName>("empty")}};
    const json::array& writes = in.list("writes");
    for (std::size_t i = 0; i < writes.size() && wrong.empty(); ++i) {
        PlannedWrite write =
            read_write(writes[i], fmt::format("{}/{}", in.place("writes"), i), wrong);
        const DnsName name = write.name;
        if (!plan.writes.emplace(name, std::move(write)).second && wrong.empty())
            in.refuse("writes", "has a name twice");
    }
    (void)in.list("lines");  // what is shown is made anew
    in.done();
    return plan;
}

}  // namespace

std::string encode(const std::vector<OperatorPlan>& plans) {
    json::array all;
    for (const OperatorPlan& plan : plans) {
        json::array writes;
        for (const auto& [name, write] : plan.writes) writes.push_back(json_of(write));
        json::array lines;
        for (const PlanLine& line : plan.lines)
            lines.push_back(json::object{{"act", to_string(line.act)},
                                         {"name", line.name.str()},
                                         {"what", line.what},
                                         {"why", line.why}});
        all.push_back(json::object{{"store", plan.store},
                                   {"era", plan.token.era},
                                   {"epoch", plan.token.epoch},
                                   {"revision", plan.revision},
                                   {"term", plan.term},
                                   {"names", texts_of(plan.request.names)},
                                   {"adopt", texts_of(plan.request.adopt)},
                                   {"empty", texts_of(plan.request.empty)},
                                   {"writes", std::move(writes)},
                                   {"lines", std::move(lines)}});
    }
    return json::serialize(json::object{{"format", format_name},
                                        {"version", format_version},
                                        {"cluster", plans.empty() ? "" : plans.front().cluster},
                                        {"plans", std::move(all)}});
}

Result<std::vector<OperatorPlan>> decode_plans(std::string_view text) {
    const std::error_code bad = std::make_error_code(std::errc::invalid_argument);
    if (text.size() > max_plan_bytes)
        return fail(bad, fmt::format("a plan has at most {} bytes", max_plan_bytes));
    boost::system::error_code error;
    const json::value root = json::parse(text, error);
    if (error) return fail(bad, "the plan is not JSON");
    std::string wrong;
    Fields in(root, "", wrong);
    if (in.text("format") != format_name) in.refuse("format", "is not that of a plan");
    (void)in.whole("version", format_version, format_version);
    const std::string cluster = in.text("cluster");
    const json::array& list = in.list("plans");
    if (list.empty() || list.size() > most_plans) in.refuse("plans", "must hold 1 to 64 plans");
    in.done();
    std::vector<OperatorPlan> plans;
    for (std::size_t i = 0; i < list.size() && wrong.empty(); ++i) {
        plans.push_back(read_plan(list[i], fmt::format("plans/{}", i), wrong));
        plans.back().cluster = cluster;
        for (std::size_t other = 0; other < i && wrong.empty(); ++other) {
            if (plans[other].store == plans[i].store)
                wrong = fmt::format("plans/{}/store: is there twice", i);
        }
    }
    if (!wrong.empty()) return fail(bad, std::move(wrong));
    return plans;
}

}  // namespace muster::dnsupdate
