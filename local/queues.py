"""moto's queues, put right: SQS says of a message that it dead-lettered which queue that came from.

The attribute is ReceiveMessage's DeadLetterQueueSourceArn (botocore's model of SQS); moto has none.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from moto.sqs.models import Message, Queue
from moto.sqs.responses import SQSResponse

_QUEUES = "relight_queues"  # the ARNs of the queues that a message has been in, on the message


def _noting(add: Callable[[Queue, Message], None]) -> Callable[[Queue, Message], None]:
    def add_message(queue: Queue, message: Message) -> None:
        add(queue, message)
        message.__dict__.setdefault(_QUEUES, []).append(queue.queue_arn)

    return add_message


def _telling(receive: Callable[[SQSResponse], Any]) -> Callable[[SQSResponse], Any]:
    def receive_message(response: SQSResponse) -> Any:
        answer = receive(response)
        queue = response.sqs_backend.get_queue(response._get_queue_name())  # noqa: SLF001 (as moto itself does)
        been = {message.id: message.__dict__.get(_QUEUES, []) for message in queue._messages}  # noqa: SLF001 (as above)
        for message in answer.result.get("Messages", []):
            if len(been.get(message["MessageId"], [])) > 1 and "Attributes" in message:
                message["Attributes"]["DeadLetterQueueSourceArn"] = been[message["MessageId"]][-2]
        return answer

    return receive_message


@cache
def put_right() -> None:
    """Corrects moto for the whole process, once."""
    corrections: tuple[tuple[type, str, Any], ...] = (
        (Queue, "add_message", _noting(Queue.add_message)),
        (SQSResponse, "receive_message", _telling(SQSResponse.receive_message)),
    )
    for owner, name, function in corrections:
        setattr(owner, name, function)
