#!/usr/bin/env python3
"""10,000 life cycles of a script under full keep-alive load: edited and reloaded, promoted, demoted, promoted again,
and replaced by the next edit while its program serves.

    cargo build --release
    python3 benches/promotion_storm.py [--cycles 10000] [--connections 32]

Every cycle makes and frees two programs. Watched are failed requests, resident memory, the lines of /proc/PID/maps
(machine code is mapped memory), and whether old generations and programs are gone at the end. Needs wrk. Everything
listens on loopback; the load ends with the cycles.
"""
import argparse
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from reload_storm import Gateway

CONFIG = """
listen: "127.0.0.1:{port}"
admin: {{ socket: admin.sock }}
access_log: off
compile: {{ shadow: {{ every: 50 }} }}
upstreams: {{ echo: {{ builtin: echo }} }}
routes: [{{ name: all, path: "/{{*rest}}", steps: [version], upstream: echo }}]
"""
SCRIPT = """
const NUMBER = {number};
fn score(text) {{
    let sum = 0;
    for character in text {{ sum = (sum * 31 + character.to_int()) % 65521; }}
    sum
}}
fn on_request(req) {{
    req.vars["score"] = score(req.path) + NUMBER;
}}
fn on_response(req, res) {{
    res.headers["x-version"] = NUMBER;
    res.headers["x-score"] = req.vars["score"];
}}
"""


class Admin:
    """The admin interface on its socket. Each call has a connection of its own: idle ones are closed after 5 s."""

    def __init__(self, path):
        self.path = path
        # It is there a moment after the gateway listens for requests.
        deadline = time.monotonic() + 30
        while not os.path.exists(path) and time.monotonic() < deadline:
            time.sleep(0.02)

    def call(self, method, path):
        """Status and answer."""
        connection = http.client.HTTPConnection("localhost")
        with socket.socket(socket.AF_UNIX) as connection.sock:
            connection.sock.settimeout(60)
            connection.sock.connect(self.path)
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def expect(self, method, path):
        """The answer to what must succeed."""
        status, answer = self.call(method, path)
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer


def maps(pid):
    """Number of mappings of a process."""
    with open(f"/proc/{pid}/maps") as file:
        return sum(1 for _ in file)


def cycle(gateway, admin, number):
    """One life of the script."""
    gateway.write(number)
    admin.expect("POST", "/v1/reload")
    admin.expect("POST", "/v1/scripts/version/promote")
    admin.expect("POST", "/v1/scripts/version/demote")
    admin.expect("POST", "/v1/scripts/version/promote")


def storm(gateway, cycles, connections):
    """wrk's report, and (cycle, resident KiB, mappings) a hundred times on the way."""
    admin = Admin(os.path.join(gateway.folder, "admin.sock"))
    url = f"http://127.0.0.1:{gateway.port}/some/path"
    load = subprocess.Popen(["wrk", "-t1", f"-c{connections}", "-d7200s", "--latency", url], stdout=subprocess.PIPE, text=True)
    seen = []
    try:
        for number in range(1, cycles + 1):
            cycle(gateway, admin, number)
            if number % max(cycles // 100, 1) == 0:
                seen.append((number, gateway.resident_kib(), maps(gateway.process.pid)))
                if load.poll() is not None:
                    raise RuntimeError(f"the load has ended: {load.stdout.read()}")
    finally:
        load.send_signal(signal.SIGINT)
    return load.communicate()[0], seen, admin


def settled(admin):
    """What is left when everything retired had time to go."""
    for _ in range(100):
        status = admin.expect("GET", "/v1/status")
        if not status["generation"]["retiring"] and status["compile"]["programs"] <= 1:
            break
        time.sleep(0.1)
    return status


def show(name, values):
    """First, last and extremes after a warm-up of a tenth."""
    warm = values[len(values) // 10:]
    middle = len(warm) // 2
    halves = [sum(half) / len(half) for half in (warm[:middle] or warm, warm[middle:])]
    print(f"{name}: first {warm[0]}, last {warm[-1]}, least {min(warm)}, most {max(warm)}, "
          f"mean of the halves {halves[0]:.0f} and {halves[1]:.0f}")
    return halves[1] / halves[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=32)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(folder, CONFIG, SCRIPT)
        try:
            began = time.monotonic()
            report, seen, admin = storm(gateway, args.cycles, args.connections)
            took = time.monotonic() - began
            requests = int(re.search(r"(\d+) requests in", report).group(1))
            errors = re.search(r"Socket errors: (.*)", report)
            refused = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
            print(f"{args.cycles} cycles of reload, promote, demote, promote in {took:.0f} s; {requests} requests meanwhile")
            print(f"socket errors: {errors.group(1) if errors else 'none'}; other than 2xx: {refused.group(1) if refused else 0}")
            memory = show("resident KiB", [memory for _, memory, _ in seen])
            mappings = show("lines of /proc/PID/maps", [lines for _, _, lines in seen])
            status = settled(admin)
            compiled = status["compile"]
            print(f"programs {compiled['programs']}, code bytes {compiled['code_bytes']}, shadowed calls compared "
                  f"{compiled['shadow_runs']}, mismatches {compiled['mismatches']}; generations freed "
                  f"{status['generation']['freed']} of {status['generation']['number'] - 1}")
            grows = memory > 1.05 or mappings > 1.05
            print("memory or mappings grow" if grows else "memory and mappings are flat")
            return 1 if errors or refused or grows or compiled["mismatches"] or compiled["programs"] > 1 else 0
        finally:
            gateway.process.terminate()
            gateway.process.wait()


if __name__ == "__main__":
    sys.exit(main())
