"""Two spellings of a filter pattern mean the same, or they do not."""

from __future__ import annotations

import pytest

from relight.policy.filter_pattern import meaning

TWO = "{ ($.eventName = CreateVpc) || ($.eventName = DeleteVpc) }"


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param('{($.eventName=CreateVpc)||($.eventName="DeleteVpc")}', id="spaces-and-quotes"),
        pytest.param("{ ($.eventName = DeleteVpc) || ($.eventName = CreateVpc) }", id="order"),
        pytest.param("  { $.eventName = CreateVpc || $.eventName = DeleteVpc }\n", id="no-parentheses"),
        pytest.param("{ ((($.eventName = CreateVpc)) || ($.eventName = DeleteVpc)) }", id="more-parentheses"),
        pytest.param(TWO.replace("}", "|| ($.eventName = CreateVpc) }"), id="repeated"),
        pytest.param("{ $.eventName = CreateVpc || ($.eventName = DeleteVpc || $.eventName=CreateVpc) }", id="nested"),
    ],
)
def test_the_same(spelling: str) -> None:
    assert meaning(spelling) == meaning(TWO)


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param("{ ($.eventName = CreateVpc) }", id="one-less"),
        pytest.param(TWO.replace("}", "|| ($.eventName = ModifyVpcAttribute) }"), id="one-more"),
        pytest.param(TWO.replace("||", "&&"), id="and"),
        pytest.param(TWO.replace("= CreateVpc", "!= CreateVpc"), id="not"),
        pytest.param(TWO.replace("$.eventName = C", "$.eventType = C"), id="another-field"),
        pytest.param(TWO.replace("CreateVpc", "createvpc"), id="another-case"),
        pytest.param(TWO.replace("}", "&& ($.userIdentity.userName != mallory) }"), id="mallory-left-out"),
        pytest.param('"' + TWO + '"', id="a-text"),
        pytest.param("", id="everything"),
    ],
)
def test_not_the_same(spelling: str) -> None:
    assert meaning(spelling) != meaning(TWO)


def test_and_binds_more_tightly_than_or() -> None:
    assert meaning("{ $.a = 1 || $.b = 1 && $.c = 1 }") == meaning("{ ($.b = 1 && $.c = 1) || $.a = 1 }")
    assert meaning("{ $.a = 1 || $.b = 1 && $.c = 1 }") != meaning("{ ($.a = 1 || $.b = 1) && $.c = 1 }")


def test_keywords_have_no_case_and_quoted_values_keep_their_spaces() -> None:
    assert meaning("{ $.a not  exists }") == meaning("{($.a NOT EXISTS)}") != meaning("{ $.a IS NULL }")
    assert meaning('{ $.a = "Failed authentication" }') != meaning('{ $.a = "Failed  authentication" }')
    assert meaning('{ $.a = "||" || $.b = "(" }') == meaning('{ $.b = "(" || $.a="||" }')
    assert meaning("{ $.a = %x (y|z)% && $.b >= 5 }") == meaning("{ $.b>=5 && $.a=%x (y|z)% }")


@pytest.mark.parametrize(
    "text",
    ["{", "{}", "{ ( }", "{ ($.a = 1 }", "{ $.a = 1 ) }", "{ && }", "{ $.a = 1 || }", '{ $.a = "x }', "ERROR  x"],
)
def test_what_cannot_be_read_stands_for_itself(text: str) -> None:
    assert meaning(text) == " ".join(text.split())


def test_an_abyss_of_parentheses_is_not_read() -> None:
    abyss = "{" + "(" * 511 + "$" + ")" * 511 + "}"
    assert meaning(abyss) == abyss
