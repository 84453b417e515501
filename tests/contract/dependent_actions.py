"""From the calls that a function makes to the IAM actions that its role must allow: no fewer, and no more.

Used twice: on the calls that the source can make (tests/contract) and on those that were made (tests/integration).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# boto3's client name → IAM's prefix, where they differ.
PREFIXES = {"s3control": "s3"}

# The API operation → the IAM action, where they differ. S3:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html; Lambda:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html; DynamoDB's transactions (of
# puts, here): https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
ACTIONS = {
    ("dynamodb", "TransactWriteItems"): "dynamodb:PutItem",
    ("lambda", "Invoke"): "lambda:InvokeFunction",
    ("s3", "DeleteBucketEncryption"): "s3:PutEncryptionConfiguration",
    ("s3", "GetBucketEncryption"): "s3:GetEncryptionConfiguration",
    ("s3", "GetBucketLifecycleConfiguration"): "s3:GetLifecycleConfiguration",
    ("s3", "GetBucketReplication"): "s3:GetReplicationConfiguration",
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
    ("s3", "PutBucketEncryption"): "s3:PutEncryptionConfiguration",
    ("s3", "PutBucketLifecycleConfiguration"): "s3:PutLifecycleConfiguration",
    ("s3", "PutBucketReplication"): "s3:PutReplicationConfiguration",
    ("s3", "PutPublicAccessBlock"): "s3:PutBucketPublicAccessBlock",
    ("s3control", "GetPublicAccessBlock"): "s3:GetAccountPublicAccessBlock",
    ("s3control", "PutPublicAccessBlock"): "s3:PutAccountPublicAccessBlock",
}

# What Lambda does as the function's role, for the way that the function is set up in the template.
ON_FAILURE_QUEUE = "the function has an on-failure destination in SQS"
QUEUE_EVENTS = "the function takes events from an SQS queue"
OWN_LOG = "the function has a log group of its own"
# What relight.aws does by itself.
MEMBERS = "the function acts in the accounts and Regions of an organisation"

LAMBDA_GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg/"


@dataclass(frozen=True)
class Dependent:
    """An action that no call of ours names, and what needs it: an IAM action, or one of the sentences above."""

    action: str
    needed_by: str
    why: str
    source: str


DEPENDENT = (
    Dependent(
        "iam:PassRole",
        "s3:PutReplicationConfiguration",
        "a replication is given the role that it copies with",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html",
    ),
    Dependent(
        "iam:PassRole",
        "config:PutConfigurationRecorder",
        "a recorder is given the role that it records with",
        "https://docs.aws.amazon.com/config/latest/APIReference/API_PutConfigurationRecorder.html",
    ),
    Dependent(
        "iam:PassRole",
        "ec2:CreateFlowLogs",
        "a flow log to CloudWatch Logs is given the role that it delivers with",
        "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html",
    ),
    *(
        Dependent(
            "iam:PassRole",
            action,
            "a trail is given the role that it writes to its log group with",
            "https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCloudTrail_FullAccess.html",
        )
        for action in ("cloudtrail:CreateTrail", "cloudtrail:UpdateTrail")
    ),
    *(  # what AWS asks for besides makes the service-linked role, and CloudTrail a trusted service: nobody's to repair
        Dependent(
            action,
            call,
            "whether a trail may be the organisation's, CloudTrail asks in the caller's name",
            "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-an-organizational-trail-prepare.html",
        )
        for call in ("cloudtrail:CreateTrail", "cloudtrail:UpdateTrail")
        for action in (
            "iam:GetRole",
            "organizations:DescribeOrganization",
            "organizations:ListAccounts",
            "organizations:ListAWSServiceAccessForOrganization",
        )
    ),
    Dependent(
        "cloudtrail:AddTags",
        "cloudtrail:CreateTrail",
        "CreateTrail with tags adds them in the caller's name",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html",
    ),
    Dependent(
        "iam:PassRole",
        "events:PutTargets",
        "a rule is given the role that it sends to another bus with",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html",
    ),
    Dependent(
        "iam:PassRole",
        "logs:PutSubscriptionFilter",
        "a filter towards Kinesis or Firehose is given the role that it delivers with",
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html",
    ),
    Dependent(
        "logs:CreateLogDelivery",
        "ec2:CreateFlowLogs",
        "a flow log to S3 is a log delivery",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html",
    ),
    *(
        Dependent(
            "iam:PassRole",
            action,
            "a schedule is given the role that it invokes with",
            "https://docs.aws.amazon.com/scheduler/latest/UserGuide/security_iam_id-based-policies.html",
        )
        for action in ("scheduler:CreateSchedule", "scheduler:UpdateSchedule")
    ),
    Dependent(
        "lambda:GetLayerVersion",
        "lambda:UpdateFunctionConfiguration",
        "a function is given its layers",
        LAMBDA_GUIDE + "permissions-user-function.html",
    ),
    Dependent(
        "kms:GenerateDataKey*",
        "sns:Publish",
        "SNS encrypts a message in the publisher's name",
        "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
    ),
    Dependent(
        "kms:Decrypt",
        "sns:Publish",
        "SNS uses a data key again for some minutes, and asks KMS for it in the publisher's name",
        "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
    ),
    Dependent(
        "sqs:SendMessage",
        ON_FAILURE_QUEUE,
        "Lambda hands over the event of a failed invocation",
        LAMBDA_GUIDE + "invocation-async-retain-records.html",
    ),
    *(
        Dependent(action, QUEUE_EVENTS, "Lambda polls the queue", LAMBDA_GUIDE + "services-sqs-configure.html")
        for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    ),
    *(
        Dependent(action, OWN_LOG, "Lambda writes what is logged", LAMBDA_GUIDE + "monitoring-cloudwatchlogs.html")
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    ),
    Dependent(
        "sts:AssumeRole",
        MEMBERS,
        "the role of each account is assumed",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_aws-accounts.html",
    ),
)


def iam_action(service: str, operation: str) -> str:
    """The IAM action of an API call, by boto3's client name and the API's operation name."""
    return ACTIONS.get((service, operation), f"{PREFIXES.get(service, service)}:{operation}")


def required(calls: Iterable[tuple[str, str]], features: Iterable[str]) -> set[str]:
    """The actions that a role must allow, exactly, for (service, operation) calls and the features of the function."""
    own = {iam_action(*call) for call in calls}
    reasons = own | set(features)
    return own | {row.action for row in DEPENDENT if row.needed_by in reasons}
