#pragma once

#include "ctl/context.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include <string>

namespace muster::ctl {

/// As `ask`, of the master: a node that isn't it says where it is.
[[nodiscard]] asio::awaitable<Answer> ask_master(Context& context, ApiCall call);
[[nodiscard]] ApiCall posting(std::string target, const boost::json::object& body);

}  // namespace muster::ctl
