"""Embeddings. Needs GOOGLE_API_KEY. The Gemini API reports no token counts for most embedding models: those records say that theirs are unknown."""

from dotenv import load_dotenv

load_dotenv()

from google import genai

import revenium_middleware_google

client = genai.Client(vertexai=True)  # Vertex counts; `genai.Client()` is the Gemini API
response = client.models.embed_content(
    model="text-embedding-005",
    contents=["The quick brown fox", "The lazy dog"],
    usage_metadata={"organizationName": "AcmeCorp", "task_type": "search"},
)
print("%d vectors of %d numbers" % (len(response.embeddings), len(response.embeddings[0].values)))
