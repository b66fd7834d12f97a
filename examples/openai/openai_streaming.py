"""Streams, sync and async: the record is made when the stream ends. Needs OPENAI_API_KEY."""

import asyncio

from dotenv import load_dotenv

load_dotenv()

import openai

import revenium_middleware
import revenium_middleware_openai

STORY = [{"role": "user", "content": "Tell me a story in one sentence."}]


def sync_stream():
    stream = openai.OpenAI().chat.completions.create(
        model="gpt-4o-mini",
        messages=STORY,
        stream=True,  # token counts are asked for behind the scenes; your loop sees no extra chunk
        usage_metadata={"organizationName": "AcmeCorp", "agent": "story-teller"},
    )
    for chunk in stream:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    print("\n  -> record %s\n" % stream._revenium_transaction_id)


async def async_stream():
    async with openai.AsyncOpenAI() as client:
        # The typed way to attribute: a block. It works for every call made inside it.
        with revenium_middleware.metadata(organization_name="Globex", agent="story-teller", task_type="creative"):
            stream = await client.chat.completions.create(model="gpt-4o-mini", messages=STORY, stream=True)
        async for chunk in stream:
            print(chunk.choices[0].delta.content or "", end="", flush=True)
        print("\n  -> record %s\n" % stream._revenium_transaction_id)


sync_stream()
asyncio.run(async_stream())
