#pragma once

namespace muster::test {

/// 100 masters that die or stand still at random times, under fleets that grow and shrink: real
/// nodes, ZooKeeper and etcd. Takes some ten minutes.
void failovers();

}  // namespace muster::test
