"""A sealed bundle on its way into production: read the state, plan, carry out, watch, and go back where it errs."""
