#!/usr/bin/python3
"""A model for tests that says as much as the first line of the prompt asks for.

    say COUNT CODE      an answer of so many characters of this hexadecimal code
    structure COUNT     a structured answer with so many characters in it
    fail COUNT          an error with so many characters (as Claude CLI only)

Anything else is answered with the prompt's length, or given to the simulated Claude CLI.

It takes one prompt, so that each call is a process of its own. As `exec` program: sized-model.py TRUTH < prompt. As Claude CLI: with its arguments.
"""
import hashlib
import json
import os
import subprocess
import sys

SIMULATED = "@SIMULATED@"

if "--input-format" in sys.argv:
    sys.exit("takes one prompt only")

prompt = sys.stdin.buffer.read()
words = prompt[:100].decode("utf-8", "replace").splitlines()[0].split()
as_claude = "-p" in sys.argv
if as_claude and words[0] != "fail":
    sys.exit(subprocess.run([SIMULATED, *sys.argv[1:]], input=prompt).returncode)

with open(os.environ["SYMBIONT_SIMULATED_TRUTH"] if as_claude else sys.argv[1], "ab", buffering=0) as truth:
    event = {"event": "begin", "prompt_sha256": hashlib.sha256(prompt).hexdigest()}
    truth.write(json.dumps(event).encode() + b"\n")

answer = {"result": f"read {len(prompt)} bytes", "cost_usd": 0.01}
if words[0] == "say":
    answer["result"] = int(words[1]) * chr(int(words[2], 16))
elif words[0] == "structure":
    answer["structured_output"] = {"text": int(words[1]) * "x"}
elif words[0] == "fail":
    answer = {"type": "result", "subtype": "success", "is_error": True, "api_error_status": 400,
              "result": int(words[1]) * "e", "total_cost_usd": 0, "modelUsage": {}, "simulated": True}
print(json.dumps(answer))
sys.exit(1 if words[0] == "fail" else 0)
