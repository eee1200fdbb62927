"""Alarms and what they say."""
