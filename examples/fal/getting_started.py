"""A picture from fal. Needs FAL_KEY."""

from dotenv import load_dotenv

load_dotenv()

import fal_client

import revenium_middleware_fal  # every call of the fal_client package is metered from here on

result = fal_client.subscribe(
    "fal-ai/flux/dev",
    arguments={"prompt": "A beautiful sunset over mountains", "image_size": "landscape_16_9"},
    on_enqueue=lambda request: print("  -> record fal-%s" % request),
    usage_metadata={"organizationName": "AcmeCorp", "task_type": "image-generation"},
)
for image in result.get("images", []):
    print(image["url"])
