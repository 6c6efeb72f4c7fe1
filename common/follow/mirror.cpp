#include "common/follow/mirror.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace muster::follow {

using coordination::SessionState;
using coordination::SessionStatus;
using coordination::Watch;

namespace {

std::string child_path(const std::string& parent, const std::string& name) {
    return parent + "/" + name;
}

bool wants_data(Interest interest) {
    return interest == Interest::data || interest == Interest::both;
}

bool wants_children(Interest interest) {
    return interest == Interest::children || interest == Interest::both;
}

}  // namespace

Mirror::Mirror(asio::any_io_executor executor,
               coordination::Store& store,
               Clock& clock,
               std::string root,
               InterestIn interest,
               OnChange on_change,
               MirrorSettings settings)
    : store_(store),
      clock_(clock),
      root_(std::move(root)),
      interest_(std::move(interest)),
      on_change_(std::move(on_change)),
      settings_(std::move(settings)),
      tasks_(executor),
      settled_signal_(executor) {}

void Mirror::start() {
    dirty_subscription_ = store_.listen(
        root_, [this](const std::string& path, coordination::WatchKind) { mark(path); });
    session_subscription_ =
        store_.listen_session([this](const SessionStatus& session) { on_session(session); });
    generation_ = store_.session().generation;
    mark(root_);
}

asio::awaitable<void> Mirror::stop() {
    dirty_subscription_ = {};
    session_subscription_ = {};
    co_await tasks_.stop();
}

const coordination::Node* Mirror::find(const std::string& path) const {
    const auto entry = entries_.find(path);
    if (entry == entries_.end() || !entry->second.node) return nullptr;
    return &*entry->second.node;
}

bool Mirror::has(const std::string& path) const {
    const auto entry = entries_.find(path);
    return entry != entries_.end() && entry->second.known();
}

bool Mirror::is_pending(const std::string& path) const {
    const auto entry = entries_.find(path);
    return dirty_.contains(path) || dirty_minor_.contains(path) ||
           (entry != entries_.end() && entry->second.reading);
}

void Mirror::refresh(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) mark(path);
}

asio::awaitable<void> Mirror::wait_settled() {
    while (!settled()) co_await settled_signal_.wait();
}

void Mirror::on_session(const SessionStatus& session) {
    if (session.generation != generation_) {
        generation_ = session.generation;
        mark_all();  // the watches went with the old session
    }
    if (session.state == SessionState::connected) schedule();
}

void Mirror::mark(const std::string& path) {
    if (interest_(path) == Interest::none) {
        erase(path);  // of interest once, perhaps
        return;
    }
    Entry& entry = entries_[path];
    if (entry.reading) {
        entry.again = true;
        return;
    }
    set_dirty(path);
    schedule();
}

void Mirror::set_dirty(const std::string& path) {
    (is_minor(path) ? dirty_minor_ : dirty_).insert(path);
}

void Mirror::mark_all() {
    mark(root_);
    std::vector<std::string> known;
    known.reserve(entries_.size());
    for (const auto& [path, entry] : entries_) known.push_back(path);
    for (const std::string& path : known) mark(path);
}

void Mirror::schedule() {
    if (store_.session().state != SessionState::connected || backing_off_) return;
    while ((!dirty_.empty() || !dirty_minor_.empty()) && reading_ < settings_.parallel_reads &&
           !tasks_.stopping()) {
        std::set<std::string>& from = dirty_.empty() ? dirty_minor_ : dirty_;
        std::string path = std::move(from.extract(from.begin()).value());
        entries_[path].reading = true;
        ++reading_;
        if (!is_minor(path)) ++reading_major_;
        tasks_.spawn("mirror read", read(std::move(path)));
    }
}

asio::awaitable<void> Mirror::read(std::string path) {
    const Interest interest = interest_(path);
    std::error_code error;
    if (wants_data(interest)) error = co_await read_data(path);
    if (!error && wants_children(interest)) error = co_await read_children(path);

    --reading_;
    if (!is_minor(path)) --reading_major_;
    const auto entry = entries_.find(path);
    const bool again = entry != entries_.end() && std::exchange(entry->second.again, false);
    if (entry != entries_.end()) entry->second.reading = false;
    if (error == make_error_code(coordination::Errc::no_node)) {
        // Its parent's watch tells when it comes back; only the root has no parent that we watch.
        erase(path);
        if (again) mark(path);
        if (path == root_) {
            set_dirty(path);
            tasks_.spawn("mirror retry", retry_later());
        }
    } else if (error) {
        set_dirty(path);
        tasks_.spawn("mirror retry", retry_later());
    } else if (again) {
        mark(path);
    }
    if (dirty_.empty() && dirty_minor_.empty() && reading_ == 0) complete_ = true;
    schedule();
    if (settled()) settled_signal_.notify();
}

asio::awaitable<std::error_code> Mirror::read_data(const std::string& path) {
    Result<coordination::Node> node = co_await store_.get(path, Watch::set);
    if (!node) co_return node.error().code;
    Entry& entry = entries_[path];
    const bool same = entry.node && entry.node->stat.modified_zxid == node->stat.modified_zxid;
    entry.node = std::move(*node);
    if (!same) changed(path);
    co_return std::error_code{};
}

asio::awaitable<std::error_code> Mirror::read_children(const std::string& path) {
    Result<coordination::Children> children = co_await store_.children(path, Watch::set);
    if (!children) co_return children.error().code;
    Entry& entry = entries_[path];
    const bool came = !entry.known();
    const std::vector<std::string> before =
        std::exchange(entry.children, children->names).value_or(std::vector<std::string>{});
    if (came) changed(path);
    for (const std::string& name : before) {
        if (!std::ranges::binary_search(children->names, name)) erase(child_path(path, name));
    }
    for (const std::string& name : children->names) {
        const std::string child = child_path(path, name);
        const auto known = entries_.find(child);
        // A child whose copy is empty was erased while it was being read, and is back.
        if (known == entries_.end() || !known->second.known()) mark(child);
    }
    co_return std::error_code{};
}

asio::awaitable<void> Mirror::retry_later() {
    if (std::exchange(backing_off_, true)) co_return;
    co_await clock_.sleep_for(settings_.retry);
    backing_off_ = false;
    schedule();
}

void Mirror::erase(const std::string& path) {
    // Its whole subtree: everything from "path" itself and "path/" on.
    const std::string prefix = path + "/";
    std::vector<std::string> gone;
    if (entries_.contains(path)) gone.push_back(path);
    for (auto it = entries_.lower_bound(prefix);
         it != entries_.end() && it->first.starts_with(prefix);
         ++it) {
        gone.push_back(it->first);
    }
    for (const std::string& victim : gone) {
        const auto entry = entries_.find(victim);
        const bool known = entry->second.known();
        dirty_.erase(victim);
        dirty_minor_.erase(victim);
        if (entry->second.reading) {
            entry->second.node.reset();
            entry->second.children.reset();
        } else {
            entries_.erase(entry);
        }
        if (known) changed(victim);
    }
}

void Mirror::changed(const std::string& path) {
    changed_.push_back(path);
    if (changed_.size() > 1) return;
    asio::post(tasks_.executor(), [this, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        const std::vector<std::string> batch = std::exchange(changed_, {});
        on_change_(batch);
        if (settled()) settled_signal_.notify();
    });
}

}  // namespace muster::follow
