"""What visitors of a suspended site read: answered by the load balancer itself, with 503."""

from __future__ import annotations

from typing import Final

LIMIT: Final = 1024
"""A load balancer's answer has at most so many characters (ELBv2, fixed-response actions)."""

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>This site is suspended</title>
<style>
body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto;padding:0 1rem}
</style>
</head>
<body>
<h1>This site is suspended</h1>
<p>It is not available at the moment. Nothing of it is lost.</p>
<p>If it is yours, please contact the support of your hosting provider.</p>
</body>
</html>
"""
