// What all clusters' tests take for the truth must itself do no harm to them.
#include "tests/cluster/responder.hpp"

#include "common/base/file_descriptor.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string_view>
#include <vector>

namespace muster::test {
namespace {

FileDescriptor connect_to(const Responder& responder, std::size_t backend) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(responder.port());
    inet_pton(AF_INET, responder.host(backend).c_str(), &address.sin_addr);
    FileDescriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    return client;
}

/// Returns once it is answered: then all that came before has been dealt with.
void ask(const FileDescriptor& client) {
    constexpr std::string_view request = "GET / HTTP/1.1\r\n\r\n";
    ASSERT_EQ(send(client.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    char byte = 0;
    ASSERT_EQ(recv(client.get(), &byte, 1, MSG_WAITALL), 1);
}

bool is_open(int descriptor) {
    return fcntl(descriptor, F_GETFD) >= 0;
}

/// A process that is being started has copies of all descriptors for a moment, and a copy keeps a
/// closed socket's place in an epoll set.
TEST(Responder, ClosesNoStrangersDescriptorWhileAProcessIsStarted) {
    Responder responder(2);
    const FileDescriptor client = connect_to(responder, 0);
    ask(connect_to(responder, 1));  // so the first one is accepted, too
    const pid_t child = fork();
    if (child == 0) {
        for (;;) pause();
    }
    ASSERT_GT(child, 1);
    ask(client);
    ask(connect_to(responder, 1));  // so it has closed that connection
    // Whatever numbers the responder has given back by now are taken.
    std::vector<FileDescriptor> strangers;
    for (int i = 0; i < 32; ++i) strangers.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    shutdown(client.get(), SHUT_WR);
    ask(connect_to(responder, 1));
    for (const FileDescriptor& stranger : strangers) EXPECT_TRUE(is_open(stranger.get()));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace muster::test
