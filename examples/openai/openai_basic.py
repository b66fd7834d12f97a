"""Chat, the Responses API and embeddings, each attributed to a customer. Needs OPENAI_API_KEY."""

from dotenv import load_dotenv

load_dotenv()

import openai

import revenium_middleware_openai

client = openai.OpenAI()


def record_line(response, used):
    # The id is that of the record in the ledger, on the wire and in the Revenium console.
    print("  -> record %s: %d tokens\n" % (response._revenium_transaction_id, used))


response = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "What is the capital of France?"}],
    usage_metadata={
        "organizationName": "AcmeCorp",
        "productName": "customer-chatbot",
        "agent": "support-agent",
        "task_type": "chat",
        "trace_id": "session-123",
        "subscriber": {"id": "user-1234", "email": "user@example.com"},
    },
)
print(response.choices[0].message.content)
record_line(response, response.usage.total_tokens)

answer = client.responses.create(
    model="gpt-4o-mini",
    input="Name three rivers of Europe.",
    usage_metadata={"organizationName": "Globex", "productName": "geo-quiz", "agent": "quiz-agent"},
)
print(answer.output_text)
record_line(answer, answer.usage.total_tokens)

embedding = client.embeddings.create(
    model="text-embedding-3-small",
    input="The quick brown fox",
    usage_metadata={"organizationName": "Globex", "productName": "search", "agent": "indexer"},
)
print("A vector of %d numbers" % len(embedding.data[0].embedding))
record_line(embedding, embedding.usage.total_tokens)
