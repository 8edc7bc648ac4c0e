#!/usr/bin/env python3
"""celery_peer.py BROKER COUNT WORKERS: the same work through Celery, as a peer on the same broker and machine.

Late acknowledgement, confirmed publishing, results over RPC, prefork workers. Prints one JSON object: tasks per second
for a no-op and for a spawned program, and the milliseconds (p50, p99) of one no-op that is waited for.
"""
import json
import os
import subprocess
import sys
import time

from celery import Celery

# Celery's own worker process imports this file, too.
BROKER = os.environ.get("CELERY_PEER_BROKER") or sys.argv[1]
PROMPT = "Summarise this in one sentence: " + "word " * 80
app = Celery("celery_peer", broker=BROKER, backend="rpc://")
app.conf.update(
    task_acks_late=True,
    broker_transport_options={"confirm_publish": True},
    task_default_queue="bench.celery",
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="noop")
def noop(prompt):
    return "ok"


@app.task(name="spawn")
def spawn(prompt):
    return subprocess.run(["/bin/echo", '{"result": "ok"}'], input=prompt, capture_output=True, text=True).stdout


def throughput(task, count):
    start = time.perf_counter()
    for result in [task.delay(PROMPT) for _ in range(count)]:
        result.get(timeout=300)
    return count / (time.perf_counter() - start)


def waited(count):
    took = []
    for _ in range(count):
        start = time.perf_counter()
        noop.delay(PROMPT).get(timeout=60)
        took.append(1000 * (time.perf_counter() - start))
    took.sort()
    return took[count // 2], took[int(count * 0.99)]


def main():
    count, workers = int(sys.argv[2]), sys.argv[3]
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_peer", "worker", "-c", workers, "-l", "ERROR", "--without-gossip",
         "--without-mingle", "--without-heartbeat"],
        env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", "PYTHONPATH": sys.path[0], "CELERY_PEER_BROKER": BROKER},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        noop.delay(PROMPT).get(timeout=60)
        throughput(noop, count // 4)
        p50, p99 = waited(300)
        print(json.dumps({"noop": throughput(noop, count), "spawn": throughput(spawn, count), "p50": p50, "p99": p99}))
    finally:
        worker.terminate()
        worker.wait()


if __name__ == "__main__":
    main()
