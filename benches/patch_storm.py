#!/usr/bin/env python3
"""A defect of a built-in mended by a native patch and brought back, again and again under full keep-alive load.

    cargo build --release --features planted-defect --example planted_defect
    python3 benches/patch_storm.py [--cycles 1000]

Needs wrk and cargo. In that build request_size_limit refuses a body of exactly the size that it allows; the example
patches/examples/size_limit_fix does it right. Each cycle is `forebay patch apply`, a request of that size that must be
let through, `forebay patch revert`, and one that must be refused again. All requests of the load have bodies one byte
smaller, and pass through the same step. Everything listens on loopback; the load ends with the cycles.
"""
import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

from reload_storm import ROOT, free_port

FOREBAY = os.path.join(ROOT, "target", "release", "examples", "planted_defect")
FIX = os.path.join(ROOT, "patches", "examples", "size_limit_fix")
LIMIT = 16
CONFIG = """
listen: "127.0.0.1:{port}"
admin: {{ socket: admin.sock }}
access_log: off
patches: {{ signatures: off }}
upstreams: {{ echo: {{ builtin: echo }} }}
steps: [{{ middleware: request_size_limit, config: {{ bytes_max: {limit} }} }}]
routes: [{{ name: all, path: "/{{*rest}}", upstream: echo }}]
"""
LOAD = 'wrk.method = "POST"\nwrk.body = string.rep("x", {length})\n'


class Gateway:
    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        os.mkdir(os.path.join(folder, "patches"), 0o755)
        self.load = os.path.join(folder, "load.lua")
        config = os.path.join(folder, "forebay.yaml")
        for path, text in ((config, CONFIG.format(port=self.port, limit=LIMIT)), (self.load, LOAD.format(length=LIMIT - 1))):
            with open(path, "w") as file:
                file.write(text)
        build = [FOREBAY, "patch", "build", FIX, "--out", folder, "--json"]
        own_target = {**os.environ, "CARGO_TARGET_DIR": os.path.join(folder, "target")}
        built = subprocess.run(build, check=True, stdout=subprocess.PIPE, env=own_target).stdout
        self.library = json.loads(built)["library"]
        self.process = subprocess.Popen([FOREBAY, "run"], cwd=folder, stderr=subprocess.DEVNULL)
        while not os.path.exists(os.path.join(folder, "admin.sock")):
            time.sleep(0.02)

    def patch(self, *arguments):
        """Milliseconds that a command took."""
        began = time.monotonic()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([FOREBAY, "patch", *arguments], cwd=self.folder, check=True, **quiet)
        return (time.monotonic() - began) * 1e3

    def answer(self, length):
        """Status, and limit if it is told, of a request with a body of this length, on a connection of its own: a refusal closes it."""
        client = http.client.HTTPConnection("127.0.0.1", self.port)
        client.request("POST", "/", body=b"x" * length)
        answer = client.getresponse()
        client.close()
        return answer.status, answer.getheader("x-limit-bytes")

    def status(self):
        command = [FOREBAY, "status", "--json"]
        output = subprocess.run(command, cwd=self.folder, capture_output=True, check=True)
        return json.loads(output.stdout)

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def mappings(self):
        with open(f"/proc/{self.process.pid}/maps") as file:
            lines = file.readlines()
        return len(lines), sum("/patches/objects/" in line for line in lines)


def storm(gateway, cycles):
    """Times of both commands, memory and mappings cycle by cycle, and wrong answers right after a command."""
    applied, reverted, memory, mappings, wrong = [], [], [], [], 0
    for _ in range(cycles):
        applied.append(gateway.patch("apply", gateway.library))
        wrong += (gateway.answer(LIMIT), gateway.answer(LIMIT + 1)) != ((200, None), (413, str(LIMIT)))
        reverted.append(gateway.patch("revert", "size-limit-fix"))
        wrong += gateway.answer(LIMIT) != (413, None)
        memory.append(gateway.resident_kib())
        mappings.append(gateway.mappings())
    return applied, reverted, memory, mappings, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=1000)
    cycles = parser.parse_args().cycles
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        gateway = Gateway(folder)
        if gateway.answer(LIMIT) != (413, None):
            sys.exit("the defect is not there")
        url = f"http://127.0.0.1:{gateway.port}/"
        # wrk ends by the signal, and says then what it saw.
        load = subprocess.Popen(["wrk", "-t1", "-c64", "-d3600s", "-s", gateway.load, url], stdout=subprocess.PIPE, text=True)
        try:
            applied, reverted, memory, mappings, wrong = storm(gateway, cycles)
        finally:
            load.send_signal(2)
            report = load.communicate()[0]
        try:
            requests = int(re.search(r"(\d+) requests in", report).group(1))
            errors = re.search(r"Socket errors: (.*)", report)
            refused = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
            print(f"{requests} requests during {cycles} cycles of apply and revert")
            print(f"socket errors: {errors.group(1) if errors else 'none'}; other than 2xx: {refused.group(1) if refused else 0}")
            print(f"wrong answers right after a command: {wrong}")
            for name, times in (("apply", applied), ("revert", reverted)):
                print(f"{name}: median {statistics.median(times):.0f} ms, most {max(times):.0f} ms")
            warm = memory[len(memory) // 6:]
            print(f"resident KiB after warm-up: first {warm[0]}, last {warm[-1]}, least {min(warm)}, most {max(warm)}")
            print(f"mappings (all, of patches): first {mappings[0]}, last {mappings[-1]}")
            time.sleep(1.5)
            status = gateway.status()
            print(f"generation {status['generation']['number']}: {status['generation']['freed']} freed, "
                  f"still serving {status['generation']['retiring']}; libraries mapped: {status['patches']['mapped']}")
            return 1 if errors or refused or wrong or status["generation"]["retiring"] else 0
        finally:
            gateway.process.terminate()
            gateway.process.wait()


if __name__ == "__main__":
    sys.exit(main())
