"""A stream from Perplexity's own SDK. Needs PERPLEXITY_API_KEY."""

from dotenv import load_dotenv

load_dotenv()

from perplexity import Perplexity

import revenium_middleware_perplexity

client = Perplexity()
stream = client.chat.completions.create(
    model="sonar-pro",
    messages=[{"role": "user", "content": "Write a short poem."}],
    stream=True,
    usage_metadata={"organizationName": "Globex", "agent": "poet", "task_type": "creative_writing"},
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print("\n  -> record %s" % stream._revenium_transaction_id)
