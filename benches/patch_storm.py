#!/usr/bin/env python3
"""A native patch applied and reverted again and again under full keep-alive load.

    cargo build --release
    python3 benches/patch_storm.py [--cycles 1000]

Needs wrk and a C compiler. Each cycle is `forebay patch apply`, a request that must show the patch, `forebay patch
revert`, a request that must show the built-in again. Everything listens on loopback; the load ends with the cycles.
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

from reload_storm import FOREBAY, ROOT, free_port

CONFIG = """
listen: "127.0.0.1:{port}"
admin: {{ socket: admin.sock }}
access_log: off
patches: {{ signatures: off }}
upstreams: {{ echo: {{ builtin: echo }} }}
steps: [{{ middleware: headers, config: {{ response: {{ set: {{ x-served-by: built-in }} }} }} }}]
routes: [{{ name: all, path: "/{{*rest}}", upstream: echo }}]
"""
SOURCE = os.path.join(ROOT, "tests", "e2e", "patches", "artefact", "patch.c")
INCLUDE = os.path.join(ROOT, "patches", "abi", "include")


class Gateway:
    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        os.mkdir(os.path.join(folder, "patches"), 0o755)
        with open(os.path.join(folder, "forebay.yaml"), "w") as file:
            file.write(CONFIG.format(port=self.port))
        self.library = os.path.join(folder, "fix.so")
        cc = ["cc", "-shared", "-fPIC", "-O2", "-fvisibility=hidden", "-I", INCLUDE, SOURCE, "-o", self.library]
        subprocess.run(cc, check=True)
        self.process = subprocess.Popen([FOREBAY, "run"], cwd=folder, stderr=subprocess.DEVNULL)
        while not os.path.exists(os.path.join(folder, "admin.sock")):
            time.sleep(0.02)
        self.client = http.client.HTTPConnection("127.0.0.1", self.port)

    def patch(self, *arguments):
        """Milliseconds that a command took."""
        began = time.monotonic()
        subprocess.run([FOREBAY, "patch", *arguments], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        return (time.monotonic() - began) * 1e3

    def served_by(self):
        self.client.request("GET", "/")
        answer = self.client.getresponse()
        answer.read()
        return answer.getheader("x-served-by")

    def status(self):
        output = subprocess.run([FOREBAY, "status", "--json"], cwd=self.folder, capture_output=True, check=True)
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
        wrong += gateway.served_by() != "patch"
        reverted.append(gateway.patch("revert", "fix"))
        wrong += gateway.served_by() != "built-in"
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
        url = f"http://127.0.0.1:{gateway.port}/"
        # wrk ends by the signal, and says then what it saw.
        load = subprocess.Popen(["wrk", "-t1", "-c64", "-d3600s", url], stdout=subprocess.PIPE, text=True)
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
