"""Streams, sync and async: the record is made when the stream ends. Needs ANTHROPIC_API_KEY."""

import asyncio

from dotenv import load_dotenv

load_dotenv()

import anthropic

import revenium_middleware
import revenium_middleware_anthropic

ASKED = {"model": "claude-opus-4-7", "max_tokens": 1024, "messages": [{"role": "user", "content": "Tell me a story in one sentence."}]}


def with_the_helper():
    client = anthropic.Anthropic()
    with client.messages.stream(**ASKED, usage_metadata={"organizationName": "AcmeCorp", "agent": "story-teller"}) as stream:
        for text in stream.text_stream:
            print(text, end="", flush=True)
        print("\n  -> record %s\n" % stream.get_final_message().id)


def event_by_event():
    stream = anthropic.Anthropic().messages.create(stream=True, **ASKED, usage_metadata={"organizationName": "AcmeCorp", "agent": "story-teller"})
    for event in stream:
        if event.type == "content_block_delta":
            print(event.delta.text, end="", flush=True)
    print("\n  -> record %s\n" % stream._revenium_transaction_id)


async def asynchronous():
    async with anthropic.AsyncAnthropic() as client:
        # The typed way to attribute: a block. A helper's stream is opened inside it.
        with revenium_middleware.metadata(organization_name="Globex", agent="story-teller", task_type="creative"):
            async with client.messages.stream(**ASKED) as stream:
                async for text in stream.text_stream:
                    print(text, end="", flush=True)
                print("\n  -> record %s\n" % (await stream.get_final_message()).id)


with_the_helper()
event_by_event()
asyncio.run(asynchronous())
