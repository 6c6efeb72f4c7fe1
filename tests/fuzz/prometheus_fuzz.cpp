// Any reply of a Prometheus: it is read or refused with a reason, and nothing that it damages makes
// a fleet smaller, in both modes. The first byte says which reply of which fleet; the rest is that
// reply, or, of values, what is done to a clean one (a smaller number that is well written is a
// smaller load).

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

/// Of a sample that isn't whole. Kubernetes counts each that is simply missing with 100 % on the
/// way in, which is two targets: of four one alone needs two instances.
int least_without_all(world::Kind kind, const Sample& sample, Mode mode) {
    const bool filled_in = mode == Mode::hpa && kind == world::Kind::instances &&
                           sample.quality == Quality::value && sample.flaw == Flaw::none;
    return filled_in ? 2 : 4;
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
    constexpr int load = 20;
    const Sample clean = world::sample_of(kind, world::clean_replies(kind), load).sample;
    const MetricSample found = world::sample_of(kind, std::move(replies), load);
    require_sound(found);
    for (const Mode mode : world::modes) {
        const int decided = world::size_by(kind, found.sample, mode);
        require(world::is_whole(found.sample) ||
                decided >= least_without_all(kind, found.sample, mode));
        require(!damaged_only || decided >= world::size_by(kind, clean, mode));
    }
    return 0;
}
