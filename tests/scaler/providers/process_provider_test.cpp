// The process provider, killed at every step; and what its machines are made of.
#include "scaler/machine_processes.hpp"
#include "scaler/machine_store.hpp"
#include "tests/scaler/providers/process_world.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/process.hpp"
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

namespace muster::test {

namespace {

using namespace std::chrono_literals;
using namespace scaler;
using testing::HasSubstr;
using testing::IsEmpty;

const FleetName edge("edge");
const InstanceId id("edge-1-1");
const ProviderFence fence{.epoch = 1};

class ProcessProviderTest : public testing::Test {
 protected:
    ~ProcessProviderTest() override { end_machines_of(root()); }

    [[nodiscard]] std::filesystem::path root() const { return directory_.path(); }
    [[nodiscard]] ProcessProvider provider() { return {clock_, settings_}; }
    ProcessProviderSettings& settings() { return settings_; }
    const TempDir& directory() { return directory_; }

    template <class T>
    T run(asio::awaitable<T> work) {
        context_.restart();
        auto result = asio::co_spawn(context_, std::move(work), asio::use_future);
        context_.run();
        return result.get();
    }
    ProviderResult<Machine> create(const InstanceId& which = id,
                                   std::map<std::string, std::string> parameters = {}) {
        ProcessProvider fresh = {clock_, settings_};
        return run(fresh.create(
            {.fleet = edge, .id = which, .token = "t1", .parameters = std::move(parameters)},
            fence));
    }
    ProviderResult<void> remove(std::chrono::seconds grace = 5s) {
        ProcessProvider fresh = {clock_, settings_};
        return run(fresh.remove(edge, id, grace, fence));
    }
    MachineState state(const InstanceId& which = id) {
        ProcessProvider fresh = {clock_, settings_};
        const auto got = run(fresh.get(edge, which));
        EXPECT_TRUE(got) << got.error().detail;
        return got ? got->state : MachineState::unknown;
    }
    bool comes_to(MachineState wanted) {
        return eventually(10s, [&] { return state() == wanted; });
    }
    [[nodiscard]] std::vector<pid_t> marked() const {
        return marked_processes((root() / "machines/edge/edge-1-1:").string());
    }

    /// The words of machine_program. True: it was killed, as it was meant to.
    bool act_and_die(const std::vector<std::string>& words) {
        Process process({.argv = argv_of(words), .env = {}, .cwd = {}, .output = {}});
        const auto ended = process.wait(60s);
        return ended && ended->signal == SIGKILL;
    }
    int act(const std::vector<std::string>& words) {
        Process process({.argv = argv_of(words), .env = {}, .cwd = {}, .output = {}});
        const auto ended = process.wait(60s);
        return ended ? ended->code : -1;
    }
    [[nodiscard]] std::vector<std::string> programs_of_machine() const {
        std::vector<std::string> programs;
        for (const pid_t pid : marked()) {
            std::string words = test::read_file("/proc/" + std::to_string(pid) + "/cmdline");
            programs.push_back(std::move(words));
        }
        return programs;
    }

 private:
    static std::vector<std::string> argv_of(const std::vector<std::string>& words) {
        std::vector<std::string> argv{built_program("tests/scaler/providers/machine_program")};
        argv.insert(argv.end(), words.begin(), words.end());
        return argv;
    }

    TempDir directory_;
    ProcessProviderSettings settings_ = process_settings(directory_.path());
    asio::io_context context_{1};
    AsioClock clock_;
};

TEST_F(ProcessProviderTest, ConvergesWhereverTheCallerOfCreateIsKilled) {
    for (const char* step : {"passed", "laid out", "recorded", "launched"}) {
        SCOPED_TRACE(step);
        ASSERT_TRUE(act_and_die({"create", root(), id.str(), step}));
        const auto made = create();
        ASSERT_TRUE(made) << made.error().detail;
        ASSERT_TRUE(comes_to(MachineState::running));
        EXPECT_EQ(marked().size(), 2);
        ASSERT_TRUE(remove());
        EXPECT_THAT(marked(), IsEmpty());
        std::filesystem::remove_all(root() / "machines");
    }
}

TEST_F(ProcessProviderTest, ConvergesWhereverItsSupervisorIsKilled) {
    for (const char* step :
         {"in a session of its own", "locked", "reported", "forked", "noted", "all started"}) {
        SCOPED_TRACE(step);
        (void)act({"create", root(), id.str(), "none", step});
        ASSERT_TRUE(eventually(
            10s, [&] { return !FileLock::is_taken(root() / "machines/edge/edge-1-1/lock"); }));
        const auto made = create();
        ASSERT_TRUE(made) << made.error().detail;
        ASSERT_TRUE(comes_to(MachineState::running));
        // Each once, and none of an earlier attempt.
        EXPECT_EQ(marked().size(), 2) << testing::PrintToString(programs_of_machine());
        ASSERT_TRUE(remove());
        EXPECT_THAT(marked(), IsEmpty());
        std::filesystem::remove_all(root() / "machines");
    }
}

TEST_F(ProcessProviderTest, ConvergesWhereverTheCallerOfRemoveIsKilled) {
    for (const char* step :
         {"found", "stopping", "supervisor ended", "a program ended", "all ended", "buried"}) {
        SCOPED_TRACE(step);
        ASSERT_TRUE(create());
        ASSERT_TRUE(comes_to(MachineState::running));
        ASSERT_TRUE(act_and_die({"remove", root(), id.str(), step}));
        const auto removed = remove();
        ASSERT_TRUE(removed) << removed.error().detail;
        EXPECT_THAT(marked(), IsEmpty());
        EXPECT_EQ(state(), MachineState::stopped);
        // Late, and of the same life.
        const auto late = create();
        ASSERT_FALSE(late);
        EXPECT_EQ(late.error().trouble, Trouble::invalid);
        EXPECT_THAT(late.error().detail, HasSubstr("was removed"));
        EXPECT_THAT(marked(), IsEmpty());
        std::filesystem::remove_all(root() / "machines");
    }
}

TEST_F(ProcessProviderTest, OutlivesItsMakerAndServesOnWithoutItsSupervisor) {
    ASSERT_EQ(act({"create", root(), id.str(), "none"}), 0);
    ASSERT_TRUE(comes_to(MachineState::running));
    const MachineStore store(root() / "machines");
    const auto run = store.read_run(**store.read(edge, id));
    ASSERT_TRUE(run);
    const std::vector<pid_t> before = marked();
    EXPECT_EQ(before.size(), 2);
    ASSERT_TRUE(send_signal(run->supervisor, SIGKILL));
    ASSERT_TRUE(eventually(10s, [&] { return !is_running(run->supervisor); }));
    EXPECT_EQ(state(), MachineState::running);
    // Nothing is started again.
    ASSERT_TRUE(create());
    EXPECT_EQ(marked(), before);
    EXPECT_EQ(act({"run-machine", root() / "machines/edge/edge-1-1"}), 0);
    EXPECT_EQ(marked(), before);
    ASSERT_TRUE(remove());
    EXPECT_THAT(marked(), IsEmpty());
}

TEST_F(ProcessProviderTest, StoppedIsWhatHasNoProgramLeft) {
    ASSERT_TRUE(create());
    ASSERT_TRUE(comes_to(MachineState::running));
    for (const pid_t pid : marked()) ASSERT_TRUE(send_signal(*identify(pid), SIGKILL));
    ASSERT_TRUE(comes_to(MachineState::stopped));
    ASSERT_TRUE(create());
    EXPECT_EQ(state(), MachineState::stopped);
    EXPECT_THAT(marked(), IsEmpty());
}

TEST_F(ProcessProviderTest, EndsProgramsSoftlyInReverseAndThenHardWithAllThatTheyStarted) {
    const std::string log = root() / "log";
    // Its own child leaves its group and session, as daemons do.
    std::ofstream(root() / "stubborn")
        << "#!/bin/sh\ntrap 'echo stubborn >>" << log << "' TERM\nsetsid sleep 3000000 &\n"
        << "echo ready >>" << log << "\n"
        << "while :; do sleep 0.1; done\n";
    std::ofstream(root() / "polite") << "#!/bin/sh\ntrap 'echo polite >>" << log
                                     << "; exit 0' USR1\necho ready >>" << log << "\n"
                                     << "while :; do sleep 0.1; done\n";
    settings().machines.programs = {
        {.name = "first", .argv = {"/bin/sh", root() / "stubborn"}},
        {.name = "second", .argv = {"/bin/sh", root() / "polite"}, .stop_signal = SIGUSR1}};
    ASSERT_TRUE(create());
    ASSERT_TRUE(comes_to(MachineState::running));
    ASSERT_TRUE(eventually(10s, [&] { return test::read_file(log) == "ready\nready\n"; }));
    ASSERT_GE(marked().size(), 3);
    ASSERT_TRUE(remove(1s));
    EXPECT_EQ(test::read_file(log), "ready\nready\npolite\nstubborn\n");
    EXPECT_THAT(marked(), IsEmpty());
}

TEST_F(ProcessProviderTest, SignalsNobodyWhoHasTheNumberOfAProgram) {
    ASSERT_TRUE(create());
    ASSERT_TRUE(comes_to(MachineState::running));
    const std::filesystem::path file = root() / "machines/edge/edge-1-1/run.json";
    auto run = *decode_machine_run(test::read_file(file));
    // Numbers don't come again within a tick; here it would look as if they did.
    const auto start_stranger = [] {
        return std::make_unique<Process>(
            ProcessSettings{.argv = {"sleep", "4000000"}, .env = {}, .cwd = {}, .output = {}});
    };
    auto stranger = start_stranger();
    while (identify(stranger->pid())->start == run.programs[1].process.start)
        stranger = start_stranger();
    const std::vector<pid_t> left = marked();
    // As if the host had given the number to another since.
    run.programs[1].process.pid = stranger->pid();
    std::ofstream(file) << encode(run);
    ASSERT_TRUE(remove());
    EXPECT_TRUE(stranger->running());
    EXPECT_THAT(marked(), IsEmpty());
}

TEST_F(ProcessProviderTest, FillsTemplatesAndGivesEachItsOwnAddressAndPorts) {
    directory().write("agent.in",
                      "${id} ${fleet} ${token} ${address}:${port:agent} ${port:agent}\n"
                      "size: ${parameters.size}, cost: $${5}, dir: ${dir}\n");
    settings().machines.files = {{.from = root() / "agent.in", .to = "note"}};
    settings().machines.addresses = {"127.0.0.21", "127.0.0.22"};
    settings().machines.answers_at = "${address}:${parameters.port}";
    settings().machines.first_port = free_port();
    settings().machines.last_port = settings().machines.first_port;
    const auto made = create(id, {{"size", "2"}, {"port", "8080"}});
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->address, "127.0.0.21:8080");
    const std::string port = std::to_string(settings().machines.first_port);
    const std::string folder = (root() / "machines/edge/edge-1-1").string();
    EXPECT_EQ(test::read_file(folder + "/note"),
              "edge-1-1 edge t1 127.0.0.21:" + port + " " + port +
                  "\nsize: 2, cost: ${5}, dir: " + folder + "\n");
    // The next one needs a port.
    const InstanceId second("edge-1-2");
    const auto refused = create(second, {{"size", "2"}, {"port", "8080"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().trouble, Trouble::quota);
    EXPECT_THAT(refused.error().detail, HasSubstr("none of the ports " + port));
    settings().machines.files = {};
    settings().machines.programs.pop_back();
    EXPECT_EQ(create(second, {{"port", "8080"}})->address, "127.0.0.22:8080");
    const auto third = create(InstanceId("edge-1-3"), {{"port", "8080"}});
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().trouble, Trouble::quota);
    EXPECT_THAT(third.error().detail, HasSubstr("each of the 2 addresses"));
}

TEST_F(ProcessProviderTest, TakesNoPortThatAnotherProgramListensOn) {
    const FileDescriptor other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(free_port());
    ASSERT_EQ(::bind(other.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(other.get(), 1), 0);
    settings().machines.first_port = ntohs(address.sin_port);
    settings().machines.last_port = settings().machines.first_port;
    const auto refused = create();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().trouble, Trouble::quota);
}

TEST_F(ProcessProviderTest, SaysWhichLineOfATemplateIsWrongAndMakesNothing) {
    const auto refusal = [this] {
        const auto refused = create();
        EXPECT_FALSE(refused);
        if (refused) return std::string();
        EXPECT_EQ(refused.error().trouble, Trouble::invalid);
        EXPECT_EQ(state(), MachineState::stopped);
        return refused.error().detail;
    };
    const std::string file = directory().write("bad.in", "fine\n${adress}\n");
    settings().machines.files = {{.from = file, .to = "note"}};
    EXPECT_THAT(refusal(), HasSubstr(file + ": line 2: ${adress} is nothing"));
    directory().write("bad.in", "${parameters.size}\n");
    EXPECT_THAT(refusal(), HasSubstr("line 1: ${parameters.size} is nothing"));
    directory().write("bad.in", "a ${id\n}\n");
    EXPECT_THAT(refusal(), HasSubstr("line 1: a ${ without its }"));
    settings().machines.files = {{.from = root() / "none.in", .to = "note"}};
    EXPECT_THAT(refusal(), HasSubstr("none.in: No such file"));
    settings().machines.files = {};
    settings().machines.programs[0].argv = {"/bin/no-such-program"};
    EXPECT_THAT(refusal(), HasSubstr("program agent: /bin/no-such-program can't be run"));
    EXPECT_FALSE(std::filesystem::exists(root() / "machines/edge/edge-1-1"));
}

TEST_F(ProcessProviderTest, TakesNoAddressThatADamagedMachineMayHave) {
    settings().machines.addresses = {"127.0.0.21", "127.0.0.22"};
    settings().machines.answers_at = "${address}:80";
    ASSERT_TRUE(create());
    const std::filesystem::path file = root() / "machines/edge/edge-1-1/machine.json";
    const std::string good = test::read_file(file);
    std::ofstream(file, std::ios::trunc) << "{";
    const FileDescriptor lb(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ASSERT_EQ(::inet_pton(AF_INET, "127.0.0.21", &address.sin_addr), 1);
    ASSERT_EQ(::bind(lb.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(lb.get(), 1), 0);
    const auto made = create(InstanceId("edge-1-2"));
    std::ofstream(file, std::ios::trunc) << good;  // so that it is ended
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->address, "127.0.0.22:80");
}

TEST_F(ProcessProviderTest, SaysOfADamagedRecordThatSomethingIsThere) {
    ASSERT_TRUE(create());
    ASSERT_TRUE(comes_to(MachineState::running));
    const std::filesystem::path file = root() / "machines/edge/edge-1-1/machine.json";
    const std::string good = test::read_file(file);
    for (const std::string& bad : {std::string(),
                                   std::string("{}"),
                                   std::string("\0\xff\xfe", 3),
                                   good.substr(0, good.size() / 2),
                                   std::string(2 << 20, '[')}) {
        std::ofstream(file, std::ios::binary) << bad;
        ProcessProvider fresh = provider();
        const auto listed = run(fresh.list(edge));
        ASSERT_TRUE(listed);
        ASSERT_EQ(listed->machines.size(), 1);
        EXPECT_EQ(listed->machines[0].state, MachineState::unknown);
        EXPECT_FALSE(run(fresh.get(edge, id)));
        EXPECT_FALSE(create());
        EXPECT_FALSE(remove());
    }
    EXPECT_EQ(marked().size(), 2);
    // The others go on beside it.
    const InstanceId second("edge-1-2");
    const auto made = create(second);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(run(provider().list(edge))->machines.size(), 2);
    settings().machines.max_machines = 2;
    EXPECT_FALSE(create(InstanceId("edge-1-3"))) << "it counts";
    EXPECT_TRUE(run(provider().remove(edge, second, 1s, fence)));
    std::ofstream(file, std::ios::binary) << good;
    ASSERT_TRUE(remove());
    EXPECT_THAT(marked(), IsEmpty());
}

}  // namespace

}  // namespace muster::test
