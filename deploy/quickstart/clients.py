"""Clients that go where the fleet's name leads, as browsers and most libraries do."""

import threading

import services
from load import PATIENCE, Connection, ask

ASKED_EACH = 0.5  # seconds; the records live for 5


def addresses_now(ports):
    """HOST:PORT of the load balancers that the name answers with. Without a DNS server, as its records would be: those
    that serve, as the API says. None: nobody answers."""
    if (found := services.addresses(ports)) is not None:
        return [f"{address}:{ports['LB']}" for address in found]
    if services.has_dns_server() or not (scaling := services.scaling(ports)):
        return None
    up = services.lbs_in_rotation(ports)
    return sorted(one["address"] for one in scaling["instances"] if one["phase"] == "serving" and one["id"] in up)


class Name:
    """What the name answers, asked again and again. No answer, or one without addresses: the last one stays in use."""

    def __init__(self, ports):
        self._ports = ports
        self._ending = threading.Event()
        self.addresses = addresses_now(ports) or []
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self):
        while not self._ending.wait(ASKED_EACH):
            self.addresses = addresses_now(self._ports) or self.addresses

    def stop(self):
        self._ending.set()
        self._thread.join(PATIENCE)


class Client:
    """Takes the addresses in turn, and keeps a connection to each that the name still has. Where one is refused it
    tries the next address: nothing was sent there."""

    def __init__(self, name, number=0):
        self._name = name
        self._turn = number
        self._connections = {}
        self.next_ones = 0  # how often it had to try the next one

    def choose(self):
        """The addresses in the order in which the next request tries them."""
        addresses = self._name.addresses
        for gone in self._connections.keys() - set(addresses):
            self._connections.pop(gone).close()
        self._turn += 1
        first = self._turn % max(1, len(addresses))
        return addresses[first:] + addresses[:first]

    def ask(self, path, addresses, note_again):
        """The body, and who answered. Raises OSError or HTTPException when there is no whole answer with 200."""
        refused = OSError("the name has no address")
        for number, address in enumerate(addresses):
            self.next_ones += number > 0
            connection = self._connections.setdefault(address, Connection(address, timeout=PATIENCE))
            try:
                return ask(connection, path, note_again), address
            except ConnectionRefusedError as error:
                refused = error
        raise refused
