"""What MiniStack's load balancers lack: further certificates of a listener, and pages with markup.

MiniStack writes the page of a rule that answers by itself into its XML as it is; a page of HTML
would make every later look at the rules unreadable.
"""

from __future__ import annotations

from html import escape
from typing import Any


def complete_listeners(balancers: Any) -> None:
    """Teach the emulator's load balancers both."""
    _escape_pages(balancers)
    _keep_certificates(balancers)


def _escape_pages(balancers: Any) -> None:
    written = balancers._action_xml  # noqa: SLF001  (the emulator's own rendering)

    def action_xml(action: dict[str, Any]) -> Any:
        response = action.get("FixedResponseConfig")
        if response is None:
            return written(action)
        escaped = {**response, "MessageBody": escape(response.get("MessageBody", ""), quote=False)}
        return written({**action, "FixedResponseConfig": escaped})

    balancers._action_xml = action_xml  # noqa: SLF001  (same)


def _keep_certificates(balancers: Any) -> None:
    kept: dict[str, list[str]] = {}

    def add(parameters: Any) -> Any:
        listener, arns = _named(balancers, parameters)
        mine = kept.setdefault(listener, [])
        mine += [arn for arn in arns if arn not in mine]
        return _answer(balancers, "AddListenerCertificates", mine)

    def remove(parameters: Any) -> Any:
        listener, arns = _named(balancers, parameters)
        kept[listener] = [arn for arn in kept.get(listener, []) if arn not in arns]
        return _answer(balancers, "RemoveListenerCertificates", [])

    def describe(parameters: Any) -> Any:
        listener, _ = _named(balancers, parameters)
        return _answer(balancers, "DescribeListenerCertificates", kept.get(listener, []))

    balancers._ACTION_MAP |= {  # noqa: SLF001  (the emulator's own table)
        "AddListenerCertificates": add,
        "RemoveListenerCertificates": remove,
        "DescribeListenerCertificates": describe,
    }


def _named(balancers: Any, parameters: Any) -> tuple[str, list[str]]:
    """Return the listener and the certificates that a request names."""
    arns, number = [], 1
    prefix = "Certificates.member.{}.CertificateArn"
    while arn := balancers._p(parameters, prefix.format(number)):  # noqa: SLF001  (same)
        arns.append(arn)
        number += 1
    return balancers._p(parameters, "ListenerArn"), arns  # noqa: SLF001  (same)


def _answer(balancers: Any, action: str, arns: list[str]) -> Any:
    members = "".join(
        f"<member><CertificateArn>{arn}</CertificateArn><IsDefault>false</IsDefault></member>"
        for arn in arns
    )
    return balancers._xml(200, action, f"<Certificates>{members}</Certificates>")  # noqa: SLF001
