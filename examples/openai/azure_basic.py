"""Azure OpenAI: the record names the model behind the deployment.

Needs AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY; AZURE_OPENAI_DEPLOYMENT names your deployment.
"""

import os

from dotenv import load_dotenv

load_dotenv()

from openai import AzureOpenAI

import revenium_middleware_openai

client = AzureOpenAI(api_version="2024-10-21")
response = client.chat.completions.create(
    model=os.environ.get("AZURE_OPENAI_DEPLOYMENT", "my-gpt4-deployment"),
    messages=[{"role": "user", "content": "What is the capital of Italy?"}],
    usage_metadata={"organizationName": "Initech", "productName": "back-office", "agent": "azure-agent"},
)
print(response.choices[0].message.content)
print("  -> record %s: model %s, %d tokens" % (response._revenium_transaction_id, response.model, response.usage.total_tokens))
