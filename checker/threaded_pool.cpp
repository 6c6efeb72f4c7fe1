#include "checker/insight.hpp"
#include "checker/probe_once.hpp"
#include "checker/prober_pool.hpp"
#include "common/base/task_group.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace muster::checker {

namespace {

/// Reports on their way to control. While control is busy they pile up here, and one post fetches
/// them all.
struct Outbox : std::enable_shared_from_this<Outbox> {
    explicit Outbox(asio::any_io_executor executor) : control(std::move(executor)) {}

    /// Any thread.
    void add(const CheckReport& report) {
        {
            const std::scoped_lock lock(mutex);
            reports.push_back(report);
            if (reports.size() > 1) return;
        }
        asio::post(control, [self = shared_from_this()] { self->deliver(); });
    }

    void deliver() {
        std::vector<CheckReport> batch;
        {
            const std::scoped_lock lock(mutex);
            batch.swap(reports);
        }
        for (const CheckReport& report : batch) {
            if (on_report) on_report(report);
        }
    }

    asio::any_io_executor control;
    Engine::OnReport on_report;  ///< control's own; empty once the pool is gone

    std::mutex mutex;
    std::vector<CheckReport> reports;  ///< under `mutex`
};

/// One thread with all that lives on it. Built on the control thread before the thread runs, and
/// destroyed there after it was joined.
struct Lane {
    Lane(Clock& clock,
         const EngineSettings& settings,
         const ThreadedPool::MakeProber& make,
         const std::shared_ptr<Outbox>& outbox)
        : work(context.get_executor()),
          prober(make(context.get_executor(), clock)),
          engine(context.get_executor(),
                 clock,
                 *prober,
                 settings,
                 [outbox](const CheckReport& report) { outbox->add(report); }),
          tasks(context.get_executor()) {
        tasks.spawn("engine", engine.run());
    }

    void run() { context.run(); }

    /// On the lane's own thread: lets run() return when what is under way has ended.
    void wind_down() {
        tasks.cancel();
        prober->stop();
        work.reset();
    }

    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work;
    std::unique_ptr<Prober> prober;
    Engine engine;
    TaskGroup tasks;
    std::thread thread;
};

/// Runs `question` on the lane's thread and hands its answer back to the asking coroutine. Not by
/// co_spawn: a coroutine that is cancelled before its first suspension makes Boost 1.81 throw out
/// of the other thread's run(). This can't be cancelled, and is over as soon as the lane comes
/// round.
template <class Question>
asio::awaitable<std::invoke_result_t<Question>> ask(Lane& lane, Question question) {
    using Answer = std::invoke_result_t<Question>;
    auto initiate = [&context = lane.context, &question](auto handler) {
        asio::post(
            context, [question = std::move(question), handler = std::move(handler)]() mutable {
                const auto executor = asio::get_associated_executor(handler);
                asio::post(executor, [answer = question(), handler = std::move(handler)]() mutable {
                    handler(std::move(answer));
                });
            });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Answer)>(
        std::move(initiate), asio::use_awaitable);
}

}  // namespace

struct ThreadedPool::Inside {
    /// Ids of one lane, and where in the question they stood.
    struct Part {
        std::vector<CheckId> ids;
        std::vector<std::size_t> places;
    };

    Inside(asio::any_io_executor control, Clock& the_clock)
        : clock(the_clock), outbox(std::make_shared<Outbox>(std::move(control))) {}

    [[nodiscard]] std::size_t lane_for(const Check& check);
    [[nodiscard]] std::vector<Part> split(const std::vector<CheckId>& ids) const;
    /// Asks each lane about the checks that it has; those that none has get an empty answer.
    template <class Answer, class AboutOne>
    [[nodiscard]] asio::awaitable<std::vector<Answer>> ask_each(std::vector<CheckId> ids,
                                                                AboutOne about_one);

    Clock& clock;
    std::shared_ptr<Outbox> outbox;
    std::vector<std::unique_ptr<Lane>> lanes;
    /// A check stays in its lane, with its state, even when its request changes.
    std::unordered_map<CheckId, std::size_t> lane_of;
    bool stopped = false;
};

/// Equal requests meet in one lane, as long as they were equal from the start.
std::size_t ThreadedPool::Inside::lane_for(const Check& check) {
    const auto [at, is_new] = lane_of.try_emplace(check.id, 0);
    if (is_new) at->second = mix(hash_of_endpoint(*check.request)) % lanes.size();
    return at->second;
}

std::vector<ThreadedPool::Inside::Part> ThreadedPool::Inside::split(
    const std::vector<CheckId>& ids) const {
    std::vector<Part> parts(lanes.size());
    if (stopped) return parts;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto found = lane_of.find(ids[i]);
        if (found == lane_of.end()) continue;
        parts[found->second].ids.push_back(ids[i]);
        parts[found->second].places.push_back(i);
    }
    return parts;
}

ThreadedPool::ThreadedPool(asio::any_io_executor control,
                           Clock& clock,
                           int threads,
                           EngineSettings settings,
                           MakeProber make)
    : inside_(std::make_unique<Inside>(std::move(control), clock)) {
    if (threads < 1) throw std::invalid_argument("a prober pool needs at least one thread");
    for (int i = 0; i < threads; ++i) {
        inside_->lanes.push_back(std::make_unique<Lane>(clock, settings, make, inside_->outbox));
    }
    for (const auto& lane : inside_->lanes) {
        lane->thread = std::thread([raw = lane.get()] { raw->run(); });
    }
}

ThreadedPool::~ThreadedPool() {
    stop();
    inside_->outbox->on_report = nullptr;
}

void ThreadedPool::stop() {
    if (std::exchange(inside_->stopped, true)) return;
    for (const auto& lane : inside_->lanes) {
        asio::post(lane->context, [raw = lane.get()] { raw->wind_down(); });
    }
    for (const auto& lane : inside_->lanes) lane->thread.join();
}

void ThreadedPool::on_report(Engine::OnReport on_report) {
    inside_->outbox->on_report = std::move(on_report);
}

void ThreadedPool::put(std::vector<Check> checks) {
    if (inside_->stopped) return;
    std::vector<std::vector<Check>> parts(inside_->lanes.size());
    for (Check& check : checks) {
        auto& part = parts[inside_->lane_for(check)];
        part.push_back(std::move(check));
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i].empty()) continue;
        Lane& lane = *inside_->lanes[i];
        asio::post(lane.context, [&engine = lane.engine, part = std::move(parts[i])]() mutable {
            for (Check& check : part) engine.put(std::move(check));
        });
    }
}

void ThreadedPool::remove(std::vector<CheckId> ids) {
    const std::vector<Inside::Part> parts = inside_->split(ids);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i].ids.empty()) continue;
        Lane& lane = *inside_->lanes[i];
        asio::post(lane.context, [&engine = lane.engine, gone = parts[i].ids] {
            for (const CheckId id : gone) engine.remove(id);
        });
    }
    for (const CheckId id : ids) inside_->lane_of.erase(id);
}

void ThreadedPool::hasten(std::vector<CheckId> ids) {
    const std::vector<Inside::Part> parts = inside_->split(ids);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i].ids.empty()) continue;
        Lane& lane = *inside_->lanes[i];
        asio::post(lane.context, [&engine = lane.engine, some = parts[i].ids] {
            for (const CheckId id : some) engine.hasten(id);
        });
    }
}

void ThreadedPool::distrust(bool on) {
    for (const auto& lane : inside_->lanes)
        asio::post(lane->context, [&engine = lane->engine, on] { engine.distrust(on); });
}

template <class Answer, class AboutOne>
asio::awaitable<std::vector<Answer>> ThreadedPool::Inside::ask_each(std::vector<CheckId> ids,
                                                                    AboutOne about_one) {
    std::vector<Answer> answers(ids.size());
    const std::vector<Part> parts = split(ids);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i].ids.empty() || stopped) continue;
        auto question = [&lane = *lanes[i], &now = clock, about_one, wanted = parts[i].ids] {
            std::vector<Answer> found;
            found.reserve(wanted.size());
            for (const CheckId id : wanted) found.push_back(about_one(lane.engine, id, now.now()));
            return found;
        };
        std::vector<Answer> found = co_await ask(*lanes[i], std::move(question));
        for (std::size_t k = 0; k < found.size(); ++k) {
            answers[parts[i].places[k]] = std::move(found[k]);
        }
    }
    co_return answers;
}

asio::awaitable<std::vector<std::optional<CheckRunner::Insight>>> ThreadedPool::look(
    std::vector<CheckId> ids) {
    return inside_->ask_each<std::optional<Insight>>(std::move(ids), insight);
}

asio::awaitable<std::vector<CheckRunner::Pass>> ThreadedPool::passes(std::vector<CheckId> ids) {
    return inside_->ask_each<Pass>(std::move(ids), pass);
}

asio::awaitable<std::vector<ProbeOutcome>> ThreadedPool::probe_once(
    std::vector<std::shared_ptr<const ProbeRequest>> requests) {
    if (inside_->stopped) {
        const ProbeOutcome stopped{.reason = Reason::prober_stopped};
        co_return std::vector<ProbeOutcome>(requests.size(), stopped);
    }
    co_return co_await await_probes(
        inside_->outbox->control,
        std::move(requests),
        [this](std::shared_ptr<const ProbeRequest> request, Prober::Done done) {
            Lane& lane = *inside_->lanes[mix(hash_of_endpoint(*request)) % inside_->lanes.size()];
            asio::post(lane.context,
                       [&lane, request = std::move(request), done = std::move(done)]() mutable {
                           lane.prober->start(std::move(request), std::move(done));
                       });
        });
}

asio::awaitable<EngineCounters> ThreadedPool::counters() {
    EngineCounters sum;
    for (const auto& lane : inside_->lanes) {
        // After stop() nothing runs there any more, and all can be read from here.
        if (inside_->stopped) {
            sum = sum + lane->engine.counters();
        } else {
            sum = sum + co_await ask(*lane, [&engine = lane->engine] { return engine.counters(); });
        }
    }
    co_return sum;
}

void ThreadedPool::after_all(std::function<void()> then) {
    if (inside_->stopped) return;
    const auto left = std::make_shared<std::atomic<std::size_t>>(inside_->lanes.size());
    const auto call = std::make_shared<const std::function<void()>>(std::move(then));
    for (const auto& lane : inside_->lanes) {
        asio::post(lane->context, [left, call] {
            if (--*left == 0) (*call)();
        });
    }
}

SteadyTime ThreadedPool::last_tick() const {
    SteadyTime oldest = SteadyTime::max();
    for (const auto& lane : inside_->lanes) oldest = std::min(oldest, lane->engine.last_tick());
    return oldest;
}

}  // namespace muster::checker
