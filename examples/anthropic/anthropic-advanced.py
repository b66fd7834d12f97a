"""A tool, a picture and a batch, attributed by decorators and blocks. Needs ANTHROPIC_API_KEY."""

import time

from dotenv import load_dotenv

load_dotenv()

import anthropic

import revenium_middleware
import revenium_middleware_anthropic
from revenium_middleware import revenium_metadata

client = anthropic.Anthropic()
MODEL = {"model": "claude-opus-4-7", "max_tokens": 1024}
WEATHER = {
    "name": "weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@revenium_metadata(organizationName="AcmeCorp", agent="weather-agent", task_type="tools")
def ask_with_a_tool(question):
    """Each turn is a record; all of them are attributed to what the decorator says."""
    messages = [{"role": "user", "content": question}]
    while True:
        message = client.messages.create(messages=messages, tools=[WEATHER], **MODEL)
        print("  -> record %s" % message._revenium_transaction_id)
        if message.stop_reason != "tool_use":
            return message.content[0].text
        used = [block for block in message.content if block.type == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": "Sunny"} for block in used]
        messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]


print(ask_with_a_tool("What is the weather in Paris?"))

picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DOT}}
with revenium_middleware.metadata(organization_name="Globex", agent="picture-agent"):
    message = client.messages.create(messages=[{"role": "user", "content": [picture, {"type": "text", "text": "What is this?"}]}], **MODEL)
print("\n%s" % message.content[0].text)
print("  -> record %s" % message._revenium_transaction_id)

# A batch is billed when its results are read, to whoever asked for it.
requests = [{"custom_id": city, "params": {**MODEL, "messages": [{"role": "user", "content": "One fact about " + city}]}} for city in ("Oslo", "Rome")]
batch = client.messages.batches.create(requests=requests, usage_metadata={"organizationName": "Initech", "agent": "fact-finder"})
while client.messages.batches.retrieve(batch.id).processing_status != "ended":
    time.sleep(2)
for line in client.messages.batches.results(batch.id):
    print("\n%s: %s" % (line.custom_id, line.result.message.content[0].text))
    print("  -> record %s" % line.result.message.id)
