"""What a HAProxy of the quickstart says of itself, over its own socket: it is asked, not muster."""

import socket


def ask(lb, command):
    """As people do with socat; empty when it doesn't answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(lb.directory / "admin.sock"))
            connection.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode(errors="replace")
        except OSError:
            return ""


def servers(lb):
    """(group, server) -> ready, drain or maintenance; empty when it doesn't answer."""
    states = {}
    for line in ask(lb, "show servers state").splitlines():
        # be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight ...; of the admin state bit 2
        # says how the server began, not how it is. A weight of 0 in its file is as good as drain.
        fields = line.split()
        if len(fields) > 8 and fields[0].isdigit():
            if fields[1].startswith("_"):
                continue  # the agent's own, no group
            admin, weight = int(fields[6]), int(fields[7])
            state = "maintenance" if admin & 0x03 else "drain" if admin & 0x18 or weight == 0 else "ready"
            states[fields[1].partition(":")[0], fields[3]] = state
    return states


def worker(lb):
    """The pid of the worker that has the sockets now; None: there is none."""
    lines = (line.partition(": ") for line in ask(lb, "show info").splitlines())
    return next((value for name, _, value in lines if name == "Pid"), None)
