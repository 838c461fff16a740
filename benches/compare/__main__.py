#!/usr/bin/env python3
"""Forebay beside nginx: CPU per request, as plain proxies and with a script in the request path.

    cargo build --release
    python3 benches/compare              # all tables, about four minutes
    python3 benches/compare --rounds 9 plain

Needs nginx and wrk. Python's standard library only. Runs are interleaved (A B C A B C ...), so that whatever
else the machine does falls on all of them alike; the tables give medians and, in brackets, least and greatest.
"""
import argparse
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import load  # noqa: E402
from servers import CannotRun, Servers, need, need_forebay  # noqa: E402

ORDERS = os.path.join(HERE, "orders.lua")

# name of the table -> (what it shows, wrk script, servers as (name, steps); `None` as steps is nginx)
TABLES = {
    "plain": ("GET, 1 KiB answer", None, [
        ("nginx", None), ("forebay", ""), ("forebay, hook without function", "none"),
        ("forebay, empty hook", "empty"), ("forebay, one header set", "one_header")]),
    "orders": ("POST of 600 bytes of JSON, validated by a script", ORDERS, [
        ("nginx, no validation", None), ("forebay, no validation", ""),
        ("forebay, validate_order", "validate_order")]),
}


def measure(servers, script, args):
    """All runs, by server."""
    for server in servers:
        load.run(server, 1, args.connections, script)
    results = {server.name: [] for server in servers}
    for number in range(args.rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            run = load.run(server, args.seconds, args.connections, script)
            if run.failed:
                print(f"warning: {run.failed} failed requests against {server.name}", file=sys.stderr)
            results[server.name].append(run)
            print(f"round {number + 1} {server.name:32} {run.cpu_us:7.2f} us  {run.rate:8.0f}/s", file=sys.stderr)
    return results


def spread(values, digits):
    """Median and range as text."""
    form = f"{{:,.{digits}f}}".format
    return f"{form(statistics.median(values))} [{form(min(values))}..{form(max(values))}]"


def show(title, results):
    """The table in Markdown."""
    base = [run.cpu_us for run in next(iter(results.values()))]
    plain = None
    print(f"\n### {title}\n")
    print("| proxy | CPU us/request | ratio to nginx | added to plain, us | requests/s | p99 us | core busy |")
    print("|---|---|---|---|---|---|---|")
    for name, runs in results.items():
        cpu = [run.cpu_us for run in runs]
        # Each run is set against nginx's of the same round, which cancels what both rounds had in common.
        ratio = spread([mine / other for mine, other in zip(cpu, base)], 2)
        if plain is None and name.startswith("forebay"):
            plain = cpu
        added = "" if plain in (None, cpu) else spread([mine - other for mine, other in zip(cpu, plain)], 2)
        rate = spread([run.rate for run in runs], 0)
        p99 = statistics.median(run.p99_us for run in runs)
        busy = statistics.median(run.busy for run in runs)
        print(f"| {name} | {spread(cpu, 2)} | {ratio} | {added} | {rate} | {p99:.0f} | {busy:.0%} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}; all if none is named")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="length of one run")
    parser.add_argument("--connections", type=int, default=64)
    args = parser.parse_args()
    for table in args.tables:
        if table not in TABLES:
            parser.error(f"there is no table {table!r}; there are {', '.join(TABLES)}")
    try:
        need_forebay(), need("nginx", "nginx"), need("wrk", "wrk"), need("taskset", "util-linux")
        for table in args.tables or TABLES:
            title, script, wanted = TABLES[table]
            with Servers() as servers:
                servers.origin()
                started = [servers.nginx(name) if steps is None else servers.forebay(name, steps)
                           for name, steps in wanted]
                show(title, measure(started, script, args))
    except CannotRun as reason:
        print(f"nothing measured: {reason}")
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
