# The interface of the system that Symbiont replaces, to the letter. The test puts its own port in place of 8111.
set -euo pipefail
curl -s -X POST http://127.0.0.1:8111/task -H 'Content-Type: application/json' \
  -d '{"task": "Analyze this user feedback and extract sentiment", "force_tier": "haiku"}' | python3 -m json.tool
curl -s -X POST http://127.0.0.1:8111/queue -H 'Content-Type: application/json' \
  -d '{"task": "Run weekly subscriber report", "priority": "normal"}' | python3 -m json.tool
curl -s http://127.0.0.1:8111/status | python3 -m json.tool
curl -s http://127.0.0.1:8111/ledger | python3 -m json.tool
curl -s http://127.0.0.1:8111/ledger/stats | python3 -m json.tool
# As requests.post(url, json={...}) sends it, with the standard library only.
python3 - <<'PYTHON'
import json, urllib.request

class requests:
    @staticmethod
    def post(url, json):
        body = globals()["json"].dumps(json).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json", "Accept": "*/*"})
        class Response:
            text = urllib.request.urlopen(request).read()
            def json(self): return globals()["json"].loads(self.text)
        return Response()

response = requests.post('http://127.0.0.1:8111/task',
                         json={'task': 'Write a haiku about ledgers', 'force_tier': 'sonnet'})
data = response.json()
print(data['result'], data['estimated_cost_usd'])

for path, fields in {
    "/status": "status api_uptime_seconds rate_limited queue_size last_heartbeat haiku_usage sonnet_usage opus_usage",
    "/ledger": "entries count",
    "/ledger/stats": "total_calls total_cost_estimated_usd by_model by_date",
}.items():
    body = json.load(urllib.request.urlopen("http://127.0.0.1:8111" + path))
    missing = set(fields.split()) - set(body)
    assert not missing, (path, missing)
entry = json.load(urllib.request.urlopen("http://127.0.0.1:8111/ledger"))["entries"][0]
assert list(entry)[:8] == ["timestamp", "model", "success", "elapsed_seconds", "input_tokens", "output_tokens",
                           "estimated_cost_usd", "prompt_preview"], entry
assert list(data)[:9] == ["id", "task", "model", "result", "elapsed_seconds", "input_tokens", "output_tokens",
                          "estimated_cost_usd", "timestamp"], data
assert data["id"].startswith("task-") and data["model"] == "sonnet"
assert set(json.load(urllib.request.urlopen("http://127.0.0.1:8111/status"))["sonnet_usage"]) == {"calls_today", "tokens_used"}
PYTHON
