"""What visitors read while a site is closed: answered by the load balancer itself, with 503."""

from __future__ import annotations

from typing import Final

LIMIT: Final = 1024
"""A load balancer's answer has at most so many characters (ELBv2, fixed-response actions)."""

_TEMPLATE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto;padding:0 1rem}}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{first}</p>
<p>{second}</p>
</body>
</html>
"""

PAGE: Final = _TEMPLATE.format(
    title="This site is suspended",
    first="It is not available at the moment. Nothing of it is lost.",
    second="If it is yours, please contact the support of your hosting provider.",
)
MOVING_PAGE: Final = _TEMPLATE.format(
    title="This site is moving",
    first="It gets a new address and will be back in a few minutes.",
    second="Nothing of it is lost. Please come again soon.",
)
