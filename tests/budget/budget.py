"""Holds the release of the function against budgets.tsv, beside this file.

The function runs under valgrind's callgrind, behind a runtime API and a DynamoDB that always gives
the same answer, as in `cargo bench --bench bootstrap -- instructions`. What a request takes is the
difference of two runs, which answer more of them and fewer. A start is a run that answers none, until
its first poll and then its end.
"""

import argparse
import json
import os
import queue
import re
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("budgets.tsv")
PACKAGE = ROOT / "target/deploy/modulo-x86_64.zip"
EVENTS = ROOT / "benches/events"

# How much of its budget a figure may be beyond it.
MARGIN = 0.02

# How many requests the two runs answer.
FEW, MANY = 100, 500

# How long the function, which valgrind makes slow, may take for anything, in seconds.
PATIENCE = 120

ITEM = '{"Item":{"modulo1Id":{"S":"sala90"},"data":{"S":"{\\"description\\":\\"Sala 90\\",\\"chairs\\":90}"}}}'


class Connection(socketserver.BaseRequestHandler):
    """HTTP/1.1 as far as the function speaks it. Each answer is sent whole, so that it is read so."""

    def handle(self):
        self.request.setsockopt(6, 1, 1)  # TCP_NODELAY
        stream = self.request.makefile("rb")
        while head := stream.readline():
            method, path, _ = head.decode().split()
            headers = {}
            while line := stream.readline().strip():
                name, value = line.decode().split(":", 1)
                headers[name.lower()] = value.strip()
            if headers.get("transfer-encoding") == "chunked":
                body = b""
                while size := int(stream.readline(), 16):
                    body += stream.read(size)
                    stream.readline()
                stream.readline()
            else:
                body = stream.read(int(headers.get("content-length", 0)))
            answer = self.server.answer(method, path, headers, body)
            if answer is None:
                return
            status, headers, body = answer
            lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
            try:
                self.request.sendall("\r\n".join(lines).encode() + body)
            except OSError:
                return


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Connection)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class DynamoDb(Server):
    def answer(self, method, path, headers, body):
        is_read = headers["x-amz-target"].endswith(".GetItem")
        return "200 OK", ["content-type: application/x-amz-json-1.0"], (ITEM if is_read else "{}").encode()


class RuntimeApi(Server):
    """Lambda's: hands out an event a poll, and takes its answer."""

    def __init__(self):
        self.events = queue.Queue()
        self.answers = queue.Queue()
        self.count = 0
        super().__init__()

    def answer(self, method, path, headers, body):
        if path.endswith("/invocation/next"):
            self.answers.put(("poll", b""))
            event = self.events.get()
            if event is None:
                return None
            self.count += 1
            headers = [
                "content-type: application/json",
                f"lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-{self.count:012}",
                "lambda-runtime-deadline-ms: 4102444800000",
                "lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:modulo",
                "lambda-runtime-trace-id: Root=1-6553f100-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0",
            ]
            return "200 OK", headers, event
        self.answers.put((path.rsplit("/", 1)[1], body))
        return "202 Accepted", [], b""

    def expect(self, what):
        """The body of what the function sends next, which must be of this kind."""
        kind, body = self.answers.get(timeout=PATIENCE)
        if kind != what:
            raise SystemExit(f"the function sent `{kind}` in place of `{what}`: {body.decode()}")
        return body


def instructions(folder, event, requests):
    """How many instructions a start and so many requests take."""
    api, dynamodb = RuntimeApi(), DynamoDb()
    environment = {
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": "modulo",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/modulo",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/14/[$LATEST]0123456789abcdef",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_SESSION_TOKEN": "FwoGZXIvYXdzEXAMPLE" * 20,
        "AWS_ENDPOINT_URL": f"http://{dynamodb.address}",
        "LANG": "en_US.UTF-8",
        "LAMBDA_TASK_ROOT": folder,
    }
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"{folder}/bootstrap"]
    with open(f"{folder}/counts", "w+") as counts:
        function = subprocess.Popen(
            command, env={**environment, "PATH": os.environ["PATH"]}, stdout=subprocess.DEVNULL, stderr=counts
        )
        try:
            for _ in range(requests):
                api.expect("poll")
                api.events.put(event)
                answer = json.loads(api.expect("response"))
                if answer["statusCode"] != 200:
                    raise SystemExit(f"the function answered {answer}")
            api.expect("poll")
            function.send_signal(signal.SIGTERM)
            function.wait(PATIENCE)
        except queue.Empty:
            counts.seek(0)
            raise SystemExit(f"the function did not answer in {PATIENCE} s:\n{counts.read()}") from None
        finally:
            function.kill()
            api.events.put(None)
            for server in (api, dynamodb):
                server.shutdown()
                server.server_close()
        counts.seek(0)
        said = counts.read()
    collected = re.search(r"Collected : (\d+)", said)
    if collected is None:
        raise SystemExit(f"no count in what valgrind says:\n{said}")
    return int(collected[1])


def measure(package):
    figures = {"package, bytes": package.stat().st_size}
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(folder)
        os.chmod(f"{folder}/bootstrap", 0o755)
        for name in ("GET", "POST"):
            event = (EVENTS / f"{name.lower()}.json").read_bytes()
            few, many = (instructions(folder, event, requests) for requests in (FEW, MANY))
            figures[f"{name}, instructions"] = (many - few) // (MANY - FEW)
        figures["start, instructions"] = instructions(folder, b"", 0)
    return figures


def read_table():
    rows = [line.split("\t") for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    return {name: int(budget) for name, budget in rows}


def write_table(figures):
    comments = [line for line in TABLE.read_text().splitlines() if line.startswith("#")]
    rows = [f"{name}\t{figure}" for name, figure in figures.items()]
    TABLE.write_text("\n".join([*comments, *rows]) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="tests/budget/run")
    parser.add_argument("--accept", action="store_true")
    parser.add_argument("package", nargs="?", type=Path, default=PACKAGE)
    arguments = parser.parse_args()
    if not arguments.package.exists():
        sys.exit(f"no `{arguments.package}`: make it with `npm run package -- --stage local`")
    figures = measure(arguments.package)
    budgets = read_table()
    exceeded = []
    print("| figure | found | budget | |\n| --- | --- | --- | --- |")
    for name, figure in figures.items():
        budget = budgets.get(name)
        if budget is None:
            exceeded.append(name)
            print(f"| {name} | {figure:,} | none | |")
            continue
        share = figure / budget - 1
        if share > MARGIN:
            exceeded.append(name)
        note = " has room: lower the budget" if share < -MARGIN else ""
        print(f"| {name} | {figure:,} | {budget:,} | {share:+.2%}{note} |")
    if arguments.accept:
        write_table(figures)
    elif exceeded:
        sys.exit(
            f"beyond {MARGIN:.0%} of the budget: {'; '.join(exceeded)}\n"
            "help: make it take less; or raise the budget with `bash tests/budget/run --accept`, and say in "
            "the commit what it is for"
        )


main()
