"""Embeddings from Ollama, one text and several. Needs a running Ollama."""

from dotenv import load_dotenv

load_dotenv()

import ollama

import revenium_middleware_ollama

for text in ("Hello world", ["Text 1", "Text 2", "Text 3"]):
    response = ollama.embed(model="nomic-embed-text", input=text)
    print("%d vectors" % len(response["embeddings"]))
    print("  -> record %s: %d tokens" % (response._revenium_transaction_id, response["prompt_eval_count"]))
