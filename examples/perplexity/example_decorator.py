"""Attribution by decorator: everything a function does belongs to its customer. Needs PERPLEXITY_API_KEY."""

from dotenv import load_dotenv

load_dotenv()

from perplexity import Perplexity

import revenium_middleware_perplexity
from revenium_middleware import revenium_metadata

client = Perplexity()


def ask(question, **attribution):
    response = client.chat.completions.create(model="sonar", messages=[{"role": "user", "content": question}], **attribution)
    print(response.choices[0].message.content)
    print("  -> record %s: %d tokens" % (response._revenium_transaction_id, response.usage.total_tokens))


@revenium_metadata(organizationName="AcmeCorp", agent="analyst", task_type="analysis")
def analysis():
    ask("Which is the longest river of Africa?")

    # What a call says itself wins, field by field: the customer and the agent stay.
    ask("And the second longest?", usage_metadata={"task_type": "follow-up", "trace_id": "analysis-2"})


analysis()
