"""Disks that are full, fail or are read-only, also under a running server: an error, and work again when they do, without a restart.

usage: full_disk_test.py AQUILON
The disk is a tmpfs of 3 MB in a mount namespace of the test's own; where that is not allowed the test is skipped (77). A disk that fails
is a file with ext4, whose kernel makes it read-only under whoever has files open; where there are no loop devices that part is left out.
Python's standard library only.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from data_folder import ENVIRONMENT, Server, ask, run, usage  # noqa: E402

DISK_BYTES = 3 << 20
IMAGE_BYTES = 16 << 20
OTHER_USER = 65534
RECOVERS_WITHIN = 15  # seconds, of a machine that is busy with other tests; the server tries every second


def fill(path):
    """Takes all room that is left."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass


def answers_again(port, key):
    deadline = time.monotonic() + RECOVERS_WITHIN
    while time.monotonic() < deadline:
        answer = ask(port, key)
        if answer.status == 200:
            return answer.json()["id"]
        time.sleep(0.1)
    raise AssertionError(f"no answer though there is room: {answer.status} {answer.body}")


def a_full_disk_is_told(program, disk):
    data, stuffing = disk / "data", disk / "stuffing"
    key = run(program, "keys", "create", "--data", data, "--name", "ann").splitlines()[-1]
    acknowledged = []
    with Server(program, data) as server:
        acknowledged.append(ask(server.port, key).json()["id"])
        for _ in range(3):
            fill(stuffing)
            statuses = set()
            for _ in range(40):
                answer = ask(server.port, key)
                statuses.add(answer.status)
                if answer.status == 200:  # the log of the database had room left
                    acknowledged.append(answer.json()["id"])
                else:
                    assert answer.status == 503 and "usage_not_recorded" in answer.body, answer.body
                    assert int(answer.headers["retry-after"]) > 0
                    assert str(disk) not in answer.body and "aquilon.db" not in answer.body, answer.body
            assert 503 in statuses, "the disk was never full"
            assert ask(server.port, key, path="/v1/models", method="GET").status == 200  # reading goes on
            done = subprocess.run([program, "keys", "create", "--data", str(data), "--name", "bob"], env=ENVIRONMENT,
                                  capture_output=True, text=True, check=False)
            assert done.returncode == 0 or "disk is full" in done.stderr, done.stderr
            if done.returncode == 0:
                run(program, "keys", "revoke", "--data", data, "bob")
            stuffing.unlink()
            acknowledged.append(answers_again(server.port, key))
        said = server.said()
        assert "usage cannot be recorded" in said and "usage is recorded again" in said, said
        server.stop()
    run(program, "check", data)
    finished = [row["id"] for row in usage(program, data) if row["ended"] == "finished"]
    assert sorted(finished) == sorted(acknowledged), f"{len(finished)} rows finished, {len(acknowledged)} acknowledged"


def a_read_only_disk_is_told(program, disk):
    data = disk / "data"
    mount("-o", "remount,ro", str(disk))
    for command in (["keys", "create", "--data", data, "--name", "bob"], ["serve", "--data", data, "--port", "0"],
                    ["usage", "--data", data], ["check", data]):
        done = subprocess.run([program, *map(str, command)], env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode not in (0, -6, -11), f"{command} on a read-only disk: {done.returncode} {done.stdout}"
        assert done.stderr.count("\n") == 1 and str(disk) in done.stderr, done.stderr
    mount("-o", "remount,rw", str(disk))
    with Server(program, data) as server:
        key = run(program, "keys", "create", "--data", data, "--name", "bob").splitlines()[-1]
        answers_again(server.port, key)
        server.stop()


def finished(program, data):
    run(program, "check", data)
    return sorted(row["id"] for row in usage(program, data) if row["ended"] == "finished")


def a_disk_that_fails_under_the_server_is_told(program, folder):
    """ext4 finds an error and turns read-only; its owner repairs it and mounts it again at the same place."""
    image, disk = folder / "image", folder / "failing"
    disk.mkdir()
    with open(image, "wb") as file:
        file.truncate(IMAGE_BYTES)
    made = shutil.which("mkfs.ext4") and subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=False).returncode == 0
    if not made or not mount("-o", "loop,errors=remount-ro", str(image), str(disk)):
        return "not seen: a disk that fails (no loop device with ext4)"
    device = pathlib.Path(next(line.split()[0] for line in pathlib.Path("/proc/mounts").read_text().splitlines() if line.split()[1] == str(disk)))
    data = disk / "data"
    key = run(program, "keys", "create", "--data", data, "--name", "ann").splitlines()[-1]
    try:
        with Server(program, data) as server:
            acknowledged = [ask(server.port, key).json()["id"] for _ in range(5)]
            pathlib.Path(f"/sys/fs/ext4/{device.name}/trigger_fs_error").write_text("1")
            for _ in range(5):
                answer = ask(server.port, key)
                assert answer.status == 503 and "usage_not_recorded" in answer.body, f"{answer.status} {answer.body}"
            assert ask(server.port, key, path="/v1/models", method="GET").status == 200
            assert server.process.poll() is None
            subprocess.run(["umount", "-l", str(disk)], check=True)
            assert ask(server.port, key).status == 503  # there is nothing at the place
            repaired = shutil.copy(image, folder / "repaired")  # the kernel does not let go of the other while files on it are open
            assert subprocess.run(["e2fsck", "-p", repaired], capture_output=True, check=False).returncode in (0, 1)
            assert mount("-o", "loop", repaired, str(disk)), "cannot mount it again"
            acknowledged.append(answers_again(server.port, key))
            server.stop()
        assert finished(program, data) == sorted(acknowledged)
    finally:
        subprocess.run(["umount", "-l", str(disk)], capture_output=True, check=False)
    return "disks that fail under a server are told"


def a_folder_that_becomes_read_only_is_told(program, folder):
    """By its permissions, for a server that is not root."""
    def as_other():
        os.setgroups([])
        os.setgid(OTHER_USER)
        os.setuid(OTHER_USER)

    folder.chmod(0o777)
    data = folder / "data"

    def create(name):
        return subprocess.run([program, "keys", "create", "--data", str(data), "--name", name], env=ENVIRONMENT, capture_output=True, text=True,
                              preexec_fn=as_other, check=False)

    try:
        key = create("ann").stdout.splitlines()[-1]
    except (subprocess.SubprocessError, OSError, IndexError):
        return "not seen: a folder that becomes read-only (needs root, and another user who may run the program)"
    with Server(program, data, preexec_fn=as_other) as server:
        acknowledged = []
        for _ in range(3):
            acknowledged.append(ask(server.port, key).json()["id"])
            for path in (*data.iterdir(), data):
                path.chmod(path.stat().st_mode & ~0o222)
            for _ in range(20):
                answer = ask(server.port, key)
                assert answer.status == 503 and "usage_not_recorded" in answer.body, f"{answer.status} {answer.body}"
                time.sleep(0.1)  # it tries again meanwhile
            done = create("bob")
            assert done.returncode not in (0, -6, -11) and done.stderr.count("\n") == 1 and str(data) in done.stderr, done.stderr
            for path in (data, *data.iterdir()):
                path.chmod(path.stat().st_mode | 0o200)
            acknowledged.append(answers_again(server.port, key))
        server.stop()
    assert finished(program, data) == sorted(acknowledged)
    return "folders that become read-only are told"


def mount(*arguments):
    return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False).returncode == 0


def inside(program):
    with tempfile.TemporaryDirectory() as folder:
        if not mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder):
            print("skipped: this machine does not let a test mount a tmpfs")
            return 77
        disk = pathlib.Path(folder)
        try:
            a_full_disk_is_told(program, disk)
            a_read_only_disk_is_told(program, disk)
        finally:
            subprocess.run(["umount", "-l", folder], check=False)
    print("full and read-only disks are told, and work again when they do")
    with tempfile.TemporaryDirectory() as folder:
        print(a_disk_that_fails_under_the_server_is_told(program, pathlib.Path(folder)))
        print(a_folder_that_becomes_read_only_is_told(program, pathlib.Path(folder)))
    return 0


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    if sys.argv[2:] == ["--inside"]:
        return inside(program)
    command = ["unshare", "--mount", *(["--user", "--map-root-user"] if os.geteuid() else []), sys.executable, __file__, program, "--inside"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr, end="")
    if "unshare" in done.stderr and done.returncode == 1 and not done.stdout:
        print("skipped: this machine does not give a test a mount namespace")
        return 77
    return done.returncode


sys.exit(main())
