"""Perplexity through its own SDK. Needs PERPLEXITY_API_KEY."""

from dotenv import load_dotenv

load_dotenv()

from perplexity import Perplexity

import revenium_middleware_perplexity  # every call of the perplexity package is metered from here on

client = Perplexity()
response = client.chat.completions.create(model="sonar", messages=[{"role": "user", "content": "Hello!"}])
print(response.choices[0].message.content)
print("  -> record %s: %d tokens" % (response._revenium_transaction_id, response.usage.total_tokens))
