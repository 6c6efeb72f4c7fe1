#pragma once

#include "tests/scaler/providers/provider_world.hpp"

#include <memory>

// The example programs of deploy/providers/exec, with fakes of the tools that they call in PATH.
namespace muster::test {

[[nodiscard]] std::unique_ptr<ProviderWorld> make_docker_world();
[[nodiscard]] std::unique_ptr<ProviderWorld> make_kubectl_world();
[[nodiscard]] std::unique_ptr<ProviderWorld> make_aws_world();

}  // namespace muster::test
