"""Who an Ollama call is for. Needs a running Ollama."""

from dotenv import load_dotenv

load_dotenv()

import ollama

import revenium_middleware_ollama

response = ollama.chat(
    model="qwen2.5:0.5b",
    messages=[{"role": "user", "content": "Why is the sky blue?"}],
    usage_metadata={
        "organization_name": "AcmeCorp",
        "product_name": "support-bot",
        "agent": "support-agent",
        "task_type": "summarize-customer-issue",
        "trace_id": "conv-28a7e9d4",
        "subscriber": {"id": "subscriber-1", "email": "user@example.com", "credential": {"name": "engineering"}},
    },
)
print(response["message"]["content"])
print("  -> record %s" % response._revenium_transaction_id)
