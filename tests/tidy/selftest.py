"""The rules are tested: each must catch what it is for, and nothing more."""

from rules import RULES
from sources import Source

H = "#pragma once\n"
CAUGHT = [
    ("include_direction", "common/http/a.hpp", H + '#include "orchestrator/b.hpp"'),
    ("include_direction", "checker/a.cpp", '#include "scaler/b.hpp"'),
    ("include_direction", "scaler/a.cpp", '  #  include "dnsupdate/b.hpp"'),
    ("include_direction", "agent/a.cpp", '#include "orchestrator/b.hpp"'),
    ("include_direction", "ctl/a.cpp", '#include "tests/support/b.hpp"'),
    ("include_direction", "common/base/a.cpp", '#include "common/config/b.hpp"'),
    ("include_direction", "common/observe/a.cpp", '#include "common/http/b.hpp"'),
    ("include_direction", "common/coordination/a.cpp", '#include "common/znodes/b.hpp"'),
    ("include_direction", "checker/a.cpp", '#include "b.hpp"'),
    ("library_place", "ctl/a.cpp", "#include <boost/beast/core/flat_buffer.hpp>"),
    ("library_place", "orchestrator/election.cpp", "#include <zookeeper/zookeeper.h>"),
    ("library_place", "checker/a.cpp", "#include <spdlog/spdlog.h>"),
    ("narrow_includes", "common/http/a.cpp", "#include <boost/asio.hpp>"),
    ("narrow_includes", "tests/http/a.cpp", "#include <boost/asio/experimental/awaitable_operators.hpp>"),
    ("clock_calls", "checker/a.cpp", "auto now = std::chrono::steady_clock::now();"),
    ("clock_calls", "tests/checker/a.cpp", "x = std::chrono::system_clock::now();"),
    ("clock_calls", "common/http/a.cpp", "::clock_gettime(CLOCK_MONOTONIC, &now);"),
    ("clock_calls", "ctl/a.cpp", "return std::time(nullptr);"),
    ("clock_calls", "orchestrator/a.cpp", "asio::steady_timer timer(executor);"),
    ("no_sleeps", "tests/integration/a.cpp", "std::this_thread::sleep_for(1s);"),
    ("no_sleeps", "checker/a.cpp", "usleep(5);"),
    ("seeded_chance", "orchestrator/a.cpp", "std::random_device device;"),
    ("seeded_chance", "tests/sim/a.cpp", "int x = std::rand();"),
    ("no_detached", "orchestrator/a.cpp", "co_spawn(executor, run(), asio::detached);"),
    ("no_detached", "orchestrator/a.cpp", "std::thread(run).detach();"),
    ("no_leftovers", "checker/a.cpp", "int x;  // TODO: later"),
    ("no_leftovers", "deploy/a.sh", "# FIXME"),
    ("sizes", "checker/a.cpp", "\n" * 451),
    ("sizes", "checker/a.cpp", "x" * 111),
    ("pragma_once", "checker/a.hpp", "// why\n#include <vector>\n#pragma once"),
    ("pragma_once", "checker/a.hpp", ""),
    ("no_machine_paths", "tests/a/b.cpp", 'run("/work/main/x");'),
    ("no_machine_paths", "deploy/a.sh", "cd /tmp/build-me/x"),
    ("telling_names", "common/utils.hpp", H),
    ("telling_names", "tests/helpers/a.hpp", H),
    ("telling_names", "checker/a.hpp", H + "class ShardManager {"),
    ("telling_names", "checker/a.hpp", H + "struct ServerImpl;"),
    ("aimed_kills", "tests/a.cpp", "::kill(-1, SIGKILL);"),
    ("aimed_kills", "deploy/a.sh", "pkill -f musterd"),
    ("aimed_kills", "deploy/a.sh", "kill -9 -1"),
    ("no_skipped_tests", "tests/a.cpp", "TEST(A, DISABLED_B) {"),
    ("no_stale_placeholders", "tests/tidy/fixtures/placeholder.cpp", ""),
    ("documented_names", "orchestrator/a.cpp", 'registry.gauge(\n    "muster_unheard_of", "")'),
    ("documented_names", "orchestrator/a.cpp", 'log::warn("unheard_of")'),
]
FINE = [
    ("include_direction", "orchestrator/a.cpp", '#include "checker/b.hpp"\n#include "scaler/b.hpp"'),
    ("include_direction", "tests/a/b.cpp", '#include "orchestrator/b.hpp"\n#include "tests/support/b.hpp"'),
    ("include_direction", "common/znodes/a.cpp", '#include "common/config/b.hpp"'),
    ("library_place", "common/http/a.cpp", "#include <boost/beast/http/parser.hpp>"),
    ("library_place", "orchestrator/guardian_adoption.cpp", "#include <zookeeper/zookeeper.h>"),
    ("narrow_includes", "common/net/asio.cpp", "#include <boost/asio.hpp>"),
    ("clock_calls", "common/base/asio_clock.cpp", "clock_gettime(CLOCK_BOOTTIME, &now);"),
    ("clock_calls", "checker/a.cpp", "// never steady_clock::now()\nclock.now(); wall_time(nullptr);"),
    ("clock_calls", "checker/a.cpp", 'throw Failure("steady_clock::now() is not for cores");'),
    ("no_sleeps", "checker/a.cpp", "co_await clock.sleep_for(1s);"),
    ("seeded_chance", "orchestrator/main.cpp", "std::random_device device;"),
    ("seeded_chance", "checker/a.cpp", "strand(x); operand(y);"),
    ("no_detached", "checker/a.cpp", "// bare detached hides both\nbool is_detached_ = false;"),
    ("no_leftovers", "checker/a.cpp", "// TODOs are not kept here"),
    ("sizes", "checker/a.cpp", "x" * 110 + "\n" * 449),
    ("pragma_once", "checker/a.hpp", "// why\n#pragma once\n"),
    ("no_machine_paths", "tests/a.cpp", '"GET /workers/1"; dir / "work"; "$root/work/x"'),
    ("telling_names", "checker/a.hpp", H + "class TargetDatabase;  class Implicit;"),
    ("telling_names", "common/base/clock.hpp", H),
    ("aimed_kills", "deploy/a.sh", 'kill "$pid"; kill -9 "$pid"; kill -15 12'),
    ("aimed_kills", "tests/a.cpp", "::kill(-pid, SIGKILL);"),
    ("clock_calls", "tests/bench/a_bench.cpp", "clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);"),
    ("no_skipped_tests", "checker/a.cpp", "bool DISABLED_BY_USER;"),
]


def failures():
    for name, path, text in CAUGHT:
        if not list(RULES[name](Source(path, text))):
            yield f"{name} does not catch {path}: {text[:80]!r}"
    for name, path, text in FINE:
        for line, message in RULES[name](Source(path, text)):
            yield f"{name} wrongly catches {path}:{line}: {message}"
    for name in RULES.keys() - {case[0] for case in CAUGHT}:
        yield f"{name} has no case that it must catch"
