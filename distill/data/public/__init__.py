"""The named public sets."""
