"""Sends a file of `llm batch make` to a service through Ray Data, and writes a folder of results:

    llm batch make -f tickets.csv "{{subject}}: {{body}}" -m Qwen/Qwen3-8B -o requests.jsonl
    LLM_API_KEY=… python3 ray_batch.py requests.jsonl results http://vllm.example.com:8000/v1
    llm batch fetch --from results -f tickets.csv "{{subject}}: {{body}}" -o sorted.csv

Needs `pip install "ray[data]"`. RAY_ADDRESS names a cluster; without it this machine does the work.
"""
import json, os, sys, time, urllib.error, urllib.request

import ray

requests, results, base_url = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3]
headers = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ.get("LLM_API_KEY", "none")}


def ask(row):
    line = json.loads(row["text"])
    call = urllib.request.Request(base_url + "/chat/completions", json.dumps(line["body"]).encode(), headers)
    for wait in (1, 2, 4, 8, 16, None):
        try:
            with urllib.request.urlopen(call, timeout=600) as reply:
                status, body = reply.status, reply.read().decode()
        except urllib.error.HTTPError as refusal:
            status, body = refusal.code, refusal.read().decode(errors="replace")
        except OSError as error:
            status, body = 503, json.dumps({"error": {"message": str(error)}})
        if wait is None or status not in (408, 429, 500, 502, 503, 504):
            # The body stays a text: Ray would give all rows the same keys, and nulls where they had none.
            return {"custom_id": line["custom_id"], "response": {"status_code": status, "body": body}}
        time.sleep(wait)


# Lines, not JSON: read_json makes numbers of ids, and nulls of fields that only other rows have.
ray.data.read_text(requests).map(ask).write_json(results)
