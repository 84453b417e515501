"""Stands in for Lambda's bootstrap: imports a handler, then gives it each event that comes, one a line.

Needs nothing but Python, for it runs with the contestant's own modules and Lambda's alone. Answers with a line of JSON
for each event: when the handler was called and when it returned (seconds on the machine's monotonic clock), the CPU
that it took, which for the first event is the whole process's (seconds), and the peak of the process's memory (bytes).
"""

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace

STATUS = Path("/proc/self/status")


def peak() -> int:
    """Linux counts in ru_maxrss what the process was before it became this one; VmHWM does not."""
    if STATUS.exists():
        line = next(each for each in STATUS.read_text().splitlines() if each.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the logs
    name, _, attribute = sys.argv[1].rpartition(".")
    handler = getattr(importlib.import_module(name), attribute)
    for number, line in enumerate(sys.stdin):
        context = SimpleNamespace(
            function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            function_version="$LATEST",
            invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:{number}",
            memory_limit_in_mb=512,
            aws_request_id=f"request-{number}",
            get_remaining_time_in_millis=lambda: 120_000,
        )
        called, before = time.monotonic(), time.process_time() if number else 0
        handler(json.loads(line), context)
        done, cpu = time.monotonic(), time.process_time() - before
        found = {"called": called, "done": done, "cpu": cpu, "peak": peak()}
        answers.write(json.dumps(found) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
