#pragma once

#include "agent/certificate.hpp"
#include "common/base/result.hpp"

#include <string>

// Where certificates lie on an LB's host. Blocking.
namespace muster::agent {

/// Of a file behind its symlinks: another one when it was replaced or written; empty: not there.
[[nodiscard]] std::string stamp_of_file(const std::string& path);

/// Of a PEM file with chain and key, or of a directory with `tls.crt` and `tls.key`, as secret
/// stores write them. Empty: there is none.
[[nodiscard]] std::string stamp_of_source(const std::string& path);

/// What is there now. Reads regular files only, and of these no more than max_certificate_bytes.
[[nodiscard]] Result<Certificate> read_source(const std::string& path);

/// For the LB and us alone (0600): a crash leaves the old content or the new one.
[[nodiscard]] Result<void> write_certificate(const std::string& path, const Certificate& kept);

}  // namespace muster::agent
