"""`relight whois` on answers shaped as AWS documents them: moto has one account, and knows of no key but its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from local.operate import whois
from local.operate.deployment import OperatorError, Refused
from local.show import Screen
from relight.aws import Aws
from relight.policy.account_id import decoded
from tests.unit.builders import ACCOUNT, REGION
from tests.unit.fakes import Answer, fake_aws, refused

OTHER = "609629065308"
REST = "Y34FZKBOKMUTVV7A"  # of an id that OTHER gives
USER, SESSION, ROLE = f"AKIA{REST}", f"ASIA{REST}", f"AROA{REST}1"
OLD_USER, OLD_ROLE = "AKIAIOSFODNN7EXAMPLE", "AROAJDPLRKLG7UEXAMPLE"  # which cannot be decoded
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/team/app"
NO_EVENTS: Answer = {"Events": []}

Told = dict[str, Any]
Answers = Mapping[str, Answer]


@dataclass
class Operator:
    """Who runs the command; `out` is what it printed last, and `asked` what it wanted confirmed."""

    capsys: pytest.CaptureFixture[str]
    asked: list[str] = field(default_factory=list)

    def run(
        self, given: str, answers: Answers | None = None, *, resolve: bool = False, agrees: bool = True
    ) -> tuple[int, Told]:
        status, out = self.text(given, answers, resolve=resolve, agrees=agrees, as_json=True)
        return status, json.loads(out)

    def text(
        self,
        given: str,
        answers: Answers | None = None,
        *,
        resolve: bool = False,
        agrees: bool = True,
        as_json: bool = False,
    ) -> tuple[int, str]:
        """AWS's answers by ``service__Operation``; without any, nobody is signed in."""

        def confirmed(plan: str) -> bool:
            self.asked.append(plan)
            return agrees

        def sign_in() -> tuple[Aws, str]:
            if not answers:
                raise OperatorError("nobody is signed in")
            return fake_aws(**answers)[0], f"arn:aws:iam::{ACCOUNT}:user/olivia"

        options = whois.Options(resolve, as_json, confirmed)
        status = whois.run(sign_in, Screen(), given, options)
        return status, self.capsys.readouterr().out


@pytest.fixture
def operator(capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(capsys)


def test_what_the_ids_of_these_tests_hold() -> None:
    assert [decoded(each) for each in (USER, SESSION, ROLE)] == [OTHER] * 3
    assert [decoded(each) for each in (OLD_USER, OLD_ROLE)] == [None] * 2


# ------------------------------------------------------------------------------------------------- what is named


@pytest.mark.parametrize(
    ("given", "what", "session", "account"),
    [
        (USER, "access key", "", ""),
        (f" {ROLE}\n", "role", "", ""),
        (f"{ROLE}:alice@example.com", "role", "alice@example.com", ""),
        (f"{ROLE}:a:b", "role", "a:b", ""),
        ("AGPA" + REST + "1", "group", "", ""),
        (OTHER, "account; as a principalId, its root user", "", OTHER),
        (f"{OTHER}:bob", "session of a federated user", "bob", OTHER),
        (f"arn:aws-cn:iam::{OTHER}:user/x", "ARN of iam", "", OTHER),
        ("arn:aws:s3:::bucket", "ARN of s3", "", ""),
    ],
)
def test_what_an_id_is(given: str, what: str, session: str, account: str) -> None:
    subject = whois.named(given)
    assert (subject.what, subject.session, subject.stated.account) == (what, session, account)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("", id="empty"),
        pytest.param("mallory", id="name"),
        pytest.param(USER.lower(), id="lower-case"),
        pytest.param("AKIASHORT", id="too-short"),
        pytest.param("AXXX" + REST, id="no-such-type"),
        pytest.param("AROA" + "Ä" * 16, id="not-ascii"),
        pytest.param(f"{USER}\n{USER}", id="two-lines"),
        pytest.param("\u0661" * 12, id="digits-of-another-script"),
        pytest.param("arn:aws:iam", id="half-an-arn"),
        pytest.param("AROA" + "A" * 200, id="too-long"),
    ],
)
def test_what_is_no_id_is_refused_with_what_may_be_one(given: str) -> None:
    with pytest.raises(Refused, match=r"is no id that AWS gives: pass .*AKIA.*principalId") as refusal:
        whois.named(given)
    assert "\n" not in str(refusal.value)


# ----------------------------------------------------------------------------------------------- without AWS


@pytest.mark.parametrize(
    ("given", "account", "by", "status"),
    [
        pytest.param(SESSION, OTHER, "decoded", 0, id="decoded"),
        pytest.param(OLD_ROLE, None, None, 2, id="nothing-told-and-nobody-asked"),
        pytest.param("ANVA" + REST, OTHER, "decoded", 0, id="nobody-to-ask"),
        pytest.param("APKAIOSFODNN7EXAMPLE", None, None, 1, id="nobody-to-ask-and-nothing-told"),
        pytest.param(OTHER, OTHER, "stated", 0, id="account"),
        pytest.param("arn:aws:s3:::bucket", None, None, 1, id="an-arn-without"),
    ],
)
def test_without_credentials(operator: Operator, given: str, account: str, by: str, status: int) -> None:
    found, told = operator.run(given)
    assert (told["account"], told["account_by"], told["own"], found) == (account, by, None, status)
    assert bool(told["unasked"]) == (given in (SESSION, OLD_ROLE))


def test_a_decoded_account_is_said_to_be_one(operator: Operator) -> None:
    _, out = operator.text(SESSION)
    assert f"Account   {OTHER} (decoded from the id, which AWS does not promise: it can be wrong)" in out
    assert "Not asked nobody is signed in" in out


def test_a_session_s_name_is_text_and_nothing_else(operator: Operator) -> None:
    _, out = operator.text(f"{ROLE}:[red]x\x1b[2J\u202e\n  Account   {ACCOUNT}")
    assert r"[red]x\u001b[2J\u202e\u000a" in out
    assert [line.split()[0] for line in out.splitlines()] == ["Id", "Session", "Account", "ARN", "Not"]


# ------------------------------------------------------------------------------------------------------- keys


def test_where_sts_and_the_decoding_disagree_sts_is_believed_and_both_are_said(operator: Operator) -> None:
    answers: Answers = {"sts__GetAccessKeyInfo": {"Account": "222222222222"}, "cloudtrail__LookupEvents": NO_EVENTS}
    status, told = operator.run(SESSION, answers)
    assert (status, told["account"], told["account_by"]) == (0, "222222222222", "sts")
    assert told["contradicting"] == {"decoded": OTHER}
    assert f"But       {OTHER} (decoded" in operator.text(SESSION, answers)[1]


def test_a_user_s_key_of_the_own_account_has_its_user(operator: Operator) -> None:
    arn = f"arn:aws-us-gov:iam::{ACCOUNT}:user/people/ann"
    status, told = operator.run(
        OLD_USER,
        {
            "sts__GetAccessKeyInfo": {"Account": ACCOUNT},
            "iam__GetAccessKeyLastUsed": {"UserName": "ann", "AccessKeyLastUsed": {}},
            "iam__GetUser": {"User": {"Arn": arn}},
        },
    )
    assert (status, told["arn"], told["account_by"], told["own"]) == (0, arn, "iam", True)


def test_of_another_account_s_key_iam_is_not_asked(operator: Operator) -> None:
    status, told = operator.run(
        USER, {"sts__GetAccessKeyInfo": {"Account": OTHER}, "cloudtrail__LookupEvents": NO_EVENTS}
    )
    assert (status, told["account"], told["own"], told["arn"]) == (0, OTHER, False, None)
    assert told["unasked"] == []


def test_a_key_that_nobody_knows_any_more(operator: Operator) -> None:
    status, told = operator.run(
        OLD_USER,
        {
            "sts__GetAccessKeyInfo": refused("ValidationError", "no such key"),
            "iam__GetAccessKeyLastUsed": refused("NoSuchEntity"),
            "cloudtrail__LookupEvents": NO_EVENTS,
        },
    )
    assert (status, told["account"]) == (2, None)
    assert told["unasked"] == ["sts:GetAccessKeyInfo: ValidationError: no such key"]
    assert f"in {REGION}, 90 days, has no call with this key" in told["notes"][0]


def event(name: str, identity: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """As LookupEvents answers, with the record that CloudTrail's user guide shows."""
    record = {
        "eventID": name,
        "eventName": name,
        "eventSource": "sts.amazonaws.com",
        "awsRegion": REGION,
        "eventTime": "2026-03-14T12:00:00Z",
        "recipientAccountId": ACCOUNT,
        "sourceIPAddress": "203.0.113.66",
        "userIdentity": identity,
        "requestParameters": None,
        "responseElements": None,
        **more,
    }
    return {"EventId": name, "EventTime": datetime(2026, 3, 14, tzinfo=UTC), "CloudTrailEvent": json.dumps(record)}


IN_SESSION = {
    "type": "AssumedRole",
    "principalId": f"{ROLE}:alice",
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/app/alice",
    "accountId": ACCOUNT,
    "accessKeyId": SESSION,
    "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE_ARN, "accountId": ACCOUNT}},
}
MALLORY = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/mallory", "accountId": ACCOUNT, "accessKeyId": USER}
USED = event("ListRoles", IN_SESSION)
GIVEN = event(
    "AssumeRole",
    MALLORY,
    requestParameters={"roleArn": ROLE_ARN, "roleSessionName": "alice"},
    responseElements={"credentials": {"accessKeyId": SESSION}},
)
ANOTHER = event("AssumeRole", MALLORY, responseElements={"credentials": {"accessKeyId": USER}})
UNREADABLE = [{"EventId": "no-record"}, {"CloudTrailEvent": "{"}, {"CloudTrailEvent": "[]"}]


def history(used: list[Any], given: list[Any]) -> Answers:
    """AWS's answers where the event history holds this of SESSION."""

    def look_up(_region: str, *, LookupAttributes: list[dict[str, str]]) -> Any:  # noqa: N803 (AWS's name)
        (attribute,) = LookupAttributes
        assert attribute["AttributeValue"] == SESSION
        return {"Events": {"AccessKeyId": used, "ResourceName": given}[attribute["AttributeKey"]]}

    return {"sts__GetAccessKeyInfo": {"Account": ACCOUNT}, "cloudtrail__LookupEvents": look_up}


@pytest.mark.parametrize(
    ("used", "given", "arn", "notes"),
    [
        pytest.param([USED], [], ROLE_ARN, ["last used"], id="used"),
        pytest.param([], [GIVEN], ROLE_ARN, ["given out"], id="given-out"),
        pytest.param([*UNREADABLE, USED], [*UNREADABLE, GIVEN], ROLE_ARN, ["last used", "given out"], id="both"),
        pytest.param([], [event("DeleteAccessKey", MALLORY)], None, ["CloudTrail's event"], id="about-it"),
        pytest.param([], [ANOTHER], None, ["CloudTrail's event"], id="another-key"),
        pytest.param([event("AssumeRole", {})], [], None, ["CloudTrail's event"], id="without-an-identity"),
    ],
)
def test_cloudtrail_knows_whose_session_a_key_is(
    operator: Operator, used: list[Any], given: list[Any], arn: str, notes: list[str]
) -> None:
    _, told = operator.run(SESSION, history(used, given))
    assert told["arn"] == arn
    assert [note.startswith(begin) for note, begin in zip(told["notes"], notes, strict=True)] == [True] * len(notes)


def test_who_was_given_a_key_is_told_with_time_and_address(operator: Operator) -> None:
    _, told = operator.run(SESSION, history([], [GIVEN]))
    assert told["notes"] == ["given out: sts:AssumeRole by mallory from 203.0.113.66 on 2026-03-14 12:00:00Z"]


def test_a_history_that_may_not_be_read_is_not_an_empty_one(operator: Operator) -> None:
    _, told = operator.run(
        SESSION,
        {"sts__GetAccessKeyInfo": {"Account": ACCOUNT}, "cloudtrail__LookupEvents": refused("AccessDeniedException")},
    )
    assert told["unasked"] == ["cloudtrail:LookupEvents: AccessDeniedException: no"]
    assert told["notes"] == []


# ------------------------------------------------------------------------------------------------- unique ids


class Untouched(dict[str, Any]):
    """A page that nobody needs."""

    def get(self, *_: Any) -> Any:
        raise AssertionError("this page was not to be read")


@pytest.mark.parametrize("kind", sorted(whois.LISTED))
def test_a_listing_is_read_until_the_id_is_found(operator: Operator, kind: str) -> None:
    operation, key, name = whois.LISTED[kind]
    arn = f"arn:aws-cn:iam::{ACCOUNT}:{kind.lower()}/x"
    wanted = f"{kind}{REST}1"
    pages = [{key: [{name: "other", "Arn": "arn:x"}]}, {key: [{name: wanted, "Arn": arn}]}, Untouched()]
    status, told = operator.run(wanted, {f"iam__{operation}": pages})
    assert (status, told["arn"], told["account"], told["account_by"]) == (0, arn, ACCOUNT, "iam")
    assert told["contradicting"] == {"decoded": OTHER}


def test_a_policy_of_aws_itself_is_no_account_s(operator: Operator) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    unique_id = "ANPAIWMBCKSKIEE64ZLYK"  # an older one, which cannot be decoded
    status, told = operator.run(unique_id, {"iam__ListPolicies": {"Policies": [{"PolicyId": unique_id, "Arn": arn}]}})
    assert (status, told["arn"], told["account"]) == (0, arn, None)


@pytest.mark.parametrize(
    ("wanted", "noted"),
    [
        pytest.param(OLD_ROLE, ["IAM of account", "if it is another account's, --resolve-foreign"], id="anybody's"),
        pytest.param(ROLE, ["if it is another account's, --resolve-foreign"], id="another-account's"),
        pytest.param("AGPA" + REST, [], id="another-account's-group"),
        pytest.param("AGPAJDPLRKLG7UEXAMPLE", ["IAM of account"], id="anybody's-group"),
    ],
)
def test_what_iam_does_not_have_is_said(operator: Operator, wanted: str, noted: list[str]) -> None:
    _, told = operator.run(wanted, {"iam__ListRoles": {"Roles": []}, "iam__ListGroups": {"Groups": []}})
    assert [note.startswith(begin) for note, begin in zip(told["notes"], noted, strict=True)] == [True] * len(noted)


@pytest.mark.parametrize(("wanted", "expected"), [(ROLE, 0), (OLD_ROLE, 2)])
def test_a_listing_that_is_denied_shows_nothing_to_be_missing(operator: Operator, wanted: str, expected: int) -> None:
    status, told = operator.run(wanted, {"iam__ListRoles": refused("AccessDenied")})
    assert status == expected
    assert told["unasked"] == ["iam:ListRoles: AccessDenied: no"]
    assert not any("has no such" in note for note in told["notes"])


# ------------------------------------------------------------------------------------- another account's (writes)


def test_a_stranger_is_looked_for_only_when_asked_for_and_agreed(operator: Operator) -> None:
    """The fake takes no call that writes."""
    empty: Answers = {"iam__ListRoles": {"Roles": []}}
    assert operator.run(ROLE, empty)[0] == 0
    assert operator.asked == []

    status, told = operator.run(ROLE, empty, resolve=True, agrees=False)

    assert (status, told["arn"]) == (0, None)
    assert told["notes"] == ["nothing was written, so the ARN stays unknown"]
    assert f"in account {ACCOUNT}" in operator.asked[0]


@pytest.mark.parametrize(
    ("wanted", "answers"),
    [
        pytest.param(ROLE, {"iam__ListRoles": {"Roles": [{"RoleId": ROLE, "Arn": ROLE_ARN}]}}, id="found"),
        pytest.param("AGPA" + REST, {"iam__ListGroups": {"Groups": []}}, id="group"),
        pytest.param("AROARZPUZDIKCP746BZA3", {"iam__ListRoles": {"Roles": []}}, id="own-and-deleted"),
    ],
)
def test_what_a_policy_would_not_show_is_not_written_for(
    operator: Operator, wanted: str, answers: dict[str, Answer]
) -> None:
    operator.run(wanted, answers, resolve=True)
    assert operator.asked == []


def test_a_stranger_s_arn_is_found_and_its_account_counts_for_more_than_the_decoded_one(operator: Operator) -> None:
    arn = "arn:aws:iam::222222222222:role/theirs"
    shown = {"Role": {"AssumeRolePolicyDocument": {"Statement": [{"Principal": {"AWS": arn}}]}}}
    status, told = operator.run(
        ROLE,
        {"iam__ListRoles": {"Roles": []}, "iam__CreateRole": {}, "iam__GetRole": shown, "iam__DeleteRole": {}},
        resolve=True,
    )
    assert (status, told["arn"], told["account"], told["account_by"]) == (0, arn, "222222222222", "policy")
    assert told["contradicting"] == {"decoded": OTHER}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param({}, "nobody is signed in", id="no-credentials"),
        pytest.param({"iam__CreateRole": refused("AccessDenied")}, "iam:CreateRole: AccessDenied", id="denied"),
    ],
)
def test_what_was_asked_for_and_could_not_be_done_is_a_failure(
    operator: Operator, answers: dict[str, Answer], expected: str
) -> None:
    status, told = operator.run(ROLE, answers and {"iam__ListRoles": {"Roles": []}, **answers}, resolve=True)
    assert (status, told["account"]) == (2, OTHER)
    assert expected in told["problems"][0]
