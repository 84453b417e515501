"""What operators do with a deployed Relight, in a real account or on the local AWS: one module a command.

They act with their own credentials and reach AWS through `relight.aws`, as the functions do.
"""
