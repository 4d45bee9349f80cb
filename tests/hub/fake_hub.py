"""A hub on this machine: as much of the Hugging Face hub's HTTP interface as clients use to download, with
its storage on a second port, and faults to order."""
import collections
import hashlib
import http.server
import json
import ssl
import struct
import threading
import time
import urllib.parse

CHUNK = 64 * 1024


def gguf(size, architecture="llama", seed=1):
    """A valid GGUF file of exactly `size` bytes without tensors; the rest is one array of noise."""
    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    head = struct.pack("<4sIQQ", b"GGUF", 3, 0, 3)
    head += text("general.architecture") + struct.pack("<I", 8) + text(architecture)
    head += text(f"{architecture}.context_length") + struct.pack("<II", 4, 4096)
    head += text("noise") + struct.pack("<IIQ", 9, 0, 0)
    noise = size - len(head)
    assert noise > 0, "too small"
    head = head[:-8] + struct.pack("<Q", noise)
    block = b"".join(hashlib.sha256(f"{seed} {i}".encode()).digest() for i in range(2048))
    return head + (block * (noise // len(block) + 1))[:noise]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def git_oid(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Repo:
    def __init__(self, files, licence="apache-2.0", revision="main", gated=False, small=()):
        self.files = files  # path -> bytes
        self.commit = hashlib.sha1(repr(sorted((p, sha256(d)) for p, d in files.items())).encode()).hexdigest()
        self.revisions = {revision, self.commit}
        self.licence = licence
        self.gated = gated
        self.small = set(small)  # paths kept in git itself, without a SHA-256 in the listing

    def entry(self, path):
        data = self.files[path]
        if path in self.small or not path.endswith(".gguf"):
            return {"type": "file", "oid": git_oid(data), "size": len(data), "path": path}
        lfs = {"oid": sha256(data), "size": len(data), "pointerSize": 134}
        return {"type": "file", "oid": git_oid(lfs["oid"].encode()), "size": len(data), "path": path, "lfs": lfs}

    def listing(self):
        folders = sorted({p.rsplit("/", 1)[0] for p in self.files if "/" in p})
        return [{"type": "directory", "oid": "0" * 40, "size": 0, "path": f} for f in folders] + [
            self.entry(p) for p in sorted(self.files)]

    def info(self, name):
        return {"id": name, "modelId": name, "sha": self.commit, "private": False, "gated": self.gated,
                "disabled": False, "downloads": 0, "likes": 0, "tags": [], "cardData": {"license": self.licence},
                "siblings": [{"rfilename": p} for p in sorted(self.files)]}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if "Content-Length" not in dict(headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError, ssl.SSLError):
            self.close_connection = True

    def do_GET(self):
        hub = self.server.hub
        with hub.lock:
            hub.requests.append((self.server.role, self.command, self.path, dict(self.headers)))
            fault = hub.next_fault(self.server.role, self.path)
        if callable(fault):
            return fault(self)
        return self.serve(hub)

    do_HEAD = do_GET


class HubHandler(Handler):
    """The hub itself: its API, and resolve, which redirects to the storage."""

    def serve(self, hub):
        path, _, query = self.path.partition("?")
        parts = [urllib.parse.unquote(p) for p in path.strip("/").split("/")]
        if parts[:2] == ["api", "models"] and len(parts) >= 4:
            return self.api(hub, "/".join(parts[2:4]), parts[4:], urllib.parse.parse_qs(query))
        if len(parts) >= 5 and parts[2] == "resolve":
            return self.resolve(hub, "/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        return self.refuse(404, "RepoNotFound", "no such page")

    def refuse(self, status, code, message):
        self.answer(status, json.dumps({"error": message}).encode(), {
            "X-Error-Code": code, "X-Error-Message": message, "Content-Type": "application/json"})

    def repo(self, hub, name, revision):
        """The repository, or None after an answer was given."""
        if name in hub.moved:
            self.answer(307, b"", {"Location": self.path.replace(name, hub.moved[name], 1)})
        elif name not in hub.repos:
            self.refuse(401, "RepoNotFound", "Repository not found")
        elif hub.repos[name].gated and self.headers.get("Authorization") != f"Bearer {hub.token}":
            known = self.headers.get("Authorization") is not None
            self.refuse(403 if known else 401, "GatedRepo", "Access to this model is restricted")
        elif revision not in hub.repos[name].revisions:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return hub.repos[name]
        return None

    def json(self, value, headers=()):
        self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json", **dict(headers)})

    def api(self, hub, name, rest, query):
        revision = rest[1] if len(rest) > 1 else "main"
        repo = self.repo(hub, name, revision)
        if repo is None:
            return
        if not rest or rest[0] == "revision":
            return self.json(repo.info(name))
        if rest[0] != "tree":
            return self.refuse(404, "EntryNotFound", "no such interface")
        entries, start = repo.listing(), int(query.get("cursor", ["0"])[0])
        page = entries[start:start + hub.page_size]
        if start + hub.page_size >= len(entries):
            return self.json(page)
        following = f"{hub.url}/api/models/{name}/tree/{revision}?recursive=true&cursor={start + hub.page_size}"
        return self.json(page, {"Link": f'<{following}>; rel="next"'})

    def resolve(self, hub, name, revision, path):
        repo = self.repo(hub, name, revision)
        if repo is None:
            return
        if path not in repo.files:
            return self.refuse(404, "EntryNotFound", "Entry not found")
        entry, data = repo.entry(path), repo.files[path]
        headers = {"X-Repo-Commit": repo.commit, "Accept-Ranges": "bytes"}
        if "lfs" not in entry:
            return send_file(self, data, {**headers, "ETag": f'"{entry["oid"]}"'})
        location = f"{hub.cdn_url}/{sha256(data)}?name={urllib.parse.quote(path)}&signature=s3cret"
        return self.answer(302, b"", {**headers, "Location": location, "X-Linked-Size": str(len(data)),
                                      "X-Linked-Etag": f'"{sha256(data)}"', "ETag": f'"{sha256(data)}"'})


class CdnHandler(Handler):
    """The storage: it must never see a credential."""

    def serve(self, hub):
        if "Authorization" in self.headers:
            return self.answer(400, b"credentials do not belong here")
        digest = self.path.strip("/").partition("?")[0]
        for repo in hub.repos.values():
            for data in repo.files.values():
                if sha256(data) == digest:
                    return send_file(self, data, {"ETag": f'"{digest}"', "Accept-Ranges": "bytes"})
        return self.answer(403, b"expired")


def send_file(handler, data, headers=(), ranges=True, stop_after=None, pause=0.0):
    """The file, or the range that was asked for. stop_after: bytes until the connection breaks."""
    start, status, headers = 0, 200, dict(headers)
    wanted = handler.headers.get("Range", "")
    if ranges and wanted.startswith("bytes=") and wanted.endswith("-"):
        start, status = int(wanted[6:-1]), 206
        headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
    body = data[start:]
    handler.send_response(status)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command == "HEAD":
        return
    for at in range(0, len(body), CHUNK):
        piece = body[at:at + CHUNK]
        if stop_after is not None and at + len(piece) > stop_after:
            handler.wfile.write(piece[:max(0, stop_after - at)])
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(2)
            return
        handler.wfile.write(piece)
        if pause:
            time.sleep(pause)


class FakeHub:
    """with FakeHub() as hub: hub.repos["org/name"] = Repo({...}); clients use hub.url."""

    def __init__(self, page_size=1000, tls=None):
        """tls: an ssl.SSLContext for the hub itself; its storage speaks plain HTTP."""
        self.repos, self.moved, self.token = {}, {}, "hf_right"
        self.page_size = page_size
        self.lock = threading.Lock()
        self.requests = []  # (role, method, path, headers)
        self.faults = collections.defaultdict(list)  # role -> [(path part, how often, handler)]
        self.servers = [self.start("hub", HubHandler), self.start("cdn", CdnHandler)]
        self.url, self.cdn_url = (f"http://127.0.0.1:{s.server_port}" for s in self.servers)
        if tls:
            self.servers[0].socket = tls.wrap_socket(self.servers[0].socket, server_side=True)
            self.url = self.url.replace("http:", "https:")

    def start(self, role, handler):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads, server.hub, server.role = True, self, role
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server

    def fail(self, role, path_part, handler, times=1):
        """The next `times` requests to `role` whose path holds `path_part` are answered by `handler`."""
        self.faults[role].append([path_part, times, handler])

    def next_fault(self, role, path):
        for fault in self.faults[role]:
            if fault[0] in path and fault[1] > 0:
                fault[1] -= 1
                return fault[2]
        return None

    def seen(self, role, path_part=""):
        with self.lock:
            return [r for r in self.requests if r[0] == role and path_part in r[2]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()
