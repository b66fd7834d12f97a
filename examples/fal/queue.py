"""Jobs in fal's queue: a film and speech, submitted together and fetched later. Needs FAL_KEY."""

from dotenv import load_dotenv

load_dotenv()

import fal_client

import revenium_middleware_fal

jobs = [
    fal_client.submit(application, arguments=arguments, usage_metadata={"organizationName": "Globex", "agent": "studio"})
    for application, arguments in (
        ("fal-ai/kling-video/v1/standard/text-to-video", {"prompt": "A cat on a skateboard", "duration": "5"}),
        ("fal-ai/playai/tts/v3", {"input": "Hello there"}),
    )
]
for job in jobs:
    print(sorted(job.get()))
    print("  -> record fal-%s" % job.request_id)
