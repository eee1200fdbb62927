"""The spine, and the stages that only it and the experiments call."""
