#!/bin/sh
# What systemd is to a host in these tests: units are files (fake_systemctl), and for each this keeps an agent and an
# HAProxy. The unit ends with them, and they with it.
#   host_units.sh UNITS LINKS AGENT PORT ADDRESS...
units=$1 links=$2 agent=$3 port=$4
shift 4

run() {
    id=$1 address=$2 unit=$3
    . "$links/$id/environment"
    cat > "$MUSTER_DIR/agent.yaml" <<END
cluster: main
zookeeper: [$MUSTER_PARAMETER_ZOOKEEPER]
zookeeper_auth_file: "$MUSTER_PARAMETER_AUTH_FILE"
fleet: $MUSTER_FLEET
instance: $MUSTER_ID
address: "$address:$port"
bind_address: $address
listen: "$address:19101"
state_dir: $MUSTER_DIR
haproxy:
  config_file: $MUSTER_DIR/haproxy.cfg
  stats_socket: $MUSTER_DIR/admin.sock
  master_socket: $MUSTER_DIR/master.sock
  state_file: $MUSTER_DIR/haproxy.state
  stats_address: $address
  stats_port: 19102
END
    "$agent" --config "$MUSTER_DIR/agent.yaml" >> "$units/log" 2>&1 &
    agent_pid=$!
    while [ ! -e "$MUSTER_DIR/haproxy.cfg" ] && [ -e "$unit" ] && kill -0 $agent_pid; do sleep 0.1; done
    /usr/sbin/haproxy -W -S "$MUSTER_DIR/master.sock" -f "$MUSTER_DIR/haproxy.cfg" >> "$units/log" 2>&1 &
    lb_pid=$!
    echo $lb_pid > "$units/pid-$id"
    while [ -e "$unit" ] && kill -0 $agent_pid && kill -0 $lb_pid; do sleep 0.1; done
    kill $agent_pid $lb_pid
    wait
    rm -f "$unit" "$units/pid-$id"
}

while sleep 0.1; do
    for unit in "$units"/lb@*.service; do
        id=${unit##*/lb@}
        id=${id%.service}
        [ -e "$unit" ] && [ ! -e "$units/seen-$id" ] || continue
        : > "$units/seen-$id"
        run "$id" "$1" "$unit" 2>> "$units/log" &
        shift
    done
done
