#pragma once

#include "common/config/model.hpp"

#include <random>

namespace muster::config {

/// A group in which everything that a document may say can happen: every field at its default or
/// anywhere within its bounds, texts that YAML would misread. Equal seeds give equal groups.
[[nodiscard]] GroupSpec random_group(std::mt19937_64& random);

}  // namespace muster::config
