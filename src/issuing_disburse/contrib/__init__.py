"""
How do webhooks reach `Disburser.handle_webhook` through the web framework that is there already?

One module for each framework, each an extra of its own: ``starlette`` (FastAPI, too), ``flask``, ``django``.
And how does what happened reach logs (``event_log``) and OpenTelemetry (``telemetry``, an extra)?
"""
