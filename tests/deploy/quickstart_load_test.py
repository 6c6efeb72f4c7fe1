"""The quickstart's clients: which requests they send again, and which have failed."""

import http.client
import socket
import struct
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deploy/quickstart"))
from load import Connection, ask  # noqa: E402

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"


class Server:
    """For each connection, what is written for each request on it in turn; then it is closed, or reset."""

    def __init__(self, *connections):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests = 0
        self._thread = threading.Thread(target=self._run, args=connections, daemon=True)
        self._thread.start()

    def _run(self, *connections):
        for *answers, end in connections:
            connection, _ = self._listener.accept()
            with connection:
                for answer in answers:
                    seen = b""
                    while not seen.endswith(b"\r\n\r\n"):
                        seen += connection.recv(4096)
                    self.requests += 1
                    connection.sendall(answer)
                if end == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def close(self):
        self._thread.join(10)
        self._listener.close()


class Ask(unittest.TestCase):
    def asked(self, times, *connections):
        """The answers, the last one's error if it is one; how often it was sent again; how many requests came."""
        server = Server(*connections)
        connection = Connection(server.address, timeout=10)
        again, answers = [], []
        try:
            for _ in range(times):
                answers.append(ask(connection, "/", lambda: again.append(1)))
        except (OSError, http.client.HTTPException) as error:
            answers.append(type(error))
        finally:
            connection.close()
            server.close()
        return answers, len(again), server.requests

    def test_a_kept_connection_that_ends_without_a_byte_is_tried_once_more_and_that_is_counted(self):
        for end in ("closed", "reset"):
            with self.subTest(end):
                self.assertEqual(self.asked(2, (GOOD, b"", end), (GOOD, "closed")), (["fine", "fine"], 1, 3))

    def test_twice_is_a_failure(self):
        answers, again, requests = self.asked(2, (GOOD, b"", "closed"), (b"", "closed"))
        self.assertTrue(issubclass(answers[-1], ConnectionError), answers)
        self.assertEqual((again, requests), (1, 3))

    def test_a_new_connection_that_ends_without_a_byte_is_a_failure(self):
        answers, again, requests = self.asked(1, (b"", "closed"))
        self.assertTrue(issubclass(answers[-1], ConnectionError), answers)
        self.assertEqual((again, requests), (0, 1))

    def test_an_answer_that_has_begun_is_a_failure(self):
        for part in (b"H", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Le", GOOD[:-1]):
            for end in ("closed", "reset"):
                with self.subTest(part, end=end):
                    answers, again, requests = self.asked(2, (GOOD, part, end))
                    self.assertNotEqual(answers[1:], ["fine"])
                    self.assertEqual((len(answers), again, requests), (2, 0, 2))

    def test_another_status_is_a_failure(self):
        bad = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
        self.assertEqual(self.asked(1, (bad, "closed")), ([http.client.HTTPException], 0, 1))


if __name__ == "__main__":
    unittest.main()
