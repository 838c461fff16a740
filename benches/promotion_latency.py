#!/usr/bin/env python3
"""Latency at a constant rate before, during and after promotion: there must be no step.

    cargo build --release
    python3 benches/promotion_latency.py [--rate 1000] [--seconds 10]

Each connection has a timetable: request N is due at start + N * interval, whatever became of the ones before, and its
latency counts from when it was due. So a stall is charged to every request that it delays, not to one (what is left out
otherwise is known as coordinated omission). `during` are the requests that were under way while a script was being
promoted: compiled, tried over records, and put in place. For enough of them the script is promoted and demoted all
through that phase; `between` are the others of it. Python's standard library only; everything listens on loopback.
"""
import argparse
import os
import socket
import sys
import tempfile
import threading
import time

from promotion_storm import Admin
from reload_storm import Gateway

# A hundred lines that do a little of everything; the number keeps reloads apart, which this bench has none of.
LINE = "    if path.contains(\"x{n}\") {{ sum += {n}; }} else {{ sum = (sum * 31 + {n}) % 65521; }}\n"
SCRIPT = ("fn score(path) {{\n    let sum = {number};\n"
          + "".join(LINE.format(n=n).replace("{", "{{").replace("}", "}}") for n in range(90))
          + "    sum\n}}\n\nfn on_request(req) {{\n    req.vars[\"score\"] = score(req.path);\n}}\n\n"
          "fn on_response(req, res) {{\n    res.headers[\"x-score\"] = req.vars[\"score\"];\n}}\n")
CONFIG = """
listen: "127.0.0.1:{port}"
admin: {{ socket: admin.sock }}
access_log: off
workers: 1
compile: {{ time_max: 60s }}
upstreams: {{ echo: {{ builtin: echo }} }}
routes: [{{ name: all, path: "/{{*rest}}", steps: [version], upstream: echo }}]
"""
REQUEST = b"GET /some/path HTTP/1.1\r\nhost: bench\r\n\r\n"


def read_answer(connection, buffer):
    """Reads one answer; what came after it."""
    while b"\r\n\r\n" not in buffer:
        buffer += receive(connection)
    head, _, rest = buffer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"not served: {head[:100]}")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(fields[b"content-length"])
    while len(rest) < length:
        rest += receive(connection)
    return rest[length:]


def receive(connection):
    data = connection.recv(65536)
    if not data:
        raise RuntimeError("the connection was closed")
    return data


class Load:
    """Connections that keep to their timetables; `samples` are (when due, when answered) in nanoseconds."""

    def __init__(self, port, rate, connections):
        self.samples, self.failures, self.stop = [], [], threading.Event()
        interval, start = int(connections / rate * 1e9), time.monotonic_ns() + 100_000_000
        self.threads = [threading.Thread(target=self.run, args=(port, interval, start + n * interval // connections))
                        for n in range(connections)]
        for thread in self.threads:
            thread.start()

    def run(self, port, interval, due):
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.settimeout(30)
                buffer = b""
                while not self.stop.is_set():
                    early = due - time.monotonic_ns()
                    if early > 0:
                        time.sleep(early / 1e9)
                    connection.sendall(REQUEST)
                    buffer = read_answer(connection, buffer)
                    self.samples.append((due, time.monotonic_ns()))
                    due += interval
        except (OSError, RuntimeError) as error:
            self.failures.append(error)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def promote_and_demote(admin, seconds):
    """Intervals in which a promotion was under way, and what compiling took each time, in microseconds."""
    under_way, compile_us = [], []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic_ns()
        report = admin.expect("POST", "/v1/scripts/version/promote")
        under_way.append((began, time.monotonic_ns()))
        compile_us.append(report["compile_us"])
        admin.expect("POST", "/v1/scripts/version/demote")
        time.sleep(0.02)
    return under_way, compile_us


def split(samples, under_way):
    """Samples that overlap an interval, and the others."""
    inside, outside, at = [], [], 0
    for due, answered in sorted(samples):
        while at < len(under_way) and under_way[at][1] < due:
            at += 1
        overlaps = at < len(under_way) and under_way[at][0] <= answered
        (inside if overlaps else outside).append((due, answered))
    return inside, outside


def row(name, samples):
    """One line of the table."""
    times = sorted((answered - due) / 1e3 for due, answered in samples)
    if not times:
        return f"| {name} | 0 | | | | |"
    at = lambda share: times[min(int(len(times) * share), len(times) - 1)]
    cells = [f"{value:,.0f}" for value in (at(0.5), at(0.99), at(0.999), times[-1])]
    return f"| {name} | {len(times)} | " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=1_000, help="requests a second")
    parser.add_argument("--seconds", type=int, default=10, help="length of each phase")
    parser.add_argument("--connections", type=int, default=8)
    args = parser.parse_args()
    # Threads of this program take turns more often than by default, so that one does not delay another's timetable.
    sys.setswitchinterval(0.0005)
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(folder, CONFIG, SCRIPT)
        try:
            admin = Admin(os.path.join(folder, "admin.sock"))
            admin.expect("POST", "/v1/scripts/version/demote")
            load = Load(gateway.port, args.rate, args.connections)
            time.sleep(2)
            marks = [time.monotonic_ns()]
            time.sleep(args.seconds)
            marks.append(time.monotonic_ns())
            under_way, compile_us = promote_and_demote(admin, args.seconds)
            admin.expect("POST", "/v1/scripts/version/promote")
            marks.append(time.monotonic_ns())
            time.sleep(args.seconds)
            marks.append(time.monotonic_ns())
            load.end()
            phases = [[s for s in load.samples if low <= s[0] < high] for low, high in zip(marks, marks[1:])]
            during, between = split(phases[1], under_way)
            print(f"{args.rate} requests a second on {args.connections} connections; {len(under_way)} promotions of a "
                  f"script of {SCRIPT.count(chr(10))} lines, compiled in {sorted(compile_us)[len(compile_us) // 2]} us "
                  f"(median, wall time)\n")
            print("| | requests | p50 us | p99 us | p99.9 us | most us |\n|---|---|---|---|---|---|")
            for name, samples in (("before", phases[0]), ("during", during), ("between", between), ("after", phases[2])):
                print(row(name, samples))
            for failure in load.failures:
                print(f"failed: {failure}")
            return 1 if load.failures else 0
        finally:
            gateway.process.terminate()
            gateway.process.wait()


if __name__ == "__main__":
    sys.exit(main())
