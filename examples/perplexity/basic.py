"""Perplexity through the OpenAI SDK, attributed to a customer. Needs PERPLEXITY_API_KEY."""

import os

from dotenv import load_dotenv

load_dotenv()

from openai import OpenAI

import revenium_middleware_perplexity  # meters Perplexity only: your other OpenAI clients are left alone

client = OpenAI(api_key=os.environ["PERPLEXITY_API_KEY"], base_url=os.environ.get("PERPLEXITY_BASE_URL", "https://api.perplexity.ai"))
response = client.chat.completions.create(
    model="sonar",
    messages=[{"role": "user", "content": "What is the capital of France?"}],
    usage_metadata={"organizationName": "AcmeCorp", "productName": "research", "agent": "researcher"},
)
print(response.choices[0].message.content)
print("  -> record %s: %d tokens" % (response._revenium_transaction_id, response.usage.total_tokens))
