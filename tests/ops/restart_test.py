"""Restarts of a server that clients are using: none of their requests fails. Python's standard library only.

usage: restart_test.py AQUILON
"""
import http.client
import json
import pathlib
import signal
import socket
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
from load import Load
from served import SECONDS, NotifySocket, Served

AQUILON = str(pathlib.Path(sys.argv.pop(1)).resolve())


class Restarts(unittest.TestCase):
    def test_no_request_fails_while_servers_follow_each_other(self):
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
            old = Served(AQUILON, listener=listener)
            self.addCleanup(old.close)
            self.assertEqual(old.port, listener.getsockname()[1])
            load = Load(old.port)
            try:
                load.wait_for(20)
                for _ in range(3):
                    manager = NotifySocket()
                    new = Served(AQUILON, listener=listener, environment={"NOTIFY_SOCKET": manager.name}, wait=False)
                    self.addCleanup(new.close)
                    manager.wait_for("READY=1")
                    manager.close()
                    self.assertEqual(old.stop(), 0)
                    load.wait_for(20)
                    old = new
            finally:
                load.stop()
            self.assertEqual(load.failures, [])

    def test_a_restart_of_one_server_lets_clients_wait(self):
        # As `systemctl restart` does with a socket unit: the socket stays, nobody takes from it for a moment.
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
            server = Served(AQUILON, listener=listener)
            self.addCleanup(server.close)
            load = Load(server.port)
            try:
                load.wait_for(20)
                self.assertEqual(server.stop(), 0)
                server = Served(AQUILON, listener=listener)
                self.addCleanup(server.close)
                load.wait_for(20)
            finally:
                load.stop()
            self.assertEqual(load.failures, [])

    def test_what_runs_at_sigterm_is_answered_whole(self):
        server = Served(AQUILON, "--parallel", "8")
        self.addCleanup(server.close)
        answers, begun = [], threading.Barrier(9)

        def stream():
            connection = server.connect()
            body = {"model": "tiny", "prompt": "he", "max_tokens": 150, "ignore_eos": True, "stream": True}
            connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read(1)
            begun.wait(SECONDS)
            answers.append((answer.status, (text + answer.read()).decode()))
            connection.close()

        threads = [threading.Thread(target=stream) for _ in range(8)]
        for thread in threads:
            thread.start()
        begun.wait(SECONDS)
        self.assertEqual(server.stop(), 0)
        for thread in threads:
            thread.join()
        self.assertEqual([status for status, _ in answers], [200] * 8)
        for _, text in answers:
            self.assertTrue(text.endswith("data: [DONE]\n\n") and '"finish_reason":"length"' in text, text[-200:])

    def test_who_has_connected_at_sigterm_is_answered(self):
        server = Served(AQUILON, "--parallel", "8")
        self.addCleanup(server.close)
        failures, answered, stopped = [], [], threading.Event()

        def ask():
            while True:
                try:
                    connection = server.connect()
                    connection.connect()
                except OSError:
                    if stopped.is_set():
                        return  # nobody listens any more
                    failures.append("refused before the stop")
                    return
                try:
                    Load.ask(connection, stream=len(answered) % 2 == 0)
                    answered.append(1)
                except (OSError, http.client.HTTPException, AssertionError, ValueError) as failure:
                    failures.append(repr(failure))
                connection.close()

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + SECONDS
        while len(answered) < 30 and time.monotonic() < end:
            time.sleep(0.01)
        stopped.set()
        self.assertEqual(server.stop(), 0)
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertGreaterEqual(len(answered), 30)

    def test_an_idle_server_ends_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = Served(AQUILON)
            self.addCleanup(server.close)
            self.assertEqual(server.stop(number), 0)


if __name__ == "__main__":
    unittest.main()
