"""Benchmarks beside Cloud Custodian (c7n), on one moto server, in turns in one run."""
