"""Vertex AI. Needs GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_LOCATION and `gcloud auth application-default login`, or GOOGLE_API_KEY alone (express mode)."""

from dotenv import load_dotenv

load_dotenv()

from google import genai

import revenium_middleware_google  # meters the older `vertexai` package too

client = genai.Client(vertexai=True)
chat = client.chats.create(model="gemini-2.0-flash-001")
for question in ("Hello!", "What did I just say?"):
    response = chat.send_message(question, usage_metadata={"organizationName": "AcmeCorp", "agent": "chat-agent"})
    print(response.text)
    print("  -> record %s: %d tokens" % (response.response_id, response.usage_metadata.total_token_count))
