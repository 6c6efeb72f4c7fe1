#pragma once

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace muster::test {

/// A network of this thread's own, until its end. Only root may.
class OwnNetwork {
 public:
    OwnNetwork() : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
        entered_ = before_ >= 0 && ::unshare(CLONE_NEWNET) == 0;
    }
    OwnNetwork(const OwnNetwork&) = delete;
    OwnNetwork& operator=(const OwnNetwork&) = delete;
    ~OwnNetwork() {
        if (entered_) EXPECT_EQ(::setns(before_, CLONE_NEWNET), 0);
        if (before_ >= 0) ::close(before_);
    }
    [[nodiscard]] bool entered() const { return entered_; }

 private:
    int before_;
    bool entered_ = false;
};

}  // namespace muster::test
