"""The local AWS: the real template on one machine, with no account and no container.

moto plays AWS's APIs; this package adds what moto leaves out and Relight lives on: CloudTrail records of the calls that
any client makes, EventBridge's delivery of them, and Lambda running the functions. Nothing here is deployed.
"""
