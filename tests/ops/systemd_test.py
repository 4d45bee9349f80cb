"""The units of ops under a running systemd, installed as docs/OPERATIONS.md says: readiness, sandbox, limits, reload, watchdog, restarts.

usage: systemd_test.py AQUILON
systemd is this machine's own, in namespaces; where it cannot be booted so, the test is skipped (77). Python's standard library only.
"""
import atexit
import ctypes
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
from load import Load
from served import LLAMA, SECONDS, Served, wait_until

AQUILON = str(pathlib.Path(sys.argv.pop(1)).resolve())
HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent.parent
PORT = 8080  # of ops/aquilon.socket, in a network namespace of its own
SERVICE = "aquilon.service"
CONFIG = '[serve]\nmodel = "tiny=/var/lib/aquilon/tiny.gguf"\n'


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


class Machine:
    """A systemd that runs, and what is said to it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="aquilon-systemd-"))
        given = self.folder / "given"
        given.mkdir()
        (given / "build").mkdir()
        shutil.copy(AQUILON, given / "build/aquilon")
        shutil.copytree(REPO / "ops", given / "ops")
        shutil.copy(LLAMA, given / "tiny.gguf")
        (given / "aquilon.toml").write_text(CONFIG)
        self.log = open(self.folder / "log", "w+")
        self.boot = subprocess.Popen([str(HERE / "systemd_boot.sh"), str(self.folder)], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        atexit.register(self.close)
        self.pid = None

    def wait_until_it_runs(self):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.boot.poll() is None:
            children = pathlib.Path(f"/proc/{self.boot.pid}/task/{self.boot.pid}/children")
            if pids := children.read_text().split():
                self.pid = int(pids[0])
                if pathlib.Path(f"/proc/{self.pid}/comm").read_text() == "systemd\n" and self.say("systemctl is-system-running").stdout == "running\n":
                    return
            time.sleep(0.1)
        said = (self.folder / "log").read_text().strip().splitlines() or ["it says nothing"]
        skip(f"systemd cannot be booted here: {said[-1]}")

    def say(self, command, check=False):
        done = subprocess.run(["nsenter", "--target", str(self.pid), "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--net", "--root", "--wd",
                               "--", "bash", "-ec", f"cd /srv/given; {command}"], capture_output=True, text=True, timeout=2 * SECONDS, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}{self.told()}"
        return done

    def told(self):
        return self.say(f"systemctl status --no-pager --full {SERVICE}; journalctl --no-pager -n 30").stdout

    def shown(self, name):
        return self.say(f"systemctl show --property={name} --value {SERVICE}", check=True).stdout.strip()

    def process(self):
        """The service's process, as this side numbers it."""
        inside = self.shown("MainPID")
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                numbers = re.search(r"(?m)^NSpid:\t(.*)$", status.read_text())
            except OSError:
                continue
            if numbers and numbers[1].split()[1:] == [inside]:
                return int(status.parent.name)
        raise AssertionError(f"no process {inside}")

    def close(self):
        if self.boot.poll() is None:
            self.boot.kill()  # and PID 1 with it, and all below
        self.boot.wait()
        groups = self.folder / "groups"
        for group in groups.read_text().split() if groups.exists() else []:
            end = time.monotonic() + 5
            while os.path.isdir(group) and time.monotonic() < end:
                for path, _, _ in os.walk(group, topdown=False):
                    try:
                        os.rmdir(path)
                    except OSError:  # some process is not gone yet
                        time.sleep(0.05)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def install_as_documented(machine):
    """The commands of docs/OPERATIONS.md, and the model that the configuration names."""
    text = (REPO / "docs/OPERATIONS.md").read_text()
    commands = re.search(r"## Run\n.*?```sh\n(.*?)```", text, re.S)[1]
    assert "systemctl enable --now" in commands, commands
    machine.say("install -D -m 0644 tiny.gguf /var/lib/aquilon/tiny.gguf", check=True)
    machine.say(commands, check=True)


class Units(unittest.TestCase):
    def setUp(self):
        self.assertEqual(MACHINE.shown("ActiveState"), "active")
        self.server = Served.__new__(Served)
        self.server.port = PORT

    def answers(self):
        status, text = self.server.complete()
        self.assertEqual(status, 200, text)

    def override(self, lines):
        MACHINE.say(f"mkdir -p /run/systemd/system/{SERVICE}.d; printf '[Service]\\n{lines}' >/run/systemd/system/{SERVICE}.d/test.conf; "
                    f"systemctl daemon-reload; systemctl restart {SERVICE}", check=True)
        self.addCleanup(MACHINE.say, f"rm /run/systemd/system/{SERVICE}.d/test.conf; systemctl daemon-reload; systemctl restart {SERVICE}", check=True)

    def test_it_is_ready_when_it_says_so(self):
        self.assertEqual(MACHINE.shown("Type"), "notify")
        self.answers()
        MACHINE.say(f"systemctl restart {SERVICE}", check=True)
        self.assertEqual(self.server.ask("/readyz")[0], 200)  # at once: systemctl has waited for it
        self.assertRegex(MACHINE.say("systemctl is-active aquilon.socket").stdout, "^active")

    def test_the_journal_has_its_log(self):
        status, headers, _ = self.server.ask("/v1/models", headers={"X-Request-Id": "for-the-journal"})
        self.assertEqual((status, headers["x-request-id"]), (200, "for-the-journal"))
        wait_until(lambda: "for-the-journal" in self.journal(), "the line of the request")
        [line] = [json.loads(line) for line in self.journal().splitlines() if "for-the-journal" in line]
        self.assertEqual((line["event"], line["path"], line["status"]), ("request", "/v1/models", 200))

    @staticmethod
    def journal():
        return MACHINE.say(f"journalctl --no-pager --output=cat --unit={SERVICE}", check=True).stdout

    def test_units_have_no_mistakes(self):
        done = MACHINE.say("systemd-analyze verify /etc/systemd/system/aquilon.service /etc/systemd/system/aquilon.socket")
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        rating = MACHINE.say(f"systemd-analyze security --no-pager {SERVICE}", check=True).stdout
        self.assertLessEqual(float(re.search(r"exposure level for \S+: ([0-9.]+)", rating)[1]), 2.0, rating)

    def test_the_sandbox_is_in_force(self):
        process = MACHINE.process()
        status = dict(re.findall(r"(?m)^(\w+):\t(.*)$", pathlib.Path(f"/proc/{process}/status").read_text()))
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        self.assertEqual({int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}, {0})
        self.assertNotIn("0", status["Uid"].split())
        limits = pathlib.Path(f"/proc/{process}/limits").read_text()
        files = min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])  # what this machine lets systemd give
        self.assertRegex(limits, rf"Max open files +{files} +{files} ")
        self.assertRegex(limits, r"Max core file size +0 +0")

        def inside(command):  # as root, in what the process sees: the mounts alone stand in the way
            return subprocess.run(["nsenter", "--target", str(process), "--mount", "--root", "--", "sh", "-c", command],
                                  capture_output=True, text=True, check=False)

        for path in ("/usr/x", "/etc/x", "/var/x", "/sys/fs/cgroup/x"):
            self.assertIn("Read-only file system", inside(f"touch {path}").stderr)
        self.assertEqual(inside("touch /var/lib/aquilon/x && rm /var/lib/aquilon/x").stderr, "")
        self.assertEqual(inside("ls /home /root /tmp").stdout.split(), ["/home:", "/root:", "/tmp:"])
        self.assertEqual(inside("ls /dev/kmsg /dev/mem /dev/sda 2>/dev/null").stdout, "")

    def test_memory_and_tasks_are_limited(self):
        self.override("MemoryMax=700M\\nTasksMax=64\\n")
        self.answers()
        groups = dict(line.split(":")[1:] for line in pathlib.Path(f"/proc/{MACHINE.process()}/cgroup").read_text().splitlines())
        if "memory" not in groups:
            self.skipTest("this machine has the controllers elsewhere")
        path = MACHINE.shown("ControlGroup")
        self.assertEqual(MACHINE.say(f"cat /sys/fs/cgroup/memory{path}/memory.limit_in_bytes").stdout.strip(), str(700 << 20))
        self.assertEqual(MACHINE.say(f"cat /sys/fs/cgroup/pids{path}/pids.max").stdout.strip(), "64")
        _, _, metrics = self.server.ask("/metrics")
        resident = float(re.search(r"(?m)^process_resident_memory_bytes (\S+)", metrics)[1])
        self.assertLess(resident, 700 << 20)

    def test_reload_takes_settings_over(self):
        process = MACHINE.process()
        self.assertEqual(self.server.ask("/v1/models", headers={"Host": "models.example"})[0], 403)
        MACHINE.say("echo 'allow-host = \"models.example\"' >>/etc/aquilon/aquilon.toml; systemctl reload aquilon", check=True)
        wait_until(lambda: self.server.ask("/v1/models", headers={"Host": "models.example"})[0] == 200, "the new setting")
        self.assertEqual(MACHINE.process(), process)
        self.assertEqual(MACHINE.shown("Result"), "success")

    def test_a_process_that_stands_still_is_ended_and_started_again(self):
        self.override("WatchdogSec=2\\n")
        self.answers()
        before = MACHINE.process()
        os.kill(before, signal.SIGSTOP)
        wait_until(lambda: MACHINE.shown("NRestarts") == "1", "the watchdog")
        self.answers()  # waits at the socket until the new one is there
        self.assertNotEqual(MACHINE.process(), before)

    def test_a_process_that_dies_is_started_again_and_clients_wait(self):
        restarts = int(MACHINE.shown("NRestarts"))
        for _ in range(2):
            os.kill(MACHINE.process(), signal.SIGKILL)
            wait_until(lambda: MACHINE.shown("ActiveState") != "active" or int(MACHINE.shown("NRestarts")) > restarts, "the end")
            self.answers()
            restarts += 1
            wait_until(lambda: MACHINE.shown("ActiveState") == "active", "the new process")

    def test_no_request_fails_while_it_is_restarted(self):
        load = Load(PORT)
        try:
            load.wait_for(20)
            for _ in range(3):
                MACHINE.say(f"systemctl restart {SERVICE}", check=True)
                load.wait_for(20)
        finally:
            load.stop()
        self.assertEqual(load.failures, [])
        self.assertEqual(MACHINE.shown("Result"), "success")

    def test_stopping_is_no_failure(self):
        MACHINE.say(f"systemctl stop aquilon.socket {SERVICE}", check=True)
        self.addCleanup(MACHINE.say, f"systemctl start aquilon.socket {SERVICE}", check=True)
        self.assertEqual((MACHINE.shown("Result"), MACHINE.shown("ActiveState")), ("success", "inactive"))


if os.geteuid() != 0:
    skip("systemd is booted by root only")
for tool in ("/lib/systemd/systemd", "/usr/bin/systemd-analyze", "/usr/bin/nsenter", "/usr/bin/unshare", "/usr/bin/dbus-daemon"):
    if not os.path.exists(tool):
        skip(f"{tool} is not on this machine")
MACHINE = Machine()
MACHINE.wait_until_it_runs()
NAMESPACE = open(f"/proc/{MACHINE.pid}/ns/net")
if ctypes.CDLL(None, use_errno=True).setns(NAMESPACE.fileno(), 0x40000000) != 0:
    skip("its network namespace cannot be joined")
install_as_documented(MACHINE)
unittest.main()
