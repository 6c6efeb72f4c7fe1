#pragma once

namespace muster::test {

/// 100 masters that die or stand still at random times, under fleets that grow and shrink: real
/// nodes, ZooKeeper and etcd. Decisions that differ from one core's, and ticks without a decision
/// or a record beyond what killed masters explain, are failures. Takes some ten minutes.
void failovers();

}  // namespace muster::test
