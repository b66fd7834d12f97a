"""A stream from Azure OpenAI. Needs the same variables as azure_basic.py."""

import os

from dotenv import load_dotenv

load_dotenv()

from openai import AzureOpenAI

import revenium_middleware_openai

client = AzureOpenAI(api_version="2024-10-21")
stream = client.chat.completions.create(
    model=os.environ.get("AZURE_OPENAI_DEPLOYMENT", "my-gpt4-deployment"),
    messages=[{"role": "user", "content": "Write a haiku about clouds."}],
    stream=True,
    usage_metadata={"organizationName": "Initech", "productName": "back-office", "agent": "azure-poet"},
)
for chunk in stream:
    if chunk.choices:  # Azure's first chunk holds filter results only
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print("\n  -> record %s" % stream._revenium_transaction_id)
