"""What is recalled is what was remembered: nothing that came later stays, and nothing that was there is lost."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from local.cloud import LocalAws

QUEUE = "kept"


@pytest.fixture(autouse=True)
def _empty(local_aws: LocalAws) -> Iterator[None]:
    local_aws.reset()
    local_aws.client("sqs").create_queue(QueueName=QUEUE)
    yield
    local_aws.reset()


def queues(aws: LocalAws) -> list[str]:
    return [url.rpartition("/")[2] for url in aws.client("sqs").list_queues().get("QueueUrls", [])]


def test_what_came_later_is_gone_in_every_service(local_aws: LocalAws) -> None:
    before = local_aws.remember()
    local_aws.client("sqs").create_queue(QueueName="later")
    local_aws.client("sns").create_topic(Name="of-a-service-that-nobody-had-used")

    local_aws.recall(before)

    assert queues(local_aws) == [QUEUE]
    assert local_aws.client("sns").list_topics()["Topics"] == []


def test_what_came_later_is_gone_after_a_reset_too(local_aws: LocalAws) -> None:
    before = local_aws.remember()
    local_aws.client("sns").create_topic(Name="of-a-service-that-nobody-had-used")

    local_aws.recall(before)
    local_aws.reset()

    assert queues(local_aws) == []
    assert local_aws.client("sns").list_topics()["Topics"] == []


def test_it_is_recalled_as_often_as_wanted(local_aws: LocalAws) -> None:
    before = local_aws.remember()
    for _ in range(2):
        url = local_aws.client("sqs").get_queue_url(QueueName=QUEUE)["QueueUrl"]
        local_aws.client("sqs").delete_queue(QueueUrl=url)

        local_aws.recall(before)

        assert queues(local_aws) == [QUEUE]


def test_a_function_can_still_be_deleted(local_aws: LocalAws) -> None:
    """Moto's dictionary of functions by ARN is a weak one: it holds them only while somebody else does."""
    local_aws.deploy()
    before = local_aws.remember()

    local_aws.reset()
    local_aws.recall(before)
    gc.collect()

    client, name = local_aws.client("lambda"), local_aws.stack.functions["trail"].name
    client.delete_function(FunctionName=name)
    assert name not in {each["FunctionName"] for each in client.list_functions()["Functions"]}


def test_what_is_changed_of_the_stack_does_not_stay(local_aws: LocalAws) -> None:
    local_aws.deploy()
    before = local_aws.remember()
    del local_aws.stack.functions["trail"]

    local_aws.recall(before)

    assert "trail" in local_aws.stack.functions


def test_a_stack_that_a_reset_removed_is_not_at_work_again(local_aws: LocalAws) -> None:
    """Two at once would run the same functions, each in the middle of the other's."""
    local_aws.deploy()
    local_aws.reset()

    local_aws.recall(local_aws.remember())

    with pytest.raises(RuntimeError, match="nothing has been deployed"):
        _ = local_aws.delivery
