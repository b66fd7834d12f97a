"""A stream. Needs GOOGLE_API_KEY."""

from dotenv import load_dotenv

load_dotenv()

from google import genai

import revenium_middleware_google

client = genai.Client()
for chunk in client.models.generate_content_stream(
    model="gemini-2.0-flash-001",
    contents="Write a haiku about rivers.",
    usage_metadata={"organizationName": "AcmeCorp", "task_type": "creative"},
):
    print(chunk.text, end="", flush=True)
print("\n  -> record %s: %d tokens" % (chunk.response_id, chunk.usage_metadata.total_token_count))
