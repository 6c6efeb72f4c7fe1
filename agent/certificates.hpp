#pragma once

#include "agent/certificate.hpp"
#include "agent/certificate_settings.hpp"
#include "common/base/clock.hpp"
#include "common/config/fleet_model.hpp"
#include "common/observe/metrics.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::agent {

/// The certificates that listeners name, as files of the agent's own for its LB: each the last one
/// that was whole and fit for a server, whatever becomes of the file that it came from. The copies
/// outlive the agent. Blocking, on files only: a stat a file and look, while nothing changes.
class Certificates {
 public:
    /// Keeps the copies in `own_directory`, which it makes when there is something to keep.
    Certificates(CertificateSettings settings,
                 std::string own_directory,
                 metrics::Registry& registry);

    /// Looks at the files, and puts the paths of the copies in the place of what listeners name
    /// (also of one that is not there: the LB's own check then refuses it, and goes on as it was).
    /// True: a copy is another than at the last look.
    bool follow(std::vector<config::Listener>& listeners, WallTime now);

    /// Sentences for people: what is refused, missing or expires.
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

 private:
    struct Kept {
        std::string copy;                     ///< our file
        std::string source;                   ///< the file of others; empty: it may not be read
        std::optional<Certificate> now;       ///< what the copy holds
        std::string seen;                     ///< stamp of the source that was judged last
        std::string doubted;                  ///< one that was bad at the last look, the first
        std::string problem;                  ///< of that source
        bool looked = false;                  ///< the copy of an earlier process was looked for
        bool warned = false;                  ///< of its end
        metrics::Gauge* not_after = nullptr;  ///< null: there are too many already
        metrics::Gauge* refused = nullptr;
    };

    void forget_all_but(const std::set<std::string>& names);
    Kept& kept(const std::string& name, std::string source, std::string copy);
    bool look(const std::string& name, Kept& kept, WallTime now);
    bool judge(const std::string& name, Kept& kept, const std::string& stamp, WallTime now);
    bool take(const std::string& name, Kept& kept, Certificate certificate);
    void refuse(const std::string& name, Kept& kept, const std::string& stamp, std::string why);
    void tell(const std::string& name, Kept& kept, WallTime now);

    CertificateSettings settings_;
    std::string own_directory_;
    metrics::Registry& registry_;
    metrics::Counter& taken_;
    std::map<std::string, Kept> kept_;  ///< by what people call it; those of the last look
    std::set<std::string> labels_;      ///< of gauges, which stay
    std::vector<std::string> problems_;
};

}  // namespace muster::agent
