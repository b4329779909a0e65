"""Templates of mail: known, filled, escaped, in both forms, and the shipped ones are whole."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.bootstrap import MAIL_FOLDER, mail_templates
from core.domain.creation_mail import VARIABLES, Audience, Footer, creation_mail
from core.domain.errors import ConfigurationError
from core.domain.mail_policy import MailPolicy
from core.domain.mail_template import MailTemplate
from events.announcements import Announcement

FOOTER = Footer(postal_address="1 Long Street, Cape Town", unsubscribe_url="https://u.example/")


def template(html: str = "<p>{{site}}</p>", text: str = "Subject: {{site}}\n\n{{site}}\n"):
    return MailTemplate(name="try", html=html, text=text, known={"site", "team"})


def facts(event_type: str, policy: MailPolicy | None = None, **payload: object):
    heard = Announcement.model_validate(
        {
            "eventType": event_type,
            "eventId": "00000000-0000-4000-8000-000000000001",
            "correlationId": "order-4711",
            "timestamp": datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
            "payload": {"environment": "prod", "siteId": "site-banana", **payload},
        }
    )
    return creation_mail(
        heard,
        footer=FOOTER,
        policy=policy or MailPolicy(),
        organization_name=None,
        redirected=False,
    )


class TestWhatIsRefusedAtTheLoad:
    @pytest.mark.parametrize(
        ("html", "text"),
        [
            ("<p>{{password}}</p>", "Subject: x\n"),
            ("<p>{{#nobody}}x{{/nobody}}</p>", "Subject: x\n"),
            ("<p></p>", "Subject: x\n{{siteUrl}}"),
        ],
    )
    def test_a_variable_that_nothing_fills(self, html, text):
        with pytest.raises(ConfigurationError, match="which nothing fills"):
            template(html, text)

    @pytest.mark.parametrize(
        "tag", ["{{{site}}}", "{{&site}}", "{{> other}}", "{{! note}}", "{{=<% %>=}}", "{{}}"]
    )
    def test_everything_of_mustache_that_leaves_html_unescaped_or_loads_a_file(self, tag):
        with pytest.raises(ConfigurationError, match="only variables and sections"):
            template(f"<p>{tag}</p>")

    @pytest.mark.parametrize(
        "html", ["{{#site}}", "{{/site}}", "{{#site}}{{/team}}", "{{^site}}{{#team}}{{/site}}"]
    )
    def test_a_section_that_does_not_end_where_it_should(self, html):
        with pytest.raises(ConfigurationError, match="the section"):
            template(html)

    def test_a_text_without_a_subject(self):
        with pytest.raises(ConfigurationError, match="does not begin with"):
            template(text="Hello {{site}}")

    def test_a_folder_without_the_template(self, tmp_path):
        with pytest.raises(ConfigurationError, match="no mail template"):
            mail_templates(tmp_path)


class TestRendering:
    def test_values_are_escaped_in_html_and_plain_in_text(self):
        mail = template().render({"site": '<a href="x">&', "team": None})
        assert mail.html == "<p>&lt;a href=&quot;x&quot;&gt;&amp;</p>"
        assert mail.subject == '<a href="x">&'
        assert mail.text == '<a href="x">&\n'

    def test_a_value_is_no_template(self):
        assert template().render({"site": "{{team}}", "team": "us"}).html == "<p>{{team}}</p>"

    def test_a_subject_is_one_line(self):
        assert template().render({"site": "a\r\nBcc: b@example.com"}).subject.count("\n") == 0

    def test_a_variable_without_a_value_is_an_error_outside_a_section_of_its_own(self):
        with pytest.raises(ConfigurationError, match="has no value"):
            template().render({"site": None})
        optional = template("<p>{{#site}}at {{site}}{{/site}}</p>", "Subject: x\n")
        assert optional.render({"site": None}).html == "<p></p>"


class TestTheShippedTemplates:
    @pytest.fixture
    def shipped(self):
        return mail_templates()

    def test_each_name_of_the_platform_s_catalogue_has_both_forms(self):
        names = {f"{a.template}.{form}" for a in Audience for form in ("html", "txt")}
        assert {path.name for path in MAIL_FOLDER.iterdir()} == names

    def test_every_variable_is_used_somewhere(self):
        texts = "".join(path.read_text() for path in MAIL_FOLDER.iterdir())
        assert [name for name in VARIABLES if f"{{{{{name}}}}}" not in texts and
                f"{{{{#{name}}}}}" not in texts] == []  # fmt: skip

    @pytest.mark.parametrize("audience", list(Audience))
    @pytest.mark.parametrize(
        ("event_type", "payload"),
        [
            ("SITE_CREATION_COMPLETE", {"siteUrl": "https://b.example", "adminUrl": "https://b/w"}),
            ("SITE_CREATION_COMPLETE", {}),
            ("SITE_CREATION_FAILED", {}),
            ("SITE_CREATION_FAILED", {"error": {"code": "SITE_003", "message": "It is taken."}}),
        ],
    )
    def test_they_can_be_filled_whatever_is_known(self, shipped, audience, event_type, payload):
        mail = shipped[audience.template].render(facts(event_type, **payload).values())
        for form in (mail.html, mail.text):
            assert "{{" not in form
            assert "None" not in form
            assert FOOTER.postal_address in form
            assert FOOTER.unsubscribe_url in form
            assert "KimmyAI" in form
        assert 'name="viewport"' in mail.html
        assert "@media (max-width: 600px)" in mail.html
        assert 'lang="en"' in mail.html

    def test_no_variable_is_a_secret(self):
        assert [n for n in VARIABLES if "password" in n.lower() or "secret" in n.lower()] == []

    @pytest.mark.parametrize("audience", list(Audience))
    def test_nothing_is_loaded_from_elsewhere(self, shipped, audience):
        """Mail programs block it, and it would tell a third party who reads the mail."""
        html = shipped[audience.template].html
        for loading in ("<img", "<link", "<script", "url(", "@import", "http://"):
            assert loading not in html
