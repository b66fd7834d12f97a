"""From a settled record to the metering service: journal, ledger, sender."""
