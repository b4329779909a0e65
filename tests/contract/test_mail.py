"""Mail: one letter in both forms, and errors that name nobody."""

from __future__ import annotations

import json
import urllib.request

import pytest
from moto.ses.models import ses_backends

from core.adapters.aws.mail import SesMail
from core.adapters.memory.mail import MemoryMail
from core.domain.errors import SitefleetError, TransientError
from core.ports.mail import Letter, Mail
from tests.contract.backends import REGION, Backend, Memory

SENDER = "no-reply@kimmyai.io"
LETTER = Letter(
    to=("jane@customer.example", "john@customer.example"),
    subject="Your site is ready: naïve café",
    html="<p>Hello &amp; welcome</p>",
    text="Hello & welcome\n",
)


@pytest.fixture
def mail(backend: Backend) -> Mail:
    if isinstance(backend, Memory):
        return MemoryMail(backend.world)
    backend.clients.sesv2.create_email_identity(EmailIdentity="kimmyai.io")
    return SesMail(clients=backend.clients, sender=SENDER)


@pytest.fixture
def received(backend: Backend):
    """What has arrived: recipients, subject, HTML (where the backend shows it)."""

    def of_emulator():
        url = f"{backend.clients.sesv2.meta.endpoint_url}/_ministack/ses/messages"
        with urllib.request.urlopen(f"{url}?account={backend.account_id}") as answer:
            found = json.load(answer)["messages"].get(backend.account_id, [])
        return [(tuple(m["To"]), m["Subject"], m["BodyHtml"], m["BodyText"]) for m in found]

    def of_moto():
        sent = ses_backends[backend.account_id][REGION].sent_messages
        return [
            (tuple(m.destinations["ToAddresses"]), m.subject, m.body, LETTER.text) for m in sent
        ]

    def of_memory():
        return [(m.to, m.subject, m.html, m.text) for m in backend.world.mails]

    return {"memory": of_memory, "moto": of_moto, "emulator": of_emulator}[backend.name]


def test_a_letter_arrives_once_with_both_forms(mail, received):
    mail.send(LETTER)
    assert received() == [(LETTER.to, LETTER.subject, LETTER.html, LETTER.text)]


def test_ses_is_given_both_forms_and_the_configuration_set(moto, monkeypatch):
    calls = []
    monkeypatch.setattr(moto.clients.sesv2, "send_email", lambda **request: calls.append(request))
    SesMail(clients=moto.clients, sender=SENDER, configuration_set="bbws").send(LETTER)
    [request] = calls
    body = request["Content"]["Simple"]["Body"]
    assert {form: body[form]["Data"] for form in body} == {"Html": LETTER.html, "Text": LETTER.text}
    assert request["ConfigurationSetName"] == "bbws"
    assert request["FromEmailAddress"] == SENDER


def test_a_refusal_of_ses_names_no_address(aws):
    """SES itself writes the addresses that it does not like into its message."""
    mail = SesMail(clients=aws.clients, sender=SENDER)
    with pytest.raises(SitefleetError, match="SES refused a mail") as refused:
        mail.send(LETTER)
    assert not isinstance(refused.value, TransientError)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    assert "@" not in str(refused.value)


def test_a_throttled_mail_is_worth_another_try(moto, monkeypatch):
    def throttled(**_request):
        raise moto.clients.sesv2.exceptions.TooManyRequestsException(
            {"Error": {"Code": "TooManyRequestsException", "Message": "jane@customer.example"}},
            "SendEmail",
        )

    monkeypatch.setattr(moto.clients.sesv2, "send_email", throttled)
    with pytest.raises(TransientError, match="TooManyRequestsException") as again:
        SesMail(clients=moto.clients, sender=SENDER).send(LETTER)
    assert "@" not in str(again.value)
