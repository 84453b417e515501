"""What CloudTrail calls things: event names, event sources, and which calls it counts as what."""

from typing import Final

# CloudTrail's name of an operation, where it is not the API's own.
_EVENT_NAMES: Final = {
    ("s3", "PutBucketLifecycleConfiguration"): "PutBucketLifecycle",
    ("s3", "PutPublicAccessBlock"): "PutBucketPublicAccessBlock",
    ("s3", "DeletePublicAccessBlock"): "DeleteBucketPublicAccessBlock",
    ("s3", "PutBucketNotificationConfiguration"): "PutBucketNotification",
    ("s3", "PutObjectLockConfiguration"): "PutBucketObjectLockConfiguration",
    ("s3control", "PutPublicAccessBlock"): "PutAccountPublicAccessBlock",
    ("s3control", "DeletePublicAccessBlock"): "DeleteAccountPublicAccessBlock",
    ("lambda", "AddPermission"): "AddPermission20150331v2",
    ("lambda", "CreateEventSourceMapping"): "CreateEventSourceMapping20150331",
    ("lambda", "CreateFunction"): "CreateFunction20150331",
    ("lambda", "DeleteEventSourceMapping"): "DeleteEventSourceMapping20150331",
    ("lambda", "DeleteFunction"): "DeleteFunction20150331",
    ("lambda", "DeleteFunctionConcurrency"): "DeleteFunctionConcurrency20171031",
    ("lambda", "PutFunctionConcurrency"): "PutFunctionConcurrency20171031",
    ("lambda", "RemovePermission"): "RemovePermission20150331v2",
    ("lambda", "UpdateEventSourceMapping"): "UpdateEventSourceMapping20150331",
    ("lambda", "UpdateFunctionCode"): "UpdateFunctionCode20150331v2",
    ("lambda", "UpdateFunctionConfiguration"): "UpdateFunctionConfiguration20150331v2",
}

# EventBridge gets none of these by default.
_READS: Final = ("Describe", "Get", "List", "Head", "Lookup", "BatchGet", "Search", "Select", "Simulate", "Test")

# Data events: CloudTrail logs none of them unless a trail asks for them, and EventBridge's rules here do not see them.
_DATA: Final = {
    "cloudwatch": {"PutMetricData"},
    "dynamodb": {"BatchWriteItem", "DeleteItem", "PutItem", "Query", "Scan", "TransactWriteItems", "UpdateItem"},
    "events": {"PutEvents"},
    "kms": {"Decrypt", "Encrypt", "GenerateDataKey", "GenerateMac", "ReEncrypt", "Sign", "Verify", "VerifyMac"},
    "lambda": {"Invoke", "InvokeAsync"},
    "logs": {"FilterLogEvents", "PutLogEvents", "StartQuery"},
    "sns": {"Publish", "PublishBatch"},
    "sqs": {"ChangeMessageVisibility", "DeleteMessage", "DeleteMessageBatch", "ReceiveMessage"}
    | {"SendMessage", "SendMessageBatch"},
    "sts": {"AssumeRole"},
}

# EC2's newer calls are recorded as the wire has them, wrapped in <Operation>Request; the older ones are flat.
_WRAPPED: Final = (
    "CarrierGateway",
    "ClientVpn",
    "DefaultSubnet",
    "DefaultVpc",
    "EgressOnlyInternetGateway",
    "Fleet",
    "FlowLogs",
    "Ipam",
    "LaunchTemplate",
    "ManagedPrefixList",
    "NatGateway",
    "NetworkInsights",
    "TrafficMirror",
    "TransitGateway",
    "VpcEndpoint",
)


def event_name(service: str, operation: str) -> str:
    return _EVENT_NAMES.get((service, operation), operation)


def event_source(endpoint_prefix: str) -> str:
    """cloudtrail.amazonaws.com of cloudtrail; account-wide S3 calls count as S3's."""
    return f"{'s3' if endpoint_prefix == 's3-control' else endpoint_prefix}.amazonaws.com"


def is_read(operation: str) -> bool:
    return operation.startswith(_READS)


def is_data(service: str, operation: str, *, has_key: bool = False) -> bool:
    """Does the call touch what a resource holds? In S3 that is any call that names an object."""
    return (service == "s3" and has_key) or operation in _DATA.get(service, ())


def is_wrapped(operation: str) -> bool:
    return any(noun in operation for noun in _WRAPPED)
