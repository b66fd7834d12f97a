"""Every public method of the google-genai package, and what becomes of its bill."""

from __future__ import annotations

from typing import Tuple

from .._calls.coverage import FREE, METERED, UNMETERABLE, Inventory, Row

_BATCH = "https://ai.google.dev/gemini-api/docs/batch-api"
_MUSIC = "https://ai.google.dev/gemini-api/docs/music-generation"
_INTERACTIONS = "https://ai.google.dev/gemini-api/docs/interactions"

ROWS: Tuple[Row, ...] = (
    Row(r"models\.generate_content(_stream)?", METERED, "counts of the answer or of its last chunk; every round of automatic function calling is a call"),
    Row(r"chats\.send_message(_stream)?", METERED, "the model calls it makes"),
    Row(r"models\.embed_content", METERED, "counts where the answer has them; the Gemini API reports none for most models"),
    Row(r"models\.(generate|edit|upscale|recontext|segment)_images?", METERED, "the pictures of the answer"),
    Row(r"models\.generate_videos", METERED, "with the first look that shows it done: seconds asked for, times films made"),
    Row(r"operations\.get", METERED, "the first look that shows a film done"),
    Row(r"batches\.(create|create_embeddings)", METERED, "with the first look at the answers", _BATCH),
    Row(r"batches\.(get|list)", METERED, "one record per inline answer, at batch prices", _BATCH),
    Row(r"files\.download", METERED, "one record per answer in the result file of a batch; other files cost nothing", _BATCH),
    Row(r"caches\.(create|update)", METERED, "the tokens stored; how long they stay, no answer says"),
    Row(r"file_search_stores\.(import_file|upload_to_file_search_store)", METERED, "one record per file, counts unknown: no answer says what indexing took"),
    Row(r"tunings\.(tune|get)", METERED, "tokens trained on, when the job is seen to have succeeded"),
    Row(r"interactions\.create", METERED, "usage of the answer or of the last event; each continuation is a call", _INTERACTIONS),
    Row(r"interactions\.(get|cancel)", METERED, "the first look at one that was started here in the background", _INTERACTIONS),
    Row(r"triggers\.run", METERED, "with the first look at the interaction it starts", _INTERACTIONS),
    Row(r"decisions\.create", METERED, "usage of the answer"),
    Row(r"live\.connect", METERED, "one record per turn of the session"),
    Row(r"live\.music\.connect", UNMETERABLE, "its messages say nothing of what was used, and its sound has no end of its own", _MUSIC),
    Row(r"models\.(count_tokens|compute_tokens|get|list|update|delete)", FREE, "counting and administration"),
    Row(r"chats\.(create|get_history|record_history)", FREE, "sends nothing"),
    Row(r"(batches|caches)\.(cancel|delete|get|list)", FREE, "administration"),
    Row(r"tunings\.(cancel|list|validate_reward)", FREE, "administration"),
    Row(r"interactions\.delete", FREE, "administration"),
    Row(r"files\.(upload|get|list|delete|register_files)", FREE, "files to work on"),
    Row(r"file_search_stores\.(create|get|list|delete|download_media|documents\..*)", FREE, "administration"),
    Row(r"triggers\.(create|get|list|update|delete|list_executions)", FREE, "administration"),
    Row(r"(agents|credentials|environments|voices|webhooks|auth_tokens)\..*", FREE, "administration; what runs there is billed as interactions"),
    Row(r"a?close", FREE, "sends nothing"),
)

INVENTORY = Inventory(
    "google.genai",
    (("Client", {"api_key": "none"}), ("Client.aio", {"api_key": "none"})),
    ROWS,
    one_sided=("close", "aclose", "live.connect", "live.music.connect"),
)
