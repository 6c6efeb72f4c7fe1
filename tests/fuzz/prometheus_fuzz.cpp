// Any reply of a Prometheus: it is read or refused with a reason, and nothing that it damages makes
// a fleet smaller. The first byte says which reply of which fleet; the rest is that reply, or, of
// values, what is done to a clean one (a smaller number that is well written is a smaller load).

#include "tests/scaler/prometheus_world.hpp"
#include "tests/scaler/reply_mutations.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace muster::scaler;
using namespace muster::scaler::prometheus;
namespace world = muster::scaler::prometheus::test;

void require(bool condition) {
    if (!condition) std::abort();
}

/// What must hold of any sample.
void require_sound(const MetricSample& found) {
    const Sample& sample = found.sample;
    require(found.detail.size() <= longest_detail);
    require((sample.quality == Quality::value) || sample.flaw != Flaw::none);
    require(sample.value.count >= 0 && sample.age.count() >= 0);
    require(!sample.coverage || sample.coverage->seen <= sample.coverage->expected);
    for (const Reading& reading : sample.readings)
        require(reading.value.count >= 0 && reading.capacity.count > 0 &&
                reading.instance.starts_with("lb-"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const world::Kind kind = world::kinds[data[0] % 3];
    const int way = data[0] / 3 % 3;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    world::Replies replies = world::clean_replies(kind);
    bool damaged_only = true;
    if (way == 0) {
        replies.value.body = text;
        damaged_only = false;
    } else if (way == 1) {
        replies.age.body = text;
    } else {
        std::size_t at = 0;
        const world::Chance chance = [&](std::size_t most) {
            std::size_t drawn = 0;
            for (int i = 0; i < 2 && at < text.size(); ++i)
                drawn = drawn * 256 + static_cast<unsigned char>(text[at++]);
            return drawn % (most + 1);
        };
        while (at < text.size() && !replies.value.body.empty() &&
               replies.value.body.size() < 64UZ << 10U)
            replies.value.body =
                world::mutated(std::move(replies.value.body), world::load_mark, chance);
    }
    const auto clean =
        world::size_by(kind, world::sample_of(kind, world::clean_replies(kind), 20).sample);
    const MetricSample found = world::sample_of(kind, std::move(replies), 20);
    require_sound(found);
    const int decided = world::size_by(kind, found.sample);
    const bool whole = found.sample.quality == Quality::value && found.sample.flaw == Flaw::none &&
                       found.sample.coverage->seen == found.sample.coverage->expected;
    require(whole || decided >= 4);
    require(!damaged_only || decided >= clean);
    return 0;
}
