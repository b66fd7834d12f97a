"""The shortest way in: one import, one call, one record. Needs OPENAI_API_KEY, in the environment or in .env."""

from dotenv import load_dotenv

load_dotenv()

import openai

import revenium_middleware
import revenium_middleware_openai  # every call of the openai package is metered from here on

client = openai.OpenAI()
response = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "Say hello in five words."}],
    usage_metadata={"organizationName": "AcmeCorp", "productName": "getting-started"},
)
print(response.choices[0].message.content)

status = revenium_middleware.status()
print("Records so far: %d, kept in %s (%s mode). Now run: revenium-meter report" % (status.recorded, status.ledger, status.mode))
