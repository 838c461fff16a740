#!/usr/bin/env python3
"""A reload a second under full keep-alive load, and the time from SIGHUP to the first answer of an edited script.

    cargo build --release
    python3 benches/reload_storm.py [--seconds 60]

Needs wrk. Everything listens on loopback; the load is bounded by --seconds.
"""
import argparse
import http.client
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOREBAY = os.environ.get("FOREBAY", os.path.join(ROOT, "target", "release", "forebay"))

CONFIG = """
listen: "127.0.0.1:{port}"
admin: {{ socket: admin.sock }}
access_log: off
upstreams: {{ echo: {{ builtin: echo }} }}
routes: [{{ name: all, path: "/{{*rest}}", steps: [version], upstream: echo }}]
"""
SCRIPT = "fn on_response(req, res) {{ res.headers[\"x-version\"] = {number}; }}\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Gateway:
    """A gateway in a folder of its own, with one script, whose text has a number to change."""

    def __init__(self, folder, config=CONFIG, script=SCRIPT):
        self.folder, self.port, self.script = folder, free_port(), script
        os.mkdir(os.path.join(folder, "scripts"))
        with open(os.path.join(folder, "forebay.yaml"), "w") as file:
            file.write(config.format(port=self.port))
        self.write(0)
        self.process = subprocess.Popen([FOREBAY, "run"], cwd=folder, stderr=subprocess.DEVNULL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.02)

    def write(self, number):
        with open(os.path.join(self.folder, "scripts", "version.rhai"), "w") as file:
            file.write(self.script.format(number=number))

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def status(self):
        output = subprocess.run([FOREBAY, "status", "--json"], cwd=self.folder, capture_output=True, check=True)
        return json.loads(output.stdout)


def edits(gateway, count):
    """Milliseconds from SIGHUP to the first answer of the edited script."""
    client = http.client.HTTPConnection("127.0.0.1", gateway.port)
    times = []
    for number in range(1, count + 1):
        gateway.write(number)
        began = time.monotonic()
        gateway.reload()
        while True:
            client.request("GET", "/")
            answer = client.getresponse()
            answer.read()
            if answer.getheader("x-version") == str(number):
                break
        times.append((time.monotonic() - began) * 1e3)
    return times


def storm(gateway, seconds, first):
    """wrk's report and the resident memory second by second."""
    url = f"http://127.0.0.1:{gateway.port}/"
    load = subprocess.Popen(["wrk", "-t1", "-c64", f"-d{seconds}s", url], stdout=subprocess.PIPE, text=True)
    memory, number = [], first
    while load.poll() is None:
        number += 1
        gateway.write(number)
        gateway.reload()
        time.sleep(1)
        memory.append(gateway.resident_kib())
    return load.stdout.read(), memory, number - first


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(folder)
        try:
            times = edits(gateway, 20)
            print(f"edit to live: median {statistics.median(times):.1f} ms, most {max(times):.1f} ms of {len(times)}")
            report, memory, reloads = storm(gateway, seconds, len(times))
            requests = int(re.search(r"(\d+) requests in", report).group(1))
            errors = re.search(r"Socket errors: (.*)", report)
            refused = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
            print(f"{requests} requests in {seconds} s with {reloads} reloads")
            print(f"socket errors: {errors.group(1) if errors else 'none'}; other than 2xx: {refused.group(1) if refused else 0}")
            warm = memory[len(memory) // 6:]
            print(f"resident KiB after warm-up: first {warm[0]}, last {warm[-1]}, least {min(warm)}, most {max(warm)}")
            time.sleep(1.5)
            generation = gateway.status()["generation"]
            print(f"generation {generation['number']}: {generation['freed']} freed, still serving {generation['retiring']}")
            return 1 if errors or refused or generation["retiring"] else 0
        finally:
            gateway.process.terminate()
            gateway.process.wait()


if __name__ == "__main__":
    sys.exit(main())
