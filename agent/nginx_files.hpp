#pragma once

#include "agent/nginx_settings.hpp"
#include "common/base/result.hpp"

#include <string>

namespace muster::agent {

struct NginxTexts {
    std::string http;
    std::string stream;
    bool operator==(const NginxTexts&) const = default;
};

/// Our files in nginx's configuration, changed together. `nginx -t` reads them where they are, so a
/// change is in place before it is known to be right: what was there stays beside it
/// ("FILE.before") until then, also when this process ends in between. Blocking, and small.
class NginxFiles {
 public:
    /// The settings outlive it.
    explicit NginxFiles(const NginxSettings& settings) : settings_(settings) {}

    /// Both files hold this, and nginx has taken it.
    [[nodiscard]] bool hold(const NginxTexts& texts) const;

    /// An errno, with the file's name.
    [[nodiscard]] Result<void> change(const NginxTexts& texts) const;
    [[nodiscard]] Result<void> confirm() const;
    [[nodiscard]] Result<void> roll_back() const;

 private:
    const NginxSettings& settings_;
};

}  // namespace muster::agent
