"""Streams from Ollama, chat and generate. Needs a running Ollama."""

from dotenv import load_dotenv

load_dotenv()

import ollama

import revenium_middleware_ollama

for chunk in ollama.chat(model="qwen2.5:0.5b", messages=[{"role": "user", "content": "Write a short poem."}], stream=True):
    print(chunk["message"]["content"], end="", flush=True)
print("\n  -> record %s" % chunk._revenium_transaction_id)

for chunk in ollama.generate(model="qwen2.5:0.5b", prompt="Once upon a time", stream=True):
    print(chunk["response"], end="", flush=True)
print("\n  -> record %s" % chunk._revenium_transaction_id)
