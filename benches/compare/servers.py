"""The servers of the side-by-side runs: an origin, nginx as the peer, and Forebay in several settings.

Every server listens on loopback only, is pinned to one core, and is ended by its process id when `Servers` is
left, however that happens. Configuration and logs live in a temporary folder that goes with it.
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# What the runs use: scripts of their own, and of the bundled ones the order validation.
SCRIPTS = [os.path.join(ROOT, "benches", "scripts"), os.path.join(ROOT, "scripts", "validate_order.rhai")]
FOREBAY = os.environ.get("FOREBAY", os.path.join(ROOT, "target", "release", "forebay"))

# First core for the proxy that is measured, the second for load and origin, so that they do not compete.
PROXY_CORE = os.environ.get("PROXY_CORE", "0")
LOAD_CORE = os.environ.get("LOAD_CORE", "1")

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/{name}.pid;
error_log {folder}/{name}.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/{name}-body; proxy_temp_path {folder}/{name}-proxy;
    fastcgi_temp_path {folder}/{name}-1; uwsgi_temp_path {folder}/{name}-2; scgi_temp_path {folder}/{name}-3;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    tcp_nodelay on;
    {body}
}}
"""

NGINX_ORIGIN = """
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        default_type text/plain;
        location / {{ return 200 "{page}"; }}
    }}
"""

NGINX_PROXY = """
    upstream origin {{
        server 127.0.0.1:{origin};
        keepalive 256; keepalive_requests 1000000000; keepalive_timeout 3600s;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    }}
"""

FOREBAY_CONFIG = """
listen: "127.0.0.1:{port}"
workers: 1
access_log: off
admin: {{ socket: {folder}/{name}.sock }}
{status}
scripts: {{ folder: {scripts} }}
upstreams:
  origin: {{ targets: ["http://127.0.0.1:{origin}"] }}
routes:
  - name: everything
    path: "/{{*rest}}"
    steps: [{steps}]
    upstream: origin
"""


class CannotRun(Exception):
    """Something that the run needs is not there; the text says what to do."""


def need(program, package):
    """The path of a program of the system."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise CannotRun(f"{program} is not installed; on Debian and Ubuntu: apt-get install {package}")
    return found


def need_forebay():
    """The release binary."""
    if not os.access(FOREBAY, os.X_OK):
        raise CannotRun(f"{FOREBAY} is missing; build it with: cargo build --release (or set FOREBAY)")
    return FOREBAY


def free_port():
    """A port of the loopback interface nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One running server."""

    def __init__(self, name, port, process):
        self.name, self.port, self.process = name, port, process

    @property
    def pid(self):
        return self.process.pid


class Servers:
    """Starts servers and ends all of them when left."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="forebay-bench-")
        self.running = []
        self.origin_port = None
        return self

    def __exit__(self, *_):
        for server in reversed(self.running):
            server.process.send_signal(signal.SIGTERM)
        for server in self.running:
            try:
                server.process.wait(5)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def origin(self):
        """nginx that answers every request with 1 KiB; the fastest origin that needs no build."""
        body = NGINX_ORIGIN.format(port=(port := free_port()), page="x" * 1024)
        self.origin_port = port
        return self._nginx("origin", port, body, LOAD_CORE)

    def nginx(self, title="nginx"):
        """nginx as a proxy: one worker, connections to the origin kept."""
        name = f"proxy-{len(self.running)}"
        body = NGINX_PROXY.format(port=(port := free_port()), origin=self.origin_port)
        return self._nginx(name, port, body, PROXY_CORE, title)

    def forebay(self, title, steps="", scripts=None, status_port=None):
        """Forebay with one worker, the access log off, and these steps."""
        name, port = f"proxy-{len(self.running)}", free_port()
        status = f'status: {{ listen: "127.0.0.1:{status_port}" }}' if status_port else ""
        path = os.path.join(self.folder, f"{name}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(FOREBAY_CONFIG.format(port=port, folder=self.folder, name=name, steps=steps,
                                             scripts=scripts or self._scripts(), origin=self.origin_port, status=status))
        return self._start(name, port, [need_forebay(), "run", "--config", path], PROXY_CORE, title)

    def _scripts(self):
        """One folder with all scripts, since a gateway has one."""
        folder = os.path.join(self.folder, "scripts")
        if not os.path.isdir(folder):
            shutil.copytree(SCRIPTS[0], folder)
            for script in SCRIPTS[1:]:
                shutil.copy(script, folder)
        return folder

    def _nginx(self, name, port, body, core, title="origin"):
        path = os.path.join(self.folder, f"{name}.conf")
        user = "user root;" if os.geteuid() == 0 else ""
        with open(path, "w", encoding="utf-8") as file:
            file.write(user + NGINX.format(folder=self.folder, name=name, body=body))
        log = os.path.join(self.folder, f"{name}.log")
        return self._start(name, port, [need("nginx", "nginx"), "-e", log, "-c", path], core, title)

    def _start(self, name, port, command, core, title):
        pinned = ["taskset", "-c", core] if shutil.which("taskset") else []
        path = os.path.join(self.folder, f"{name}.out")
        with open(path, "w", encoding="utf-8") as output:
            process = subprocess.Popen(pinned + command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        server = Server(title, port, process)
        self.running.append(server)
        self._wait(server, path)
        return server

    @staticmethod
    def _wait(server, output):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and server.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", server.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        with open(output, encoding="utf-8") as file:
            raise CannotRun(f"{server.name} did not start:\n{file.read()}")
