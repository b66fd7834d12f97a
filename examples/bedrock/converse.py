"""Amazon Bedrock through boto3, plain and streamed, attributed to a customer. Needs AWS credentials."""

import os

from dotenv import load_dotenv

load_dotenv()

import boto3

import revenium_middleware_bedrock  # meters Bedrock's runtime only: your other AWS clients are left alone

client = boto3.client("bedrock-runtime", region_name=os.environ.get("AWS_REGION", "us-east-1"))
question = {
    "modelId": "us.amazon.nova-lite-v1:0",
    "messages": [{"role": "user", "content": [{"text": "What is the capital of France?"}]}],
    "usage_metadata": {"organizationName": "AcmeCorp", "productName": "research", "agent": "researcher"},
}

response = client.converse(**question)
print(response["output"]["message"]["content"][0]["text"])
print("  -> record %s: %d tokens" % (response["ResponseMetadata"]["RequestId"], response["usage"]["totalTokens"]))

stream = client.converse_stream(**question)["stream"]
for event in stream:
    if "contentBlockDelta" in event:
        print(event["contentBlockDelta"]["delta"]["text"], end="", flush=True)
print("\n  -> record %s" % stream._revenium_transaction_id)
