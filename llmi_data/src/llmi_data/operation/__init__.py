"""Steps as work that can be stopped and gone on with: flow, shards, ledger, meter, display, and the run from YAML."""
