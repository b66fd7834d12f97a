"""Messages, with and without attribution. Needs ANTHROPIC_API_KEY."""

from dotenv import load_dotenv

load_dotenv()

import anthropic

import revenium_middleware_anthropic

client = anthropic.Anthropic()


def record_line(message):
    # The id is that of the record in the ledger, on the wire and in the Revenium console.
    print("  -> record %s: %d tokens\n" % (message._revenium_transaction_id, message.usage.input_tokens + message.usage.output_tokens))


message = client.messages.create(
    model="claude-opus-4-7",
    max_tokens=1024,
    messages=[{"role": "user", "content": "What is the meaning of life, the universe and everything?"}],
    usage_metadata={
        "organizationName": "AcmeCorp",
        "productName": "saas-app-gold-tier",
        "agent": "support-agent",
        "task_type": "summarize-customer-issue",
        "trace_id": "conv-28a7e9d4",
        "subscriber": {"id": "user-1234", "email": "user@example.com", "credential": {"name": "engineering", "value": "key-7"}},
    },
)
print(message.content[0].text)
record_line(message)

print("Counting tokens is free: %d" % client.messages.count_tokens(model="claude-opus-4-7", messages=[{"role": "user", "content": "Hello"}]).input_tokens)

message = client.messages.create(
    model="claude-opus-4-7",
    max_tokens=1024,
    system="You answer in one sentence.",
    messages=[{"role": "user", "content": "Name three rivers of Europe."}],
    usage_metadata={"organizationName": "Globex", "agent": "quiz-agent"},
)
print(message.content[0].text)
record_line(message)
