"""Every public method of the openai package, and what becomes of its bill."""

from __future__ import annotations

from typing import Tuple

from .._calls.coverage import FREE, METERED, UNMETERABLE, Inventory, Row

_PRICING = "https://developers.openai.com/api/docs/pricing"
_REALTIME_COSTS = "https://developers.openai.com/api/docs/guides/realtime-costs"
_VOICE_COSTS = "https://developers.openai.com/api/docs/guides/voice-latency-cost"
_AGENT_USAGE = "https://developers.openai.com/api/docs/guides/agents-api/observability"
_CHATKIT = "https://openai.github.io/chatkit-js/guides/authentication"

_RUNS = r"(create|create_and_poll|create_and_stream|stream|poll|retrieve|list|cancel|submit_tool_outputs(_and_poll|_stream)?)"

ROWS: Tuple[Row, ...] = (
    # Text
    Row(r"(beta\.)?chat\.completions\.(create|parse|stream)", METERED, "usage of the answer, asked for in streams"),
    Row(r"completions\.create", METERED, "usage of the answer, asked for in streams"),
    Row(r"(beta\.)?responses\.(create|parse|stream|compact)", METERED, "usage of the answer or of its last event; background ones when seen finished"),
    Row(r"(beta\.)?responses\.(retrieve|cancel)", METERED, "a background response, once, when first seen finished"),
    Row(r"(beta\.)?responses\.connect", METERED, "each response of the connection, by its last event"),
    Row(r"embeddings\.create", METERED, "usage of the answer"),
    Row(r"decisions\.create", METERED, "usage of the answer"),
    Row(r"beta\.threads\.runs\." + _RUNS, METERED, "usage of the run, once, when a stream ends or the run is first seen ended"),
    Row(r"beta\.threads\.create_and_run(_poll|_stream)?", METERED, "usage of the run, once, when a stream ends or the run is first seen ended"),
    # Pictures, sound, films
    Row(r"images\.(generate|edit|create_variation)", METERED, "tokens where reported, else the pictures made"),
    Row(r"audio\.speech\.create", METERED, "characters sent; tokens where a streamed answer reports them"),
    Row(r"audio\.(transcriptions|translations)\.create", METERED, "tokens or seconds, whichever the answer reports"),
    Row(r"videos\.(create|create_and_poll|edit|extend|remix|poll|retrieve|list)", METERED, "seconds of the film, once, when first seen made"),
    # Conversations over a line
    Row(r"(beta\.)?realtime\.connect", METERED, "each response and each transcription, by the events that report them", _REALTIME_COSTS),
    Row(r"realtime\.translations\.connect", METERED, "seconds of the sound sent", "https://developers.openai.com/api/docs/models/gpt-realtime-translate"),
    Row(r"live\.(connect|forks\.connect|sideband\.connect)", METERED, "seconds of the session, and what it delegates, by its events", _VOICE_COSTS),
    Row(
        r"realtime\.calls\.(create|accept)",
        METERED,
        "the call's responses, heard by realtime.connect(call_id=...) and attributed as said here; its sound passes this process by",
        _REALTIME_COSTS,
    ),
    Row(
        r"live\.(create|sessions\.accept|sessions\.fork)",
        METERED,
        "the session's seconds, heard by live.sideband.connect(session_id=...) and attributed as said here; its sound passes this process by",
        _VOICE_COSTS,
    ),
    # Work that is billed later
    Row(r"batches\.(create|retrieve|cancel)", METERED, "each line of the result file, once, when it is read; attributed as said at create"),
    Row(r"files\.(content|retrieve_content)", METERED, "each line of a batch's result file, once"),
    Row(r"fine_tuning\.jobs\.(create|retrieve|list|cancel|pause|resume)", METERED, "trained tokens, once, when the job is first seen succeeded"),
    Row(r"fine_tuning\.alpha\.graders\.run", METERED, "tokens of each model that graded"),
    Row(r"evals\.runs\.(create|retrieve|list|cancel)", METERED, "tokens of each model of the run, once, when first seen ended"),
    Row(
        r"beta\.agents\.(sessions\.(create|update|stream|events\.(create|stream)|(subagents\.)?turns\.(list|retrieve))|automations\.invocations\.(create|retrieve))",
        METERED,
        "usage of each turn, once, when an event or a look at the turn shows it ended; attributed as said to the session",
        _AGENT_USAGE,
    ),
    Row(r"(containers|beta\.agents\.environments)\.create", METERED, "one record per container started, its quantity unknown: priced by size", _PRICING),
    # Any call by its path
    Row(r"(get|post|request|get_api_list)", METERED, "by its path, as the method that would have made it; unknown paths where the answer carries usage"),
    # What runs where this process cannot see
    Row(
        r"beta\.chatkit\.sessions\.create",
        UNMETERABLE,
        '"Your backend creates a session and returns a token to trusted clients": the workflow runs between browser and provider; '
        "neither this answer nor any chatkit.threads call carries usage",
        _CHATKIT,
    ),
    Row(
        r"beta\.agents\.automations\.(create|resume)",
        UNMETERABLE,
        "the provider starts sessions on its schedule, whether or not any process of ours runs; a session's turns are metered where one looks at them",
        _AGENT_USAGE,
    ),
    Row(
        r"(beta\.)?vector_stores\.(create|files\.(create|create_and_poll|upload|upload_and_poll)|file_batches\.(create|create_and_poll|upload_and_poll))",
        UNMETERABLE,
        '"$0.10 / GB of vector-storage per day (1 GB free)": the bill is the days it will be kept, and no call reports it',
        _PRICING,
    ),
    # What bills nothing
    Row(r"moderations\.create", FREE, "the moderation models are free", _PRICING),
    Row(r"(beta\.)?responses\.input_tokens\.count", FREE, "counts, generates nothing"),
    Row(r"vector_stores\.search", FREE, "file search is charged as a tool call of the Responses API only; no usage in the answer", _PRICING),
    Row(r"videos\.(create_character|get_character)", FREE, "films are priced by the second generated; a character is an upload to use in them", _PRICING),
    Row(r"realtime\.(translations\.)?client_secrets\.create", FREE, "a key for a session that bills where it runs", _REALTIME_COSTS),
    Row(r"beta\.realtime\.(sessions|transcription_sessions)\.create", FREE, "a key for a session that bills where it runs", _REALTIME_COSTS),
    Row(r"(realtime\.calls|live\.sessions)\.(hangup|refer|reject)", FREE, "steers a session that bills by itself"),
    Row(r"live\.sessions\.download_recording", FREE, "reads what was recorded"),
    Row(r"fine_tuning\.alpha\.graders\.validate", FREE, "checks a definition, runs no model"),
    Row(r"evals\.(create|update|list|retrieve|delete|runs\.(delete|output_items\.(list|retrieve)))", FREE, "definitions and results; the runs bill"),
    Row(r"fine_tuning\.(jobs\.(list_events|checkpoints\.list)|checkpoints\.permissions\.\w+)", FREE, "reads and permissions"),
    Row(r"batches\.list", FREE, "names jobs; their result files bill when read"),
    Row(r"files\.(create|delete|list|retrieve|wait_for_processing)", FREE, "files are kept without charge", _PRICING),
    Row(r"uploads\.\w+|uploads\.parts\.create", FREE, "files are kept without charge", _PRICING),
    Row(r"videos\.(delete|download_content)", FREE, "reads or removes what was made"),
    Row(r"containers\.(delete|list|retrieve|files\.(create|delete|list|retrieve|content\.retrieve))", FREE, "the container bills, not its files"),
    Row(r"(beta\.)?chat\.completions\.(delete|list|retrieve|update|messages\.list)", FREE, "stored answers, billed when they were made"),
    Row(r"(beta\.)?responses\.(delete|input_items\.list)", FREE, "stored answers, billed when they were made"),
    Row(r"conversations\.(create|delete|retrieve|update|items\.(create|delete|list|retrieve))", FREE, "stored items; the responses that use them bill"),
    Row(r"beta\.threads\.(create|delete|retrieve|update|messages\.\w+|runs\.(update|steps\.(list|retrieve)))", FREE, "stored items; the runs bill"),
    Row(r"beta\.assistants\.(create|delete|list|retrieve|update)", FREE, "definitions; the runs bill"),
    Row(r"beta\.chatkit\.(upload_file|sessions\.cancel|threads\.(delete|list|list_items|retrieve))", FREE, "reads and endings"),
    Row(r"beta\.agents\.(create|delete|list|retrieve|update)", FREE, "definitions; the sessions' turns bill"),
    Row(r"beta\.agents\.automations\.(delete|list|pause|retrieve|update|invocations\.list)", FREE, "reads, settings and endings"),
    Row(r"beta\.agents\.environments\.(list|retrieve|files\.\w+|templates\.\w+)", FREE, "the environment bills when it is created, not its files"),
    Row(r"beta\.agents\.sessions\.(delete|list|retrieve|artifacts\.\w+|items\.list|traces\.list)", FREE, "reads and endings; the session's turns bill"),
    Row(r"beta\.agents\.sessions\.(subagents\.(list|retrieve|items\.list|turns\.items\.list)|turns\.items\.list)", FREE, "reads; the turns bill"),
    Row(r"beta\.agents\.vaults\.(credentials\.)?\w+", FREE, "secrets, no model"),
    Row(r"(beta\.)?vector_stores\.(delete|list|retrieve|update|files\.(content|delete|list|poll|retrieve|update))", FREE, "reads and settings"),
    Row(r"(beta\.)?vector_stores\.file_batches\.(cancel|list_files|poll|retrieve)", FREE, "reads and endings"),
    Row(r"audio\.(voices|voice_consents)\.(create|delete|list|retrieve|update)", FREE, "speech bills when it is made, in whichever voice", _PRICING),
    Row(r"content_provenance_checks\.create", FREE, "looks for a watermark; no price and no usage", _PRICING),
    Row(r"models\.(list|retrieve|delete)|safety\.(alerts|cases)\.retrieve", FREE, "administration"),
    Row(r"(skills|webhooks|admin)\..*", FREE, "administration"),
    Row(r"(put|patch|delete)", FREE, "no billed path takes this verb"),
    Row(r"close|copy|with_options|is_closed|platform_headers", FREE, "sends nothing"),
)

_KEY = {"api_key": "none"}
_AZURE = {"api_key": "none", "api_version": "none", "azure_endpoint": "https://localhost"}

INVENTORY = Inventory("openai", (("OpenAI", _KEY), ("AsyncOpenAI", _KEY), ("AzureOpenAI", _AZURE), ("AsyncAzureOpenAI", _AZURE)), ROWS)
