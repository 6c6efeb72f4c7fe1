#pragma once

#include <re2/re2.h>

namespace muster::config {

/// How patterns of a configuration are compiled, where they are checked as where they are used. A
/// backend sends bytes, not always UTF-8.
inline re2::RE2::Options pattern_options() {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    options.set_encoding(re2::RE2::Options::EncodingLatin1);
    return options;
}

}  // namespace muster::config
