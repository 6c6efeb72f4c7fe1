#include "common/coordination/store.hpp"

namespace muster::coordination {

namespace {

class Category final : public std::error_category {
 public:
    const char* name() const noexcept override { return "coordination"; }

    std::string message(int value) const override {
        switch (static_cast<Errc>(value)) {
            case Errc::no_node:
                return "no such node";
            case Errc::node_exists:
                return "the node exists already";
            case Errc::bad_version:
                return "the node has another version";
            case Errc::not_empty:
                return "the node has children";
            case Errc::no_auth:
                return "not permitted by the node's ACL";
            case Errc::no_children_for_ephemerals:
                return "an ephemeral node can't have children";
            case Errc::rolled_back:
                return "rolled back, another op of the transaction failed";
            case Errc::rejected:
                return "refused by the server";
            case Errc::invalid_argument:
                return "invalid argument";
            case Errc::too_large:
                return "over the size limit of a request";
            case Errc::too_many:
                return "too many requests in flight";
            case Errc::not_connected:
                return "no connection to the coordination service";
            case Errc::session_lost:
                return "the session has ended";
            case Errc::closed:
                return "the store is closed";
            case Errc::unknown_outcome:
                return "the reply was lost: it may have been applied or not";
        }
        return "unknown coordination error";
    }
};

asio::awaitable<MultiOutcome> one(Store& store, Op op) {
    std::vector<Op> ops;
    ops.push_back(std::move(op));
    co_return co_await store.multi(std::move(ops));
}

tl::unexpected<Error> error_of(MultiOutcome outcome) {
    const std::error_code own =
        outcome.op_errors.empty() ? std::error_code{} : outcome.op_errors.front();
    return fail(own ? own : outcome.error, std::move(outcome.context));
}

}  // namespace

const std::error_category& category() {
    static const Category instance;
    return instance;
}

asio::awaitable<Result<std::string>> create(Store& store, CreateOp op) {
    MultiOutcome outcome = co_await one(store, std::move(op));
    if (!outcome.ok()) co_return error_of(std::move(outcome));
    co_return std::move(outcome.ops.front().path);
}

asio::awaitable<Result<Stat>> set(Store& store, SetOp op) {
    MultiOutcome outcome = co_await one(store, std::move(op));
    if (!outcome.ok()) co_return error_of(std::move(outcome));
    co_return outcome.ops.front().stat;
}

asio::awaitable<Result<void>> remove(Store& store, DeleteOp op) {
    MultiOutcome outcome = co_await one(store, std::move(op));
    if (!outcome.ok()) co_return error_of(std::move(outcome));
    co_return Result<void>{};
}

}  // namespace muster::coordination
