#include "checker/socket_errors.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace muster::checker {
namespace {

TEST(SocketErrors, TellTheBackendsTroubleFromOurOwn) {
    struct Row {
        int error;
        Result result;
        Reason reason;
    };
    for (const Row& row : {
             Row{ECONNREFUSED, Result::failure, Reason::l4_refused},
             Row{EHOSTUNREACH, Result::failure, Reason::l4_refused},
             Row{ENETUNREACH, Result::failure, Reason::l4_refused},
             Row{ECONNRESET, Result::failure, Reason::l4_refused},
             Row{ETIMEDOUT, Result::failure, Reason::l4_timeout},
             Row{EADDRNOTAVAIL, Result::inconclusive, Reason::prober_ports},
             Row{EAGAIN, Result::inconclusive, Reason::prober_ports},
             Row{EPERM, Result::inconclusive, Reason::prober_ports},
             Row{EACCES, Result::inconclusive, Reason::prober_ports},
             Row{EAFNOSUPPORT, Result::inconclusive, Reason::prober_ports},
             Row{EMFILE, Result::inconclusive, Reason::prober_files},
             Row{ENFILE, Result::inconclusive, Reason::prober_files},
             Row{ENOBUFS, Result::inconclusive, Reason::prober_memory},
             Row{ENOMEM, Result::inconclusive, Reason::prober_memory},
             Row{ENOSPC, Result::inconclusive, Reason::prober_memory},
         }) {
        EXPECT_EQ(outcome_of_connect_error(row.error),
                  (ProbeOutcome{.result = row.result,
                                .reason = row.reason,
                                .code = static_cast<std::uint16_t>(row.error)}))
            << row.error;
    }
}

}  // namespace
}  // namespace muster::checker
