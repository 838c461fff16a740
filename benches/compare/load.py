"""Load with wrk, and what it cost the proxy: CPU time of all its processes over a counted number of requests."""
import os
import re
import subprocess

from servers import LOAD_CORE, need

UNITS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}


class Run:
    """What one run came to. Times in microseconds."""

    def __init__(self, requests, seconds, cpu_us, text):
        self.requests = requests
        self.rate = requests / seconds
        self.cpu_us = cpu_us / max(requests, 1)
        self.busy = cpu_us / 1e6 / seconds
        self.p99_us = _latency(r"^\s+99%\s+(\S+)", text)
        self.max_us = _latency(r"^\s+Latency\s+\S+\s+\S+\s+(\S+)", text)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        self.failed = (int(bad[1]) if bad else 0) + (sum(map(int, errors.groups())) if errors else 0)


def _latency(pattern, text):
    found = re.search(pattern, text, re.M)
    number, unit = re.match(r"([\d.]+)(us|ms|s|m)$", found[1]).groups()
    return float(number) * UNITS[unit]


def processes(pid):
    """The process and all its descendants."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu_us(pid):
    """CPU time so far, user and system, of the process, its threads and its descendants."""
    nanoseconds = 0
    for process in processes(pid):
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/schedstat", encoding="utf-8") as file:
                    nanoseconds += int(file.read().split()[0])
        except OSError:
            continue
    return nanoseconds / 1e3


def start(server, seconds, connections, script=None):
    """Starts wrk against a server; one thread, all connections kept alive."""
    wrk = need("wrk", "wrk")
    command = ["taskset", "-c", LOAD_CORE, wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += ["-s", script] if script else []
    command.append(f"http://127.0.0.1:{server.port}/orders")
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(wrk, server, cpu_before):
    """Waits for wrk and reads its report."""
    text = wrk.communicate()[0]
    cpu = cpu_us(server.pid) - cpu_before
    counted = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)", text)
    if not counted:
        raise RuntimeError(f"wrk failed against {server.name}:\n{text}")
    return Run(int(counted[1]), float(counted[2]) * UNITS[counted[3]] / 1e6, cpu, text)


def run(server, seconds, connections, script=None):
    """One run of so many seconds."""
    before = cpu_us(server.pid)
    return finish(start(server, seconds, connections, script), server, before)
