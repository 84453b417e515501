"""The page of a report, read without a browser: what it says, and that text stays text."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.operate.page import page, percent
from relight.plain import plain
from tests.unit import reports
from tests.unit.reports import HOSTILE, PROD, SANDBOX

STUDY = "https://www.netskope.com/blog/a-real-world-look-at-aws-best-practices-logging"
UNKNOWN_ROW = {"met": 9, "violated": 0, "unknown": 1, "exempt": 0, "percent": 0.0}
EMPTY_ROW = {"met": 0, "violated": 0, "unknown": 0, "exempt": 0, "percent": None}


INLINE = {"a", "b", "code", "i", "span", "time"}


class Reader(HTMLParser):
    """A page's elements with their attributes, and its texts with the id of the section that they stand in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._section = "header"
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "section":
            self._section = dict(attrs).get("id") or self._section
        if tag not in INLINE:
            self.texts.append((self._section, " "))

    def handle_data(self, data: str) -> None:
        self.texts.append((self._section, data))

    @property
    def structure(self) -> list[tuple[str, list[str]]]:
        """The elements and the names of their attributes, in order."""
        return [(tag, sorted(attributes)) for tag, attributes in self.elements]

    @property
    def said(self) -> str:
        """All text as it stands."""
        return "".join(text for _, text in self.texts)

    def text(self, section: str) -> str:
        """A section's text, with single spaces; what stands before all of them is the header's."""
        return " ".join("".join(text for where, text in self.texts if where == section).split())


def read(**changes: Any) -> Reader:
    return Reader(page(reports.report(**changes)))


def heading(report: reports.Data) -> str:
    return page(report).partition("<h1>")[2].partition("</h1>")[0].replace("<b>", "").replace("</b>", "")


def row(**changes: Any) -> reports.Data:
    return {**reports.report()["posture"][0], **changes}


# ------------------------------------------------------------------------------------------------ what comes first


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "Compliant: 51 checks, all met"),
        ({"findings": [reports.vpc(1)]}, "Not compliant: 1 violation"),
        ({"findings": [reports.vpc(n) for n in range(1200)]}, "Not compliant: 1,200 violations"),
        ({"unchecked": reports.UNCHECKED}, "Not proven: no violation found, but 2 could not be checked"),
        ({"posture": [row(**UNKNOWN_ROW)]}, "Not proven: no violation found, but 1 could not be checked"),
        ({"posture": [row(**EMPTY_ROW)]}, "Not proven: nothing was there to be checked"),
        ({"posture": [row(**UNKNOWN_ROW | {"violated": 2})]}, "Not compliant: 2 violations"),
    ],
)
def test_the_verdict(changes: Any, says: str) -> None:
    assert heading(reports.compliant(**changes)).startswith(says)


def test_nothing_unknown_is_called_compliant() -> None:
    seen = Reader(page(reports.compliant(unchecked=reports.UNCHECKED)))
    assert "Compliant:" not in seen.said
    assert "must not be read as met" in seen.text("unchecked")
    assert f"{SANDBOX} ap-southeast-2 all of the Region AccessDenied:" in seen.text("unchecked")


def test_an_account_may_violate_without_a_resource() -> None:
    seen = Reader(page(reports.compliant(posture=[row(**EMPTY_ROW | {"violated": 1, "percent": 100.0})])))
    assert "What violates is the account itself" in seen.text("findings")
    assert "No resource was found" not in seen.text("findings")


def test_a_check_of_other_controls_has_no_chart() -> None:
    seen = Reader(page(reports.compliant(posture=[row(study=None, title="The trail is logging")])))
    assert "study's averages" not in seen.text("posture")
    assert "The trail is logging" in seen.text("posture")


def test_what_was_checked_when_and_how() -> None:
    assert (
        "Checked 21 November 2026, 12:47 UTC Accounts 123456789012, 210987654321 "
        "Regions eu-central-1, us-east-1, eu-west-1, ap-southeast-2 "
        "Command relight check --all-regions --output html"
    ) in read().text("header")


# ------------------------------------------------------------------------------------------------- what it holds


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "not judged"),
        (0.0, "0%"),
        (0.004, "under 0.01%"),
        (0.13, "0.13%"),
        (3.4, "3.4%"),
        (100 / 3, "33.3%"),
        (50.0, "50%"),
        (100.0, "100%"),
    ],
)
def test_percentages(value: float | None, shown: str) -> None:
    assert percent(value) == shown


def test_the_chart_and_its_table_say_the_same() -> None:
    text = read().text("posture")
    assert "VPC flow logs 47.1% under the study's 81.2% 8 of 17 VPCs" in text
    assert "VPC flow logs vpc.flow-logs · VPCs 8 9 0 0 47.1% 81.2%" in text
    assert "Trail buckets are not public 33.3% over the study's 0.13% 1 of 3 buckets" in text
    assert "12.5% under the study's 20.5% 1 of 8 keys 1 could not be judged" in text


def test_what_was_not_judged_has_no_bar() -> None:
    html = page(reports.compliant(posture=[row(**EMPTY_ROW)]))
    assert 'class="nothing"' in html
    assert 'class="own' not in html.partition('class="chart"')[2]
    assert "not judged the study's 3.4% nothing to judge" in Reader(html).text("posture")


def test_the_worst_stands_first_and_is_counted() -> None:
    text = read().text("findings")
    severities = ["CRITICAL 2 violations", "HIGH 11 violations", "MEDIUM 2 violations", "LOW 1 violation"]
    assert sorted(severities, key=text.index) == severities
    assert "2 critical, 11 high, 2 medium, 1 low." in read().text("header")


def test_a_finding_says_where_what_and_what_would_be_done() -> None:
    text = read().text("findings")
    assert "The VPC has an active flow log: not so for 8 resources vpc.flow-logs · CIS 3.7" in text
    assert "123456789012, eu-central-1: 3 resources" in text
    assert f"{SANDBOX}, us-east-1: 5 resources" in text
    assert "Found → wanted FlowLogs: none → REJECT" in text
    assert 'A repair would call logs:CreateLogGroup {"logGroupName":' in text
    assert "A person must act: Let cloudtrail.amazonaws.com call" in text
    assert "A repair would call nothing: a person must act" in text


def test_exemptions_and_evidence() -> None:
    seen = read()
    assert "Read by nobody; replaced in the first quarter, SEC-98 2027-03-31" in seen.text("exempt")
    assert "2026-11-20 02:14:09 StopLogging by mallory" in seen.text("evidence")
    assert "repaired, dark for 4 s 1 call cloudtrail:StartLogging" in seen.text("evidence")
    assert "needs-a-person no call" in seen.text("evidence")
    assert f"trail.logging · {PROD}" in seen.text("evidence"), "a hub's ledger has incidents of many accounts"
    assert "holds no incident" in read(evidence=[]).text("evidence")


def test_the_trend_is_broken_where_nothing_was_judged() -> None:
    html = page(reports.report())
    course = html.partition('id="trend"')[2].partition("key.rotation</code>")[2].partition("</svg>")[0]
    assert course.count("<polyline") == 2
    text = Reader(html).text("trend")
    assert "Trend over 6 checks" in text
    assert "VPC flow logs vpc.flow-logs 65.4% 47.1%" in text
    assert "bucket.versioning" not in text, "what did not change, and the study does not know, is no news"
    assert "Trend over" not in read(history=[]).said


def test_a_missing_field_is_an_error_and_no_gap() -> None:
    broken = reports.vpc(1)
    del broken["would_call"]
    with pytest.raises(Exception, match="would_call"):
        page(reports.report(findings=[broken]))


# ------------------------------------------------------------------------------------------ nothing gets in or out


def swapped(value: Any, text: str) -> Any:
    """The hostile report with another text in all its places."""
    if isinstance(value, dict):
        return {swapped(name, text): swapped(each, text) for name, each in value.items()}
    if isinstance(value, list):
        return [swapped(each, text) for each in value]
    return text if value == HOSTILE else value


@settings(max_examples=200)
@given(text=st.text(min_size=1).filter(lambda text: text.strip() == text))
def test_no_text_changes_the_page(text: str) -> None:
    harmless = Reader(page(swapped(reports.hostile(), "harmless")))
    seen = Reader(page(swapped(reports.hostile(), text)))
    assert seen.structure == harmless.structure
    assert plain(text) in seen.said


def test_hostile_text_is_shown_as_it_is() -> None:
    seen = Reader(page(reports.hostile()))
    assert {"script", "img"}.isdisjoint(tag for tag, _ in seen.elements)
    assert seen.structure == Reader(page(swapped(reports.hostile(), "harmless"))).structure
    shown = seen.said
    assert shown.count(plain(HOSTILE)) >= 25
    assert "\u202e" not in shown
    assert "\0" not in shown


def test_it_loads_nothing_and_leads_nowhere_but_to_the_study() -> None:
    html = page(reports.report())
    elements = Reader(html).elements
    loading = {"src", "srcset", "action", "data", "style", "background", "poster", "ping"}
    assert not [(tag, each) for tag, attributes in elements for each in attributes if each in loading | {"onclick"}]
    assert {"script", "link", "iframe", "object", "base", "form"}.isdisjoint(tag for tag, _ in elements)
    links = {attributes["href"] for _, attributes in elements if "href" in attributes}
    assert {link for link in links if not str(link).startswith("#")} == {STUDY}
    assert {str(link)[1:] for link in links if link != STUDY} <= {attributes.get("id") for _, attributes in elements}


def test_the_policy_allows_its_own_style_only() -> None:
    html = page(reports.report())
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(
        attributes["content"]
        for _, attributes in Reader(html).elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_every_id_stands_once_and_every_reference_leads_to_one() -> None:
    elements = Reader(page(reports.report())).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = [
        attributes.get(name) or "" for _, attributes in elements for name in ("aria-labelledby", "aria-describedby")
    ]
    assert {each for names in named for each in names.split()} <= set(ids)
