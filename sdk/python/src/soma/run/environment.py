"""Where the platform is and how an agent proves itself, as the environment says."""

from __future__ import annotations

import os

from soma.run.runtime import StartOptions


def read_environment() -> StartOptions:
    """The names of the original SDK are aliases."""
    environment = os.environ
    return StartOptions(
        url=environment.get("SOMA_URL") or environment.get("SOORMA_URL") or environment.get("SOORMA_EVENT_SERVICE_URL"),
        api_key=environment.get("SOMA_API_KEY"),
        token=environment.get("SOMA_TOKEN") or environment.get("SOORMA_AUTH_TOKEN"),
    )
