"""Mail: a creation driven by messages ends with one mail per fact and audience."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest
import structlog

from core.adapters.memory.boundary import Boundary, Crashed
from core.adapters.memory.mail import MemoryMail
from core.domain.errors import TransientError
from core.engine.message import Acknowledged, QueueMessage, TryAgain
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.announcements import read_announcement
from events.decode import DecodeError
from events.formats import Environment
from events.vocabulary import DetailType, NotificationType
from simulation.fleet import SimulatedFleet
from simulation.jobs import DIGEST
from simulation.mailing import FOOTER, INTERNAL_ADDRESS
from simulation.requests import TENANT, creation

CUSTOMER = "jane@customer.example"
ORGANISATION = 'Jane & "Sons" <Ltd>'
PROD, DEV = Environment.PROD, Environment.DEV


def fleet_in(environment: Environment, boundary: Boundary | None = None, **tenant: object):
    known = {"email": CUSTOMER, "organization_name": ORGANISATION, **tenant}
    fleet = SimulatedFleet(environment=environment, boundary=boundary or Boundary())
    fleet.world.images[DIGEST] = "{}"
    fleet.world.image_tags[fleet.policy.wordpress_tag] = DIGEST
    fleet.world.tenants[TENANT] = Tenant(tenant_id=TENANT, status="REGISTERED", **known)
    return fleet


def create(fleet: SimulatedFleet, **payload: object) -> SimulatedFleet:
    body = creation(environment=fleet.environment.value, **payload)
    fleet.send(QueueName.CREATION, body)
    fleet.run()
    return fleet


def fail(fleet: SimulatedFleet, step: str) -> SimulatedFleet:
    """Create a site whose checks find it broken."""
    play = fleet.jobs.play

    def spoiled(job):
        result = play(job)
        if job.step != step or result is None:
            return result
        broken = {"name": "front-page", "passed": False, "evidence": "<b>500</b>"}
        return result.model_copy(update={"facts": {"passed": False, "checks": [broken]}})

    fleet.jobs.play = spoiled
    return create(fleet)


def by_audience(fleet: SimulatedFleet):
    """The mails: first the customer's, then the internal one, of each fact."""
    return {"customer": fleet.world.mails[0], "internal": fleet.world.mails[1]}


@pytest.fixture
def lines():
    """Everything that is logged."""
    with structlog.testing.capture_logs() as captured:
        yield captured


class TestACreation:
    def test_ends_with_one_mail_to_the_customer_and_one_to_our_own_people(self):
        fleet = create(fleet_in(PROD))
        assert [mail.to for mail in fleet.world.mails] == [(CUSTOMER,), (INTERNAL_ADDRESS,)]

    def test_the_customer_reads_where_the_site_is_and_where_to_sign_in(self):
        mail = by_audience(create(fleet_in(PROD)))["customer"]
        assert mail.subject == "Your site banana.wp.kimmyai.io is ready"
        for form in (mail.html, mail.text):
            assert "https://banana.wp.kimmyai.io" in form
            assert "https://banana.wp.kimmyai.io/wp-admin/" in form
            assert FOOTER.postal_address in form
            assert FOOTER.unsubscribe_url in form
            assert "KimmyAI" in form
        assert "Made in:" in mail.text
        assert 'Hello Jane & "Sons" <Ltd>,' in mail.text

    def test_what_a_customer_is_called_cannot_become_html(self):
        mail = by_audience(create(fleet_in(PROD)))["customer"]
        assert "Hello Jane &amp; &quot;Sons&quot; &lt;Ltd&gt;," in mail.html
        assert "<Ltd>" not in mail.html

    def test_a_tenant_without_a_name_is_greeted_without_one(self):
        mail = by_audience(create(fleet_in(PROD, organization_name=None)))["customer"]
        assert "Hello,\n" in mail.text

    def test_the_internal_mail_leads_to_the_operation(self):
        fleet = create(fleet_in(PROD))
        mail = by_audience(fleet)["internal"]
        [operation] = fleet.store.operations
        assert mail.subject == "Site created: banana.wp.kimmyai.io"
        for form in (mail.html, mail.text):
            assert operation in form
            assert "sitefleet sites show" in form

    def test_no_mail_holds_a_secret(self):
        fleet = create(fleet_in(PROD))
        hidden = {
            value
            for secret in fleet.world.secrets.values()
            for name, value in json.loads(secret.value).items()
            if name not in {"host", "port", "username", "dbname", "engine"}
        }
        assert len(hidden) > 2
        texts = [form for mail in fleet.world.mails for form in (mail.html, mail.text)]
        assert [v for v in hidden for text in texts if str(v) in text] == []


class TestAFailure:
    def test_the_internal_mail_says_what_failed_and_what_to_do(self):
        mail = by_audience(fail(fleet_in(PROD), "check_before"))["internal"]
        assert mail.subject == "Site creation failed: banana.wp.kimmyai.io"
        for expected in ("PROM_002", "check_before", "sitefleet operations show"):
            assert expected in mail.html
            assert expected in mail.text
        assert "&lt;b&gt;500&lt;/b&gt;" in mail.html

    def test_nothing_offers_an_address_at_which_nothing_is_served(self):
        fleet = fail(fleet_in(PROD), "check_before")
        (failed,) = [e for e in fleet.world.events if e.detail_type is DetailType.OPERATION_FAILED]
        assert failed.data.site_url is None
        assert [m for m in fleet.world.mails if "https://banana" in m.html + m.text] == []

    def test_the_customer_hears_that_nothing_is_online_and_no_internals(self):
        mail = by_audience(fail(fleet_in(PROD), "check_before"))["customer"]
        assert mail.subject == "Your site banana.wp.kimmyai.io could not be created yet"
        assert "Nothing of it is online" in mail.text
        assert "PROM_002" not in mail.html + mail.text
        assert "check_before" not in mail.html + mail.text


class TestOncePerFact:
    def test_a_fact_that_is_delivered_again_is_not_mailed_again(self):
        fleet = create(fleet_in(PROD))
        [done] = [e for e in fleet.world.events if e.detail_type is DetailType.OPERATION_COMPLETED]
        fleet.deliver_again(done)
        for notification in fleet.world.notifications:
            fleet.mail_desk.deliver(notification)
        fleet.run()
        assert len(fleet.world.mails) == 2

    def test_a_mail_that_ses_did_not_take_is_tried_again_alone(self, monkeypatch):
        fleet, sent = fleet_in(PROD), []
        send, refused = MemoryMail.send, []

        def once_refused(mail, letter):
            if letter.to == (INTERNAL_ADDRESS,) and not refused:
                refused.append(letter)
                raise TransientError("SES did not take a mail this time.")
            sent.append(letter.to)
            send(mail, letter)

        monkeypatch.setattr(MemoryMail, "send", once_refused)
        create(fleet)
        assert sent == [(CUSTOMER,), (INTERNAL_ADDRESS,)]

    @pytest.mark.parametrize("audience", ["customer", "internal"])
    def test_a_worker_that_dies_before_a_mail_leaves_it_to_the_next(self, audience):
        deaths = []

        def die_once(call):
            number = {"customer": 0, "internal": 1}[audience]
            if call.port == "mail" and len(fleet.world.mails) == number and not deaths:
                deaths.append(call)
                raise Crashed("before the mail")

        fleet = fleet_in(PROD, Boundary(before=die_once))
        create(fleet)
        assert deaths
        assert [mail.to for mail in fleet.world.mails] == [(CUSTOMER,), (INTERNAL_ADDRESS,)]


class TestWhoGetsIt:
    @pytest.mark.parametrize("environment", [DEV, Environment.SIT])
    def test_nothing_leaves_a_test_environment_for_a_customer(self, environment):
        fleet = fleet_in(environment)
        fleet.send(QueueName.CREATION, creation(environment=environment.value))
        fleet.run()
        assert [mail.to for mail in fleet.world.mails] == [(INTERNAL_ADDRESS,)] * 2
        customer = by_audience(fleet)["customer"]
        assert customer.subject.startswith(f"[{environment}] Your site ")
        assert "goes to our own people instead of the customer" in customer.html

    @pytest.mark.parametrize("tenant", [{"email": None}, None])
    def test_a_customer_without_an_address_is_said_and_nothing_fails(self, lines, tenant):
        fleet = fleet_in(PROD, **(tenant or {}))
        if tenant is None:
            fleet.policy = fleet.policy.model_copy(update={"admit_unknown_tenants": True})
            fleet._wire()
            fleet.world.tenants.clear()
        create(fleet)
        assert [mail.to for mail in fleet.world.mails] == [(INTERNAL_ADDRESS,)]
        [line] = [line for line in lines if line["event"] == "missing_address"]
        assert line["audience"] == "customer"

    def test_no_address_is_in_a_log_or_a_repr(self, lines, caplog):
        caplog.set_level(logging.DEBUG)
        fleet = fail(fleet_in(PROD), "check_before")
        sent = by_audience(fleet)["customer"]
        assert sent.to == (CUSTOMER,)
        told = json.dumps(lines, default=repr) + caplog.text + repr(sent)
        told += repr(fleet.world.tenants) + repr(fleet.mail_desk.mailer._room)
        assert any(line["event"] == "sending_mail" for line in lines)
        for address in (CUSTOMER, INTERNAL_ADDRESS, ORGANISATION):
            assert address not in told

    def test_no_address_is_in_an_event_a_notification_or_a_record(self):
        fleet = create(fleet_in(PROD))
        texts = [event.detail_json() for event in fleet.world.events]
        texts += [n.sns_message() for n in fleet.world.notifications]
        texts += [repr(fleet.store.__dict__), repr(fleet.world.objects)]
        assert [text for text in texts if CUSTOMER in text] == []


class TestTheMailer:
    """What its queue may hold beside a creation's end."""

    @staticmethod
    def message(body: str) -> QueueMessage:
        return QueueMessage(message_id="m-1", body=body, receive_count=1, queue=None)

    def test_a_body_wrapped_by_sns_is_read_too(self):
        fleet = create(fleet_in(PROD))
        [done] = fleet.world.notifications
        wrapped = json.dumps({"Type": "Notification", "Message": done.default_json()})
        heard = read_announcement(wrapped)
        assert heard.event_type is NotificationType.SITE_CREATION_COMPLETE
        assert heard.payload.admin_url == "https://banana.wp.kimmyai.io/wp-admin/"
        assert isinstance(fleet.mail_desk.mailer.handle(self.message(wrapped)), Acknowledged)
        assert len(fleet.world.mails) == 2

    @pytest.mark.parametrize(("status", "subjects"), [("CANCELLED", 0), ("ROLLBACK_FAILED", 1)])
    def test_a_customer_is_not_told_what_is_no_end_or_was_wished_for(self, status, subjects):
        fleet = create(fleet_in(PROD))
        [done] = fleet.world.notifications
        body = json.loads(done.default_json())
        body |= {
            "eventType": "SITE_CREATION_FAILED",
            "eventId": "00000000-0000-4000-8000-000000000002",
        }
        body["payload"]["status"] = status
        fleet.world.mails.clear()
        fleet.mail_desk.mailer.handle(self.message(json.dumps(body)))
        assert [mail.to for mail in fleet.world.mails] == [(INTERNAL_ADDRESS,)] * subjects

    def test_another_announcement_is_left_alone(self):
        fleet = create(fleet_in(PROD))
        [done] = fleet.world.notifications
        other = done.model_copy(update={"event_type": NotificationType.SITE_UPDATE_COMPLETE})
        body = other.default_json()
        assert isinstance(fleet.mail_desk.mailer.handle(self.message(body)), Acknowledged)
        assert len(fleet.world.mails) == 2

    @pytest.mark.parametrize(
        "body", ["", "[]", '{"eventType": "NONE"}', '{"Type": "Notification"}']
    )
    def test_a_body_that_is_no_announcement_goes_to_the_dead_letters(self, body):
        with pytest.raises(DecodeError):
            fleet_in(PROD).mail_desk.mailer.handle(self.message(body))

    def test_a_refusal_is_tried_again_later_each_time(self, monkeypatch):
        fleet = create(fleet_in(PROD))
        [done] = fleet.world.notifications
        again = done.model_copy(update={"event_id": "00000000-0000-4000-8000-000000000001"})

        def refuse(_mail, _letter):
            raise TransientError("SES did not take a mail this time.")

        monkeypatch.setattr(MemoryMail, "send", refuse)
        message = self.message(again.default_json())
        seconds = [
            fleet.mail_desk.mailer.handle(replace(message, receive_count=count)).after_seconds
            for count in (1, 2, 3)
        ]
        assert seconds == [2, 4, 8]
        assert isinstance(fleet.mail_desk.mailer.handle(message), TryAgain)
