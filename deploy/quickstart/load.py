"""What clients of load balancers see: GET requests at a steady rate, and what became of each."""

import http.client
import threading
import time
from dataclasses import dataclass

PATIENCE = 5  # seconds for an answer


@dataclass(frozen=True)
class Lost:
    address: str
    path: str
    began: float  # time.monotonic()
    why: str


class _Answer(http.client.HTTPResponse):
    def begin(self):
        try:
            if not self.fp.peek(1):
                raise http.client.RemoteDisconnected("the connection was closed without an answer")
        except ConnectionError as error:
            error.before_any_byte = True
            raise
        super().begin()


class Connection(http.client.HTTPConnection):
    response_class = _Answer


def ask(connection, path, note_again):
    """The body of the answer. Raises OSError or HTTPException when there is no whole answer with 200.

    A server may close a connection that it kept just as a request goes out. Then clients send a request that may be
    repeated once more, over a new one, if not a byte of an answer came (RFC 9112, 9.3.1); `note_again` counts these.
    """
    was_kept = connection.sock is not None
    try:
        try:
            connection.request("GET", path)
        except ConnectionError as error:
            error.before_any_byte = True
            raise
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        if was_kept and getattr(error, "before_any_byte", False):
            note_again()
            return ask(connection, path, note_again)
        raise
    if answer.status != 200:
        raise http.client.HTTPException(f"{answer.status} {body[:80].decode(errors='replace').strip()}")
    return body.decode(errors="replace").strip()


class _Record:
    """What was sent, from several threads, and what became of it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._under_way = {}  # thread -> (began, address, path)
        self._newest = {}  # (address, body) -> when its newest request began
        self._began = []  # of all: (when, address, path)
        self._failures = []
        self._again = []  # of requests that were sent twice: when, the second time
        self._threads = []

    def _start(self, *runs):
        self._threads = [threading.Thread(target=run, args=arguments, daemon=True) for run, *arguments in runs]
        for thread in self._threads:
            thread.start()

    def _send(self, address, path, ask_it):
        """`ask_it` answers with the body and who gave it."""
        began, me = time.monotonic(), threading.get_ident()
        with self._lock:
            self._began.append((began, address, path))
            self._under_way[me] = (began, address, path)
        why = body = None
        try:
            body, address = ask_it()
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
        with self._lock:
            del self._under_way[me]
            if why is None:
                self._newest[address, body] = max(began, self._newest.get((address, body), 0))
            else:
                self._failures.append(Lost(address, path, began, why))

    def note_again(self):
        with self._lock:
            self._again.append(time.monotonic())

    def sent_again(self, since=0):
        """How many requests found their kept connection closed, without a byte, and were sent once more."""
        with self._lock:
            return sum(since <= when for when in self._again)

    def stop(self):
        self._ending.set()
        for thread in self._threads:
            thread.join(PATIENCE + 1)

    def sent(self, since=0, until=float("inf"), address=None, path=None):
        """How many began in that time, to that address and path."""
        with self._lock:
            return sum(since <= began <= until and address in (None, to) and path in (None, what)
                       for began, to, what in self._began)

    def failures(self, since=0):
        with self._lock:
            return [failure for failure in self._failures if failure.began >= since]

    def under_way(self, until=float("inf"), address=None, path=None):
        """How many wait for their answer that began by then."""
        with self._lock:
            return sum(began <= until and address in (None, to) and path in (None, what)
                       for began, to, what in self._under_way.values())

    def newest(self, body, address):
        """When the newest request began that was answered so; 0: none."""
        with self._lock:
            return self._newest.get((address, body), 0)


class Load(_Record):
    """`per_second` requests to each address, paths in turn, over kept connections, from threads of its own.
    A request that hangs holds one of `connections`; the others go on at the same rate."""

    def __init__(self, addresses, paths, per_second, connections=12):
        super().__init__()
        self._period = 1 / per_second
        self._paths = paths
        self._due = {address: time.monotonic() for address in addresses}
        self._number = dict.fromkeys(addresses, 0)
        self._start(*((self._run, address) for address in addresses for _ in range(connections)))

    def _next(self, address):
        """When the next request to `address` is due, and its path. What no connection was free for is left out."""
        with self._lock:
            due = self._due[address] = max(self._due[address] + self._period, time.monotonic() - 1)
            self._number[address] += 1
            return due, self._paths[self._number[address] % len(self._paths)]

    def _run(self, address):
        connection = Connection(address, timeout=PATIENCE)
        while not self._ending.is_set():
            due, path = self._next(address)
            self._ending.wait(max(0, due - time.monotonic()))
            self._send(address, path, lambda path=path: (ask(connection, path, self.note_again), address))


class FollowingLoad(_Record):
    """`per_second` requests to those that the fleet's name leads to, in turn, from `clients` (of clients.py)."""

    def __init__(self, clients, paths, per_second):
        super().__init__()
        self.per_second = per_second
        self.clients = clients
        self._paths = paths
        self._due = time.monotonic()
        self._number = 0
        self._start(*((self._run, client) for client in clients))

    def _next(self):
        with self._lock:
            due = self._due = max(self._due + 1 / self.per_second, time.monotonic() - 1)
            self._number += 1
            return due, self._paths[self._number % len(self._paths)]

    def _run(self, client):
        while not self._ending.is_set():
            due, path = self._next()
            self._ending.wait(max(0, due - time.monotonic()))
            addresses = client.choose()
            self._send((addresses or ["nobody"])[0], path,
                       lambda path=path, addresses=addresses: client.ask(path, addresses, self.note_again))

    def next_ones(self):
        """How often a connection was refused, and the next address was tried."""
        return sum(client.next_ones for client in self.clients)
