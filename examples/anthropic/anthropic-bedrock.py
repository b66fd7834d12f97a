"""Claude on Amazon Bedrock: the model's everyday name is sent as the id it has there. Needs AWS credentials, and AWS_REGION."""

import os

from dotenv import load_dotenv

load_dotenv()

import anthropic

import revenium_middleware_anthropic

client = anthropic.AnthropicBedrock(aws_region=os.environ.get("AWS_REGION") or "us-east-1")
WHO = {"organizationName": "AcmeCorp", "agent": "bedrock-agent"}

message = client.messages.create(
    model="claude-opus-4-7",  # sent as anthropic.claude-opus-4-7
    max_tokens=1024,
    messages=[{"role": "user", "content": "Hello from Bedrock!"}],
    usage_metadata=WHO,
)
print(message.content[0].text)
print("  -> record %s\n" % message._revenium_transaction_id)

with client.messages.stream(
    model="us.claude-opus-4-7",  # sent as us.anthropic.claude-opus-4-7; ids of Bedrock's own are sent as they are
    max_tokens=1024,
    messages=[{"role": "user", "content": "And once more, word by word."}],
    usage_metadata=WHO,
) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
    print("\n  -> record %s" % stream.get_final_message().id)
