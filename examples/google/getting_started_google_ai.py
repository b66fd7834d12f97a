"""The Gemini API, attributed to a customer. Needs GOOGLE_API_KEY."""

from dotenv import load_dotenv

load_dotenv()

from google import genai

import revenium_middleware_google

client = genai.Client()
response = client.models.generate_content(
    model="gemini-2.0-flash-001",
    contents="Hello! Introduce yourself in one sentence.",
    usage_metadata={"organizationName": "AcmeCorp", "task_type": "chat"},
)
print(response.text)
# The answer's own id is that of the record in the ledger, on the wire and in the Revenium console.
print("  -> record %s: %d tokens" % (response.response_id, response.usage_metadata.total_token_count))
