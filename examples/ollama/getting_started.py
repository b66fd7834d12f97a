"""Ollama through its own SDK. Needs a running Ollama (OLLAMA_HOST says where, else it is the usual place)."""

from dotenv import load_dotenv

load_dotenv()

import ollama

import revenium_middleware_ollama  # every call of the ollama package is metered from here on

response = ollama.chat(model="qwen2.5:0.5b", messages=[{"role": "user", "content": "Why is the sky blue?"}])
print(response["message"]["content"])
print("  -> record %s: %d tokens" % (response._revenium_transaction_id, response["prompt_eval_count"] + response["eval_count"]))
