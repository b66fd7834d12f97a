"""Google's APIs as data. Gemini's and Vertex's differ in what comes before the model or job and its verb."""

from __future__ import annotations

from typing import Tuple

from .._calls.declarations import Endpoint
from .._core.fields import VIDEO
from . import jobs, live, media, readers

ENDPOINTS: Tuple[Endpoint, ...] = (
    Endpoint("POST", "[^/]+:(?:generateContent|streamGenerateContent)", "CHAT", readers.ContentReader),
    Endpoint("POST", "[^/]+:(?:embedContent|batchEmbedContents)", "EMBED", readers.EmbeddingReader, own_id=True),
    Endpoint("POST", "[^/]+:(?:predict|directPredict)", "OTHER", media.PredictReader, own_id=True),
    Endpoint("POST", "[^/]+:serverStreamingPredict", media.GENERATE, media.StreamedTextReader, own_id=True),
    Endpoint("POST", "[^/]+:predictLongRunning", "VIDEO", media.FilmStartReader, VIDEO, "generation", settles_jobs=True),
    Endpoint("POST", "[^/]+:fetchPredictOperation", "VIDEO", media.FilmReader, VIDEO, "generation", settles_jobs=True),
    Endpoint("GET", "operations/([^/:]+)", "VIDEO", media.FilmReader, VIDEO, "generation", settles_jobs=True),
    Endpoint("POST", "[^/]+:(?:batchGenerateContent|asyncBatchEmbedContent)", "CHAT", jobs.BatchReader),
    Endpoint("GET", "batches/([^/:]+)", "CHAT", jobs.BatchReader),
    Endpoint("GET", "batches", "CHAT", jobs.BatchReader),
    Endpoint("GET", "files/([^/:]+):download", "CHAT", jobs.BatchFileReader),
    Endpoint("POST", "batchPredictionJobs", "OTHER", jobs.PredictionJobReader),
    Endpoint("GET", "batchPredictionJobs/([^/:]+)", "OTHER", jobs.PredictionJobReader, settles_jobs=True),
    Endpoint("POST", "tuningJobs", "OTHER", jobs.TuningReader),
    Endpoint("GET", "tuningJobs/([^/:]+)", "OTHER", jobs.TuningReader, settles_jobs=True),
    Endpoint("POST", "pipelineJobs", "OTHER", jobs.UncountedReader, subtype="fine_tuning", own_id=True),
    Endpoint("POST", "cachedContents", "OTHER", jobs.CacheReader, subtype="cache_creation", own_id=True),
    Endpoint("PATCH", "cachedContents/[^/:]+", "OTHER", jobs.UncountedReader, subtype="cache_storage", own_id=True),
    Endpoint("POST", "[^/]+:(?:importFile|uploadToFileSearchStore)", "EMBED", jobs.UncountedReader, subtype="file_search", own_id=True),
    Endpoint("POST", "BidiGenerateContent", "CHAT", live.LiveReader, subtype="realtime"),
    Endpoint("POST", "interactions", "CHAT", readers.InteractionReader),
    Endpoint("GET", "interactions/([^/:]+)", "CHAT", readers.FinishedInteractionReader, settles_jobs=True, known_jobs_only=True),
    Endpoint("POST", "interactions/([^/:]+)[:/]cancel", "CHAT", readers.FinishedInteractionReader, settles_jobs=True, known_jobs_only=True),
    Endpoint("POST", "triggers/[^/]+(?:/executions|:run)", "CHAT", readers.TriggerReader),
    Endpoint("POST", "decisions", "CLASSIFY", readers.DecisionReader, own_id=True),
    Endpoint("POST", "[^/]+:(?:countTokens|computeTokens|cancel|register|validateReinforcementTuningReward)", "OTHER", None),
    Endpoint("POST", "(?:files|auth_tokens|fileSearchStores|documents|webhooks|agents|environments|credentials|voices|triggers)", "OTHER", None),
)

UNKNOWN = Endpoint("POST", ".*", "OTHER", readers.AnyUsageReader, own_id=True)
