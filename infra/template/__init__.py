"""The SAM template: what CloudFormation gets, and the linters."""
