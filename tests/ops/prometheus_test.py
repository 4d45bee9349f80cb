"""Prometheus scrapes a server that is used, and every query of ops/grafana.json finds its data there.

usage: prometheus_test.py AQUILON
The server has TLS and a key, as docs/OPERATIONS.md has it. Where there is no prometheus (Debian's package) the test is skipped (77).
Python's standard library only.
"""
import contextlib
import http.client
import json
import math
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
from served import SECONDS, Served, wait_until

AQUILON = str(pathlib.Path(sys.argv.pop(1)).resolve())
DASHBOARD = json.loads((pathlib.Path(__file__).resolve().parent.parent.parent / "ops/grafana.json").read_text())
KEY = "sk-of-prometheus"
MAY_BE_NAN = {"Guesses that were right"}  # the share of none: whether guesses pay is for the server to say
RATE = "15s"  # Grafana's $__rate_interval: four scrapes at least
CONFIG = """
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: aquilon
    scheme: https
    tls_config: {{ca_file: {folder}/cert.pem, server_name: localhost}}
    authorization: {{credentials_file: {folder}/key}}
    static_configs: [{{targets: ["localhost:{port}"]}}]
"""
if not shutil.which("prometheus") or not shutil.which("promtool"):
    print("skipped: prometheus is not on this machine (apt install prometheus)")
    sys.exit(77)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Users:
    """Streams and whole answers, one after the other, some of which are refused, until it is left."""

    def __init__(self, port, context):
        self.port, self.context, self.stopping = port, context, threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(4)]

    def run(self, number):
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=SECONDS, context=self.context)
        while not self.stopping.is_set():
            body = {"model": "tiny", "prompt": "hello " * 20, "max_tokens": 24, "temperature": 0, "ignore_eos": True, "stream": number % 2 == 0}
            for path in ("/v1/completions", "/nowhere"):
                connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
                connection.getresponse().read()
        connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class Dashboards(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.folder / "key.pem", "-out",
                        self.folder / "cert.pem"], check=True, capture_output=True)
        self.server = Served(AQUILON, "--tls-cert", str(self.folder / "cert.pem"), "--tls-key", str(self.folder / "key.pem"),
                             environment={"AQUILON_API_KEY": KEY})
        self.addCleanup(self.server.close)
        self.context = ssl.create_default_context(cafile=self.folder / "cert.pem")
        (self.folder / "key").write_text(KEY)
        (self.folder / "prometheus.yml").write_text(CONFIG.format(folder=self.folder, port=self.server.port))

    def start_prometheus(self):
        self.port = free_port()
        subprocess.run(["promtool", "check", "config", self.folder / "prometheus.yml"], check=True, capture_output=True)
        log = self.enterContext(open(self.folder / "log", "w"))
        process = subprocess.Popen(["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
                                    f"--web.listen-address=127.0.0.1:{self.port}"], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def ask(self, path, **fields):
        with contextlib.suppress(urllib.error.URLError), urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(fields)}", timeout=SECONDS) as answer:
            said = json.load(answer)
            self.assertEqual((said["status"], said.get("warnings")), ("success", None), fields)
            return said["data"]
        return None

    def values_of(self, definition):
        metric, label = re.fullmatch(r"label_values\(([\w:]+), (\w+)\)", definition).groups()
        return self.ask(f"label/{label}/values", **{"match[]": metric})

    def scrapes(self):
        up = self.ask("query", query="sum_over_time(up[1h])")
        return float(up["result"][0]["value"][1]) if up and up["result"] else 0

    def test_every_query_finds_its_data(self):
        with Users(self.server.port, self.context):
            self.start_prometheus()
            wait_until(lambda: self.scrapes() >= 8, "the scrapes")
            variables = {v["name"]: self.values_of(v["definition"]) for v in DASHBOARD["templating"]["list"] if v["type"] == "query"}
            self.assertEqual(variables, {"instance": [f"localhost:{self.server.port}"], "model": ["tiny"]})
            missing = []
            for panel in DASHBOARD["panels"]:
                for target in panel.get("targets", []):
                    query = target["expr"].replace("$__rate_interval", RATE)
                    for name, values in variables.items():
                        query = query.replace(f"${name}", "(" + "|".join(re.escape(v).replace("\\", "\\\\") for v in values) + ")")
                    self.assertNotIn("$", query)
                    found = self.ask("query", query=query)
                    self.assertIsNotNone(found, query)
                    now = time.time()
                    drawn = self.ask("query_range", query=query, start=now - 3, end=now, step=1)
                    numbers = [float(row["value"][1]) for row in found["result"]]
                    whole = panel["title"] in MAY_BE_NAN or all(map(math.isfinite, numbers))
                    if not numbers or not drawn["result"] or not whole:
                        missing.append((panel["title"], query, found["result"]))
            self.assertEqual(missing, [])

    def test_metrics_are_as_prometheus_wants_them(self):
        connection = http.client.HTTPSConnection("localhost", self.server.port, timeout=SECONDS, context=self.context)
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {KEY}"})
        text = connection.getresponse().read()
        connection.close()
        told = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
        # vLLM's names have colons, which are for rules, and one histogram of its is called a total.
        wrong = [line for line in told.stderr.decode().splitlines() if not line.startswith("vllm:")]
        self.assertEqual(wrong, [])


unittest.main()
