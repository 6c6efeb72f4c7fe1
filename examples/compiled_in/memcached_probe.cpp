// A probe of one's own, compiled in: does a memcached answer, and does it have room?
//   check of a group:  plugin: {name: memcached, settings: {most_connections: 900}}
#include "checker/compiled_probe.hpp"

#include <boost/json/parse.hpp>

#include <charconv>

namespace {

namespace checker = muster::checker;
namespace json = boost::json;

/// Says "stats" and reads lines "STAT name value" until "END" (memcached's protocol.txt).
class MemcachedDialogue final : public checker::Dialogue {
 public:
    explicit MemcachedDialogue(std::uint64_t most_connections) : most_(most_connections) {}

    Turn begin(std::string& out) override {
        out += "stats\r\n";
        return wait();
    }

    Turn receive(std::string_view bytes, std::string& /*out*/) override {
        // The other side is hostile: what is kept is bounded.
        if (heard_.size() + bytes.size() > longest_reply)
            return fail(checker::Reason::l7_too_large);
        heard_ += bytes;
        for (;;) {
            const std::size_t end = heard_.find("\r\n");
            if (end == std::string::npos) return wait();
            const std::string line = heard_.substr(0, end);
            heard_.erase(0, end + 2);
            if (line == "END") return verdict();
            if (!line.starts_with("STAT ")) return fail(checker::Reason::l7_invalid);
            note(line);
        }
    }

    checker::Finding end_of_input() override { return {.reason = checker::Reason::l7_closed}; }

 private:
    static constexpr std::size_t longest_reply = 16UZ * 1024UZ;

    void note(std::string_view line) {
        constexpr std::string_view name = "STAT curr_connections ";
        if (line.starts_with(name))
            std::from_chars(line.data() + name.size(), line.data() + line.size(), connections_);
    }
    Turn verdict() const {
        if (connections_ <= most_) return succeed();
        return {.finding = checker::Finding{.result = checker::Result::degraded,
                                            .reason = checker::Reason::l7_status}};
    }

    std::uint64_t most_;
    std::uint64_t connections_ = 0;
    std::string heard_;
};

std::unique_ptr<checker::Dialogue> make(const checker::CompiledProbeInput& input) {
    std::uint64_t most = 1'000;
    if (!input.settings.empty()) {
        const json::value settings = json::parse(input.settings);
        if (const json::value* given = settings.as_object().if_contains("most_connections"))
            most = given->to_number<std::uint64_t>();
    }
    return std::make_unique<MemcachedDialogue>(most);
}

const muster::checker::RegisterProbe registered("memcached", {.make = make});

}  // namespace
